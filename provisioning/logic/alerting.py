"""Words of alerts: how serious, which way a threshold is crossed, where an alert stands."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.kernel.stored_text import stored_text
from portal.kernel.ui import StatusStyle, Tone


class Operator(models.TextChoices):
    """Which side of the threshold is wrong."""

    ABOVE = "above", _("above")
    BELOW = "below", _("below")


class Severity(models.TextChoices):
    """Who has to know: critical alerts also go out by mail and stand on the first page."""

    WARNING = "warning", _("Warning")
    CRITICAL = "critical", _("Critical")


class AlertStatus(models.TextChoices):
    """`pending` is not shown to anybody: the threshold is crossed, but not for long enough yet."""

    PENDING = "pending", _("Not long enough yet")
    FIRING = "firing", _("Firing")
    RESOLVED = "resolved", _("Over")


STANDING: Final = (AlertStatus.PENDING, AlertStatus.FIRING)
ALERT_STYLES: Final[dict[str, StatusStyle]] = {
    AlertStatus.PENDING: StatusStyle(AlertStatus.PENDING.label, "hourglass", Tone.IDLE),
    AlertStatus.FIRING: StatusStyle(AlertStatus.FIRING.label, "siren", Tone.DANGER),
    AlertStatus.RESOLVED: StatusStyle(AlertStatus.RESOLVED.label, "circle-check", Tone.OK),
}
SEVERITY_STYLES: Final[dict[str, StatusStyle]] = {
    Severity.WARNING: StatusStyle(Severity.WARNING.label, "triangle-alert", Tone.WARN),
    Severity.CRITICAL: StatusStyle(Severity.CRITICAL.label, "octagon-x", Tone.DANGER),
}
FIRST_NAMES: Final = {
    "node-memory": stored_text("Memory of a node"),
    "node-memory-full": stored_text("Memory of a node nearly full"),
    "node-cpu": stored_text("CPU of a node"),
    "node-disk": stored_text("System disk of a node"),
    "host-memory": stored_text("Memory of a host of uHub"),
    "host-disk": stored_text("Disk of a host of uHub"),
    "machine-cpu": stored_text("CPU of a machine"),
}
"""What the rules that are there from the beginning are called until somebody calls them otherwise."""
