"""Webhooks that pause by themselves, and who is told of it."""

from __future__ import annotations

from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.services import trail
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.fsm import transition
from portal.kernel.notices import Words, register_notice_kind
from portal.kernel.ui import Tone
from portal.selectors.memberships import members_permitted
from portal.services.notifications import Notice, notify
from provisioning.logic.hook_states import WEBHOOK_TRANSITIONS, WebhookState
from provisioning.models import Webhook
from provisioning.permissions import Permission
from provisioning.tags import Tag

PAUSED: Final = "webhook.paused"


def pauses_register() -> None:
    """Makes the notice known."""
    register_notice_kind(
        PAUSED,
        gettext_lazy("A webhook was paused because its receiver fails"),
        "circle-pause",
        Tone.WARN,
        text=_paused_text,
    )


def webhook_pause_by_itself(webhook: Webhook, reason: str) -> None:
    """Stops sending until a person looks; what happens meanwhile is collected."""
    now = clock.now()
    if webhook.state == WebhookState.PAUSED:
        return
    transition(
        webhook,
        table=WEBHOOK_TRANSITIONS,
        to=WebhookState.PAUSED,
        field="state",
        pause_reason=reason[:300],
        paused_at=now,
    )
    trail.record(
        tag=Tag.WEBHOOK_PAUSED,
        target=webhook,
        actor=Actor.system("webhooks", tenant_id=webhook.tenant_id),
        detail={"message": reason},
        tenant_id=webhook.tenant_id,
    )
    people = members_permitted(tenant_id=webhook.tenant_id, permission=Permission.WEBHOOKS_MANAGE)
    notify(
        Notice(
            PAUSED,
            f"webhook:{webhook.pk}:paused:{now.isoformat()}",
            reverse("provisioning:webhook_detail", args=[webhook.pk]),
            {"name": webhook.name, "detail": reason},
        ),
        tenant_id=webhook.tenant_id,
        user_ids=people,
    )


def _paused_text(words: Words) -> str:
    return _("%(name)s is paused: its receiver fails") % {"name": words["name"]}
