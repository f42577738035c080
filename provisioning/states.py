"""States of a deployment and the only edges between them."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.kernel.ui import StatusStyle, Tone


class DeploymentStatus(models.TextChoices):
    """Where a deployment stands."""

    PROVISIONING = "provisioning", _("Provisioning")
    RUNNING = "running", _("Running")
    STOPPED = "stopped", _("Stopped")
    STARTING = "starting", _("Starting")
    STOPPING = "stopping", _("Stopping")
    DELETING = "deleting", _("Deleting")
    DELETED = "deleted", _("Deleted")
    ERROR = "error", _("Failed")


class Health(models.TextChoices):
    """What is known of a deployment's health."""

    UNKNOWN = "unknown", _("Unknown")
    OK = "ok", _("Healthy")
    DEGRADED = "degraded", _("Degraded")
    FAILED = "failed", _("Unhealthy")


_S = DeploymentStatus
DEPLOYMENT_TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    _S.PROVISIONING: frozenset({_S.RUNNING, _S.ERROR, _S.DELETING}),
    _S.RUNNING: frozenset({_S.STARTING, _S.STOPPING, _S.STOPPED, _S.DELETING, _S.ERROR}),
    _S.STOPPED: frozenset({_S.STARTING, _S.RUNNING, _S.DELETING, _S.ERROR}),
    _S.STARTING: frozenset({_S.RUNNING, _S.STOPPED, _S.ERROR, _S.DELETING}),
    _S.STOPPING: frozenset({_S.STOPPED, _S.RUNNING, _S.ERROR, _S.DELETING}),
    _S.ERROR: frozenset(
        {_S.PROVISIONING, _S.RUNNING, _S.STOPPED, _S.STARTING, _S.STOPPING, _S.DELETING}
    ),
    _S.DELETING: frozenset({_S.DELETED}),
    _S.DELETED: frozenset(),
}
BUSY: Final = frozenset({_S.PROVISIONING, _S.STARTING, _S.STOPPING, _S.DELETING})
LIVE: Final = frozenset(set(_S.values) - {_S.DELETED})

DEPLOYMENT_STYLES: Final[dict[str, StatusStyle]] = {
    _S.PROVISIONING: StatusStyle(
        _S.PROVISIONING.label, "loader-circle", Tone.INFO, is_spinning=True
    ),
    _S.RUNNING: StatusStyle(_S.RUNNING.label, "circle-check", Tone.OK),
    _S.STOPPED: StatusStyle(_S.STOPPED.label, "circle-pause", Tone.IDLE),
    _S.STARTING: StatusStyle(_S.STARTING.label, "power", Tone.INFO),
    _S.STOPPING: StatusStyle(_S.STOPPING.label, "power-off", Tone.INFO),
    _S.DELETING: StatusStyle(_S.DELETING.label, "trash-2", Tone.IDLE),
    _S.DELETED: StatusStyle(_S.DELETED.label, "archive", Tone.IDLE),
    _S.ERROR: StatusStyle(_S.ERROR.label, "octagon-x", Tone.DANGER),
}
HEALTH_STYLES: Final[dict[str, StatusStyle]] = {
    Health.UNKNOWN: StatusStyle(Health.UNKNOWN.label, "circle-question-mark", Tone.IDLE),
    Health.OK: StatusStyle(Health.OK.label, "heart-pulse", Tone.OK),
    Health.DEGRADED: StatusStyle(Health.DEGRADED.label, "triangle-alert", Tone.WARN),
    Health.FAILED: StatusStyle(Health.FAILED.label, "heart-crack", Tone.DANGER),
}
