"""What happened to a deployment: its audit entries and its operations, one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from audit.models import Entry
from audit.selectors.entries import entries_about
from portal.kernel.audit_tags import tag_specs
from portal.kernel.authz import Actor, ActorKind
from portal.kernel.stored_text import translated
from portal.kernel.ui import status_style
from portal.models import Operation
from portal.permissions import Permission
from portal.selectors.operations import operations_about
from portal.templatetags.ui import duration
from portal.web.operations import BACKGROUND_QUEUE, operation_cards
from provisioning.models import Deployment
from provisioning.tags import Tag

BRIEF: Final = 6
SOME: Final = 20
WHOLE: Final = 60
_LOOKS: Final[dict[str, tuple[str, str]]] = {
    Tag.REQUESTED: ("plus", "info"),
    Tag.CREATED: ("circle-check", "ok"),
    Tag.CREATE_FAILED: ("octagon-x", "danger"),
    Tag.RETRIED: ("rotate-cw", "info"),
    Tag.START_REQUESTED: ("play", "info"),
    Tag.STARTED: ("play", "ok"),
    Tag.RESTART_REQUESTED: ("rotate-cw", "info"),
    Tag.RESTARTED: ("rotate-cw", "ok"),
    Tag.STOP_REQUESTED: ("circle-stop", "info"),
    Tag.STOPPED: ("circle-pause", "idle"),
    Tag.RESIZE_REQUESTED: ("scaling", "info"),
    Tag.RESIZED: ("scaling", "ok"),
    Tag.CHANGED: ("pencil", "info"),
    Tag.EXTENDED: ("calendar-plus", "info"),
    Tag.EXPIRED: ("clock", "warn"),
    Tag.HELD: ("lock", "info"),
    Tag.RELEASED: ("lock-open", "info"),
    Tag.PROTECTION: ("shield", "info"),
    Tag.WARNED: ("mail", "warn"),
    Tag.WARNING_DELIVERED: ("mail-check", "ok"),
    Tag.WARNING_FAILED: ("mail-x", "danger"),
    Tag.DELETION_MOVED: ("calendar-clock", "warn"),
    Tag.EXTENSION_REQUESTED: ("hourglass", "warn"),
    Tag.EXTENSION_APPROVED: ("calendar-check", "ok"),
    Tag.EXTENSION_DENIED: ("ban", "danger"),
    Tag.EXTENSION_WITHDRAWN: ("undo-2", "idle"),
    Tag.EXTENSION_EXPIRED: ("clock", "idle"),
    Tag.DELETE_REQUESTED: ("trash-2", "warn"),
    Tag.DELETED: ("trash-2", "idle"),
    Tag.VMID_TAKEN: ("triangle-alert", "warn"),
    Tag.FINDING_OPENED: ("circle-alert", "warn"),
    Tag.FINDING_RESOLVED: ("circle-check", "ok"),
    Tag.FINDING_CLOSED: ("bell-off", "idle"),
}


def history(target_id: UUID, *, most: int = SOME) -> list[dict[str, Any]]:
    """What happened to an object by its audit, newest first."""
    return [_event(entry) for entry in entries_about(target_id)[:most]]


def activity(
    actor: Actor, deployment: Deployment, *, before: datetime | None
) -> tuple[list[dict[str, Any]], str]:
    """Entries and operations together, newest first; and where the next page begins, or nothing."""
    entries = entries_about(deployment.pk)
    if before is not None:
        entries = entries.filter(created_at__lt=before)
    found = [_event(entry) for entry in entries[: WHOLE + 1]]
    found += _worked(actor, deployment.pk, before)
    found.sort(key=lambda one: one["at"], reverse=True)
    shown = found[:WHOLE]
    return shown, shown[-1]["at"].isoformat() if len(found) > WHOLE else ""


def _worked(actor: Actor, target_id: UUID, before: datetime | None) -> Iterable[dict[str, Any]]:
    if not actor.may(Permission.OPERATIONS_VIEW):
        return []
    rows = operations_about(actor=actor, target_id=target_id).exclude(queue=BACKGROUND_QUEUE)
    if before is not None:
        rows = rows.filter(created_at__lt=before)
    return [_operation(card) for card in operation_cards(rows[: WHOLE + 1])]


def _operation(card: Any) -> dict[str, Any]:
    row: Operation = card.row
    style = status_style("operation", card.status)
    took = duration(card.duration) if card.duration is not None else ""
    return {
        "icon": "square-terminal",
        "tone": str(style.tone),
        "title": card.label,
        "text": " · ".join(str(part) for part in (style.label, took) if part),
        "who": row.actor_label,
        "url": reverse("portal:operation_detail", args=[row.pk]),
        "at": row.created_at,
    }


def _event(entry: Entry) -> dict[str, Any]:
    spec = tag_specs().get(entry.tag)
    icon, tone = _LOOKS.get(entry.tag, ("circle-dot", "idle"))
    if entry.outcome != "success":
        icon, tone = "octagon-x", "danger"
    return {
        "icon": icon,
        "tone": tone,
        "title": spec.label if spec else entry.tag,
        "text": translated((entry.detail or {}).get("message", "")),
        "who": _("uHub") if entry.actor_kind == ActorKind.SYSTEM else entry.actor_label,
        "at": entry.created_at,
    }
