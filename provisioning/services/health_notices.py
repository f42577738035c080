"""What people are told of health: a machine that is unwell, healed or given up; a cluster that pauses."""

from __future__ import annotations

from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.kernel import events
from portal.kernel.notices import Words, register_notice_kind
from portal.kernel.stored_text import translated
from portal.kernel.tenancy import PLATFORM_TENANT_ID
from portal.kernel.ui import Tone
from portal.selectors.memberships import members_permitted
from portal.selectors.notifications import platform_people
from portal.services.notifications import Notice, notify
from provisioning.events import HealEnded, HealPaused, HealthChanged
from provisioning.permissions import Permission
from provisioning.states import Health

UNWELL: Final = "health.failed"
HEALED: Final = "health.healed"
GIVEN_UP: Final = "health.given_up"
PAUSED: Final = "health.paused"


def health_notices_register() -> None:
    """Makes the kinds known and subscribes to what they tell of."""
    register_notice_kind(
        UNWELL,
        gettext_lazy("Your deployment is unwell"),
        "heart-crack",
        Tone.DANGER,
        text=_unwell_text,
    )
    register_notice_kind(
        HEALED,
        gettext_lazy("Your deployment was healed"),
        "heart-pulse",
        Tone.OK,
        text=_healed_text,
    )
    register_notice_kind(
        GIVEN_UP,
        gettext_lazy("A deployment cannot be healed"),
        "hand",
        Tone.DANGER,
        text=_given_up_text,
    )
    register_notice_kind(
        PAUSED,
        gettext_lazy("Healing is paused on a cluster"),
        "siren",
        Tone.DANGER,
        text=_paused_text,
    )
    events.subscribe(HealthChanged, _health_changed)
    events.subscribe(HealEnded, _heal_ended)
    events.subscribe(HealPaused, _heal_paused)


def _health_changed(event: HealthChanged) -> None:
    if event.health != Health.FAILED:
        return
    words = {"name": event.name, "detail": event.reason}
    cause = f"health:{event.deployment_id}:{event.at.isoformat(timespec='seconds')}"
    notify(
        Notice(UNWELL, cause, _path(event), words),
        tenant_id=event.tenant_id,
        user_ids=[event.owner_id],
    )


def _heal_ended(event: HealEnded) -> None:
    words = {"name": event.name, "detail": event.reason}
    cause = f"heal:{event.attempt_id}:{event.status}"
    people = [event.owner_id]
    kind = HEALED
    if event.status != "done":
        kind = GIVEN_UP
        managers = members_permitted(tenant_id=event.tenant_id, permission=Permission.MANAGE)
        people = [*people, *managers]
    notify(Notice(kind, cause, _path(event), words), tenant_id=event.tenant_id, user_ids=people)


def _heal_paused(event: HealPaused) -> None:
    cause = f"heal-paused:{event.cluster_id}:{event.at.isoformat(timespec='seconds')}"
    words = {"cluster": event.cluster, "detail": event.reason}
    notify(
        Notice(PAUSED, cause, reverse("provisioning:infrastructure"), words),
        tenant_id=PLATFORM_TENANT_ID,
        user_ids=platform_people(),
    )


def _path(event: HealthChanged | HealEnded) -> str:
    address = reverse("provisioning:deployment_detail", args=[event.deployment_id])
    return f"{address}?tab=health"


def _unwell_text(words: Words) -> str:
    return _("%(name)s is unwell: %(reason)s") % _told(words)


def _healed_text(words: Words) -> str:
    return _("%(name)s was healed: %(reason)s") % _told(words)


def _given_up_text(words: Words) -> str:
    return _("%(name)s could not be healed: %(reason)s") % _told(words)


def _paused_text(words: Words) -> str:
    return _("%(cluster)s: %(reason)s") % {
        "cluster": words["cluster"],
        "reason": translated(words["detail"]),
    }


def _told(words: Words) -> dict[str, str]:
    return {"name": words["name"], "reason": translated(words["detail"])}
