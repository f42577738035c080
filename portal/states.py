"""States of the platform's own objects, with the one table of their transitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.kernel.ui import StatusStyle, Tone


class OperationStatus(TextChoices):
    """Life of an operation. Pending covers due, scheduled, waiting between steps and for a retry."""

    PENDING = "pending", _("Pending")
    RUNNING = "running", pgettext_lazy("operation", "Running")
    COMPLETED = "completed", _("Completed")
    FAILED = "failed", _("Failed")
    DEAD = "dead", _("Dead")
    CANCELED = "canceled", _("Canceled")


OPEN_STATUSES: Final = (OperationStatus.PENDING, OperationStatus.RUNNING)
ENDED_STATUSES: Final = (
    OperationStatus.COMPLETED,
    OperationStatus.FAILED,
    OperationStatus.DEAD,
    OperationStatus.CANCELED,
)
RETRYABLE_STATUSES: Final = (OperationStatus.FAILED, OperationStatus.DEAD)

OPERATION_TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    OperationStatus.PENDING: frozenset({OperationStatus.RUNNING, OperationStatus.CANCELED}),
    OperationStatus.RUNNING: frozenset({OperationStatus.PENDING, *ENDED_STATUSES}),
}
"""What ends never changes again: ended states have no edge, and a trigger says the same to PostgreSQL."""


class AttemptOutcome(TextChoices):
    """How one try of an operation went."""

    COMPLETED = "completed", _("Completed")
    RETRIED = "retried", _("To be retried")
    CRASHED = "crashed", _("Worker lost")
    FAILED = "failed", _("Failed")
    CANCELED = "canceled", _("Canceled")


class WorkerStatus(TextChoices):
    """Whether a worker process takes work (seed 003 §6.2)."""

    ONLINE = "online", _("Online")
    DRAINING = "draining", _("Draining")
    OFFLINE = "offline", _("Offline")


class SessionKind(TextChoices):
    """How somebody is signed in: a browser, or a family of API tokens."""

    WEB = "web", _("Browser")
    TOKEN = "token", _("API token")


class StepStatus(TextChoices):
    """Where one step of an operation stands."""

    PENDING = "pending", _("Pending")
    RUNNING = "running", pgettext_lazy("operation", "Running")
    WAITING = "waiting", _("Waiting")
    COMPLETED = "completed", _("Completed")
    SKIPPED = "skipped", _("Skipped")
    FAILED = "failed", _("Failed")
    CANCELED = "canceled", _("Canceled")


OPERATION_STYLES: Final[Mapping[str, StatusStyle]] = {
    OperationStatus.PENDING: StatusStyle(_("Pending"), "clock", Tone.IDLE),
    OperationStatus.RUNNING: StatusStyle(
        pgettext_lazy("operation", "Running"), "loader-circle", Tone.INFO, is_spinning=True
    ),
    OperationStatus.COMPLETED: StatusStyle(_("Completed"), "circle-check", Tone.OK),
    OperationStatus.FAILED: StatusStyle(_("Failed"), "octagon-x", Tone.DANGER),
    OperationStatus.DEAD: StatusStyle(_("Dead"), "skull", Tone.DANGER),
    OperationStatus.CANCELED: StatusStyle(_("Canceled"), "ban", Tone.IDLE),
}
WORKER_STYLES: Final[Mapping[str, StatusStyle]] = {
    WorkerStatus.ONLINE: StatusStyle(_("Online"), "circle-check", Tone.OK),
    WorkerStatus.DRAINING: StatusStyle(_("Draining"), "hourglass", Tone.WARN),
    WorkerStatus.OFFLINE: StatusStyle(_("Offline"), "circle-off", Tone.IDLE),
}
