"""What a webhook can be told of: names, who may know it, and what a message looks like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from provisioning.permissions import Permission
from provisioning.tags import Tag

PAYLOAD_VERSION: Final = 1
TEST: Final = "webhook.test"
_POD: Final = {
    "id": "0190f0c4-5d2a-7cc0-8000-000000000001",
    "name": "web-1",
    "hostname": "web-1.example.org",
    "status": "running",
    "template": "debian-12",
    "owner": "support",
    "cpu_cores": 2,
    "memory_mb": 2048,
    "disk_gb": 20,
    "ip_addresses": ["203.0.113.10"],
    "tags": ["web"],
    "expires_at": "2030-01-01T00:00:00Z",
}


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """One thing to be told of. `permission` is what the webhook's owner must hold to be told."""

    name: str
    label: str | Promise
    permission: str = Permission.VIEW
    sample: Mapping[str, Any] = field(default_factory=lambda: {"deployment": _POD})


_events: dict[str, WebhookEvent] = {}


def register_webhook_event(*events: WebhookEvent) -> None:
    """Makes events known, in the order in which forms offer them."""
    for event in events:
        _events[event.name] = event


def webhook_event(name: str) -> WebhookEvent | None:
    """The event of that name, if there is one."""
    return _events.get(name)


def webhook_events() -> tuple[WebhookEvent, ...]:
    """Everything that can be asked for."""
    return tuple(event for event in _events.values() if event.name != TEST)


def envelope(name: str, data: Mapping[str, Any], *, at: str) -> dict[str, Any]:
    """A message's body, the same over all of its tries."""
    return {"type": name, "version": PAYLOAD_VERSION, "timestamp": at, "data": dict(data)}


POD_EVENTS: Final[dict[str, str]] = {
    Tag.CREATED: "pod.created",
    Tag.CREATE_FAILED: "pod.failed",
    Tag.ACTION_FAILED: "pod.failed",
    Tag.STARTED: "pod.started",
    Tag.RESTARTED: "pod.restarted",
    Tag.STOPPED: "pod.stopped",
    Tag.RESIZED: "pod.resized",
    Tag.DELETED: "pod.deleted",
}
_END: Final = {"end": "stop", "ends_at": "2030-01-01T00:00:00Z", "hours_left": 24}

register_webhook_event(
    WebhookEvent("pod.created", _("A deployment is ready")),
    WebhookEvent("pod.started", _("A deployment was started")),
    WebhookEvent("pod.restarted", _("A deployment was restarted")),
    WebhookEvent("pod.stopped", _("A deployment was stopped")),
    WebhookEvent("pod.resized", _("A deployment was resized")),
    WebhookEvent("pod.deleted", _("A deployment is gone")),
    WebhookEvent(
        "pod.failed",
        _("Something failed on a deployment"),
        sample={"deployment": _POD, "problem": {"code": "clone_vanished", "message": "…"}},
    ),
    WebhookEvent(
        "pod.lease_warning",
        _("A lease ends soon"),
        sample={"deployment": _POD, "lease": _END},
    ),
    WebhookEvent(
        "pod.lease_ended",
        _("A lease has ended"),
        sample={"deployment": _POD, "lease": {"end": "stop"}},
    ),
    WebhookEvent(
        "pod.backup_done",
        _("A backup ended"),
        sample={
            "deployment": _POD,
            "backup": {"id": "0190f0c4-5d2a-7cc0-8000-000000000002", "status": "complete"},
        },
    ),
    WebhookEvent(
        "pod.health_changed",
        _("A deployment's health changed"),
        permission=Permission.HEALTH_VIEW,
        sample={
            "deployment": _POD,
            "health": {"before": "ok", "health": "failed", "reason": "…"},
        },
    ),
    WebhookEvent(
        "quota.nearly_full",
        _("A quota is nearly full"),
        sample={"quota": {"dimension": "cpu_cores", "used": 58, "limit": 64}},
    ),
    WebhookEvent(TEST, _("Test message"), sample={"message": "It works."}),
)
