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


class LeaseEnd(models.TextChoices):
    """What a lease ends: first the running, then the existing."""

    STOP = "stop", _("Stop")
    DELETE = "delete", _("Deletion")


class RequestStatus(models.TextChoices):
    """Where a request for more than the rules give stands."""

    PENDING = "pending", _("Waiting for a decision")
    APPROVED = "approved", _("Approved")
    DENIED = "denied", _("Denied")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    EXPIRED = "expired", _("Expired")


_R = RequestStatus
REQUEST_TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    _R.PENDING: frozenset({_R.APPROVED, _R.DENIED, _R.WITHDRAWN, _R.EXPIRED}),
    _R.APPROVED: frozenset(),
    _R.DENIED: frozenset(),
    _R.WITHDRAWN: frozenset(),
    _R.EXPIRED: frozenset(),
}
REQUEST_STYLES: Final[dict[str, StatusStyle]] = {
    _R.PENDING: StatusStyle(_R.PENDING.label, "hourglass", Tone.WARN),
    _R.APPROVED: StatusStyle(_R.APPROVED.label, "circle-check", Tone.OK),
    _R.DENIED: StatusStyle(_R.DENIED.label, "ban", Tone.DANGER),
    _R.WITHDRAWN: StatusStyle(_R.WITHDRAWN.label, "undo-2", Tone.IDLE),
    _R.EXPIRED: StatusStyle(_R.EXPIRED.label, "clock", Tone.IDLE),
}

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
