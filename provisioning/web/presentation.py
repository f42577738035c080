"""What the pages of provisioning show of plans, quotas, actions and history."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from audit.models import Entry
from audit.selectors.entries import entries_about
from billing.logic.quota import Verdict
from portal.kernel import clock
from portal.kernel.audit_tags import tag_specs
from portal.kernel.authz import Actor, ActorKind
from portal.kernel.stored_text import translated
from portal.models import Operation
from portal.templatetags.ui import gib, mib
from provisioning.models import Deployment
from provisioning.permissions import Permission
from provisioning.selectors.deployments import is_in_hands_of
from provisioning.states import DeploymentStatus
from provisioning.tags import Tag

_S = DeploymentStatus
HISTORY_LENGTH = 20
_NEARLY_FULL = 85
_LOOKS: dict[str, tuple[str, str]] = {
    Tag.REQUESTED: ("plus", "info"),
    Tag.CREATED: ("circle-check", "ok"),
    Tag.STARTED: ("play", "ok"),
    Tag.RESTARTED: ("rotate-cw", "ok"),
    Tag.STOPPED: ("circle-pause", "idle"),
    Tag.RESIZED: ("scaling", "ok"),
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
    Tag.DELETED: ("trash-2", "idle"),
    Tag.VMID_TAKEN: ("triangle-alert", "warn"),
    Tag.FINDING_OPENED: ("circle-alert", "warn"),
    Tag.FINDING_RESOLVED: ("circle-check", "ok"),
    Tag.FINDING_CLOSED: ("bell-off", "idle"),
}


def followed(text: str, deployment: Deployment, operation: Operation) -> SafeString:
    """What a toast says about work that has begun, with the way to follow it."""
    address = reverse("portal:operation_detail", args=[operation.pk])
    label = _("Follow %(name)s") % {"name": deployment.name}
    return format_html('{} <a class="link" href="{}">{}</a>', text, address, label)


def meters(verdicts: Iterable[Verdict], *, with_change: bool = True) -> list[dict[str, Any]]:
    """Quota as bars: used → after / limit."""
    labels = {
        "deployments": _("Machines"),
        "cpu_cores": _("vCPU"),
        "memory_mb": _("Memory"),
        "disk_gb": _("Disk"),
    }
    return [_meter(labels[v.dimension], v, with_change=with_change) for v in verdicts]


def _meter(label: str, verdict: Verdict, *, with_change: bool) -> dict[str, Any]:
    name, asked = verdict.dimension, verdict.requested if with_change else 0
    limit = "∞" if verdict.limit is None else amount_text(name, verdict.limit)
    used, after = amount_text(name, verdict.used), amount_text(name, verdict.after)
    told = [_bare(used, limit), _bare(after, limit)] if asked else [_bare(used, limit)]
    full = verdict.percent_after or 0
    tone = "danger" if not verdict.is_allowed else "warn" if full >= _NEARLY_FULL else ""
    return {
        "label": label,
        "text": f"{' → '.join(told)} / {limit}",
        "value": min(verdict.after, verdict.limit if verdict.limit is not None else verdict.after),
        "max": verdict.limit or max(verdict.after, 1),
        "tone": tone,
    }


def _bare(text: str, other: str) -> str:
    """The figure without its unit where the figure after it has the same."""
    figure, _mark, unit = text.rpartition(" ")
    return figure if figure == "0" or other.endswith(f" {unit}") else text


def amount_text(dimension: str, value: int) -> str:
    """An amount of one dimension with its unit."""
    if dimension == "memory_mb":
        return mib(value)
    return gib(value) if dimension == "disk_gb" else str(value)


def actions(actor: Actor, deployment: Deployment) -> dict[str, dict[str, str]]:
    """What the role allows, each with the reason why it cannot be done now, if any."""
    if deployment.status == _S.DELETED or not is_in_hands_of(actor, deployment):
        return {}
    wanted: dict[str, dict[str, str]] = {}
    if actor.may(Permission.OPERATE):
        wanted |= _operate(deployment)
    if actor.may(Permission.MANAGE):
        wanted["release" if deployment.hold else "hold"] = {"reason": ""}
    if actor.may(Permission.DELETE):
        wanted["delete"] = {"reason": _delete_reason(deployment)}
    return wanted


def _operate(deployment: Deployment) -> dict[str, dict[str, str]]:
    busy = _("Wait until the current action has ended.") if deployment.is_busy else ""
    is_on = deployment.status == _S.RUNNING
    is_off = deployment.status == _S.STOPPED
    offered: dict[str, dict[str, str]] = {}
    if deployment.status == _S.ERROR and deployment.ready_at is None:
        offered["retry"] = {"reason": ""}
        return offered
    if not is_on:
        offered["start"] = {"reason": busy or _start_reason(deployment)}
    if not is_off:
        offered["stop"] = {"reason": busy}
    offered["restart"] = {"reason": busy or ("" if is_on else _("It is not running."))}
    offered["extend"] = {"reason": ""}
    offered["resize"] = {"reason": busy}
    return offered


def _start_reason(deployment: Deployment) -> str:
    if deployment.expires_at <= clock.now() and not deployment.hold:
        return _("The lease has ended: extend it first.")
    return ""


def _delete_reason(deployment: Deployment) -> str:
    if deployment.status == _S.DELETING:
        return _("It is being deleted.")
    return _("It is on hold: lift the hold first.") if deployment.hold else ""


def history(target_id: UUID) -> list[dict[str, Any]]:
    """What happened to an object, newest first, for the timeline."""
    return [_event(entry) for entry in entries_about(target_id)[:HISTORY_LENGTH]]


def _event(entry: Entry) -> dict[str, Any]:
    spec = tag_specs().get(entry.tag)
    icon, tone = _LOOKS.get(entry.tag, ("circle-dot", "idle"))
    if entry.outcome != "success":
        icon, tone = "octagon-x", "danger"
    said = translated((entry.detail or {}).get("message", ""))
    return {
        "icon": icon,
        "tone": tone,
        "title": spec.label if spec else entry.tag,
        "text": " · ".join(part for part in (_who(entry), said) if part),
        "at": entry.created_at,
    }


def _who(entry: Entry) -> str:
    return _("uHub") if entry.actor_kind == ActorKind.SYSTEM else entry.actor_label
