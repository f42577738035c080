"""What people are told of leases, requests and findings."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.kernel import events
from portal.kernel.dates import date_and_time
from portal.kernel.notices import Words, register_notice_kind
from portal.kernel.tenancy import PLATFORM_TENANT_ID
from portal.kernel.ui import Tone
from portal.selectors.memberships import members_permitted
from portal.selectors.notifications import platform_people
from portal.services.notifications import Notice, notify
from provisioning.events import (
    ExtensionAsked,
    ExtensionDecided,
    FindingOpened,
    LeaseEnded,
    LeaseWarned,
)
from provisioning.permissions import Permission
from provisioning.states import FindingKind, LeaseEnd, RequestStatus

ENDING: Final = "lease.ending"
ENDED: Final = "lease.ended"
ASKED: Final = "extension.asked"
DECIDED: Final = "extension.decided"
FINDING: Final = "finding.opened"


def notices_register() -> None:
    """Makes the kinds known and subscribes to what they tell of."""
    register_notice_kind(
        ENDING,
        gettext_lazy("Your deployment expires soon"),
        "alarm-clock",
        Tone.WARN,
        text=_ending_text,
    )
    register_notice_kind(
        ENDED,
        gettext_lazy("Your deployment was stopped or deleted by its lease"),
        "calendar-x",
        Tone.DANGER,
        text=_ended_text,
    )
    register_notice_kind(
        ASKED,
        gettext_lazy("An extension waits for your decision"),
        "hourglass",
        Tone.VIOLET,
        text=_asked_text,
    )
    register_notice_kind(
        DECIDED,
        gettext_lazy("Your extension was decided"),
        "gavel",
        Tone.INFO,
        text=_decided_text,
    )
    register_notice_kind(
        FINDING,
        gettext_lazy("A cluster differs from what uHub knows"),
        "scan-search",
        Tone.WARN,
        text=_finding_text,
    )
    events.subscribe(LeaseWarned, _lease_warned)
    events.subscribe(LeaseEnded, _lease_ended)
    events.subscribe(ExtensionAsked, _extension_asked)
    events.subscribe(ExtensionDecided, _extension_decided)
    events.subscribe(FindingOpened, _finding_opened)


def _lease_warned(event: LeaseWarned) -> None:
    cause = f"lease:{event.deployment_id}:{event.lease_version}:{event.end}:{event.offset_hours}"
    words = {"name": event.name, "end": event.end, "ends_at": event.ends_at.isoformat()}
    notify(
        Notice(ENDING, cause, _deployment_path(event), words),
        tenant_id=event.tenant_id,
        user_ids=[event.owner_id],
    )


def _lease_ended(event: LeaseEnded) -> None:
    cause = f"lease:{event.deployment_id}:{event.lease_version}:{event.end}:ended"
    notify(
        Notice(ENDED, cause, _deployment_path(event), {"name": event.name, "end": event.end}),
        tenant_id=event.tenant_id,
        user_ids=[event.owner_id],
    )


def _extension_asked(event: ExtensionAsked) -> None:
    """Everybody who may decide is told, but for who asks: nobody decides on one's own request."""
    people = members_permitted(tenant_id=event.tenant_id, permission=Permission.APPROVE)
    words = {
        "name": event.name,
        "hours": event.hours,
        "requester": event.requester,
        "detail": event.reason,
    }
    notify(
        Notice(ASKED, f"extension:{event.request_id}:asked", _deployment_path(event), words),
        tenant_id=event.tenant_id,
        user_ids=[person for person in people if person != event.requester_id],
    )


def _extension_decided(event: ExtensionDecided) -> None:
    words = {
        "name": event.name,
        "hours": event.hours,
        "status": event.status,
        "detail": event.reason,
    }
    notify(
        Notice(DECIDED, f"extension:{event.request_id}:decided", _deployment_path(event), words),
        tenant_id=event.tenant_id,
        user_ids=[event.requester_id],
    )


def _finding_opened(event: FindingOpened) -> None:
    if event.tenant_id == PLATFORM_TENANT_ID:
        people = platform_people()
    else:
        people = members_permitted(tenant_id=event.tenant_id, permission=Permission.FINDINGS_VIEW)
    words = {
        "kind": event.kind,
        "vmid": event.vmid,
        "node": event.node,
        "cluster": event.cluster,
    }
    path = reverse("provisioning:finding_detail", args=[event.finding_id])
    notify(
        Notice(FINDING, f"finding:{event.finding_id}:{event.episode}", path, words),
        tenant_id=event.tenant_id,
        user_ids=people,
    )


def _deployment_path(
    event: LeaseWarned | LeaseEnded | ExtensionAsked | ExtensionDecided,
) -> str:
    return reverse("provisioning:deployment_detail", args=[event.deployment_id])


def _ending_text(words: Words) -> str:
    at = datetime.fromisoformat(words["ends_at"])
    is_deletion = words["end"] == LeaseEnd.DELETE
    text = _("%(name)s is deleted on %(at)s") if is_deletion else _("%(name)s is stopped on %(at)s")
    return text % {"name": words["name"], "at": date_and_time(at)}


def _ended_text(words: Words) -> str:
    is_deletion = words["end"] == LeaseEnd.DELETE
    text = (
        _("%(name)s is deleted: its lease is over")
        if is_deletion
        else _("%(name)s is stopped: its lease has ended")
    )
    return text % words


def _asked_text(words: Words) -> str:
    text = ngettext(
        "%(requester)s asks for %(hours)s more hour for %(name)s",
        "%(requester)s asks for %(hours)s more hours for %(name)s",
        int(words["hours"]),
    )
    return text % words


def _decided_text(words: Words) -> str:
    texts = {
        RequestStatus.APPROVED: _("%(name)s: %(hours)s more hours were granted"),
        RequestStatus.DENIED: _("%(name)s: %(hours)s more hours were denied"),
        RequestStatus.EXPIRED: _("%(name)s: nobody decided on %(hours)s more hours in time"),
    }
    return texts[RequestStatus(words["status"])] % words


def _finding_text(words: Words) -> str:
    kind = FindingKind(words["kind"]).label
    if not words["vmid"]:
        return _("%(cluster)s: %(kind)s") % {"kind": kind, "cluster": words["cluster"]}
    return _("%(cluster)s: %(kind)s, VM %(vmid)s") % {**words, "kind": kind}
