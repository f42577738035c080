"""States of snapshots and backups, and the only edges between them."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import pgettext_lazy

from portal.kernel.ui import StatusStyle, Tone


class SnapshotStatus(models.TextChoices):
    """Where a snapshot stands."""

    CREATING = "creating", pgettext_lazy("snapshot", "Being taken")
    READY = "ready", pgettext_lazy("snapshot", "Ready")
    ROLLING_BACK = "rolling_back", pgettext_lazy("snapshot", "Rolling back")
    DELETING = "deleting", pgettext_lazy("snapshot", "Being deleted")
    ERROR = "error", pgettext_lazy("snapshot", "Failed")
    DELETED = "deleted", pgettext_lazy("snapshot", "Deleted")


class BackupStatus(models.TextChoices):
    """Where a backup stands; `missing` was complete and is not on its storage any more."""

    PENDING = "pending", pgettext_lazy("backup", "Waiting")
    RUNNING = "running", pgettext_lazy("backup", "Running")
    COMPLETE = "complete", pgettext_lazy("backup", "Complete")
    FAILED = "failed", pgettext_lazy("backup", "Failed")
    DELETING = "deleting", pgettext_lazy("backup", "Being deleted")
    DELETED = "deleted", pgettext_lazy("backup", "Deleted")
    MISSING = "missing", pgettext_lazy("backup", "Missing")


class BackupMode(models.TextChoices):
    """How still the machine is kept."""

    SNAPSHOT = "snapshot", pgettext_lazy("backup mode", "While it runs")
    SUSPEND = "suspend", pgettext_lazy("backup mode", "Paused for a moment")
    STOP = "stop", pgettext_lazy("backup mode", "Stopped meanwhile")


class BackupKind(models.TextChoices):
    """Why it was made."""

    MANUAL = "manual", pgettext_lazy("backup kind", "By hand")
    SCHEDULED = "scheduled", pgettext_lazy("backup kind", "Scheduled")
    FINAL = "final", pgettext_lazy("backup kind", "Before the deletion")


class Verification(models.TextChoices):
    """What is known of the archive beyond its being there."""

    UNKNOWN = "unknown", pgettext_lazy("backup verification", "Not checked")
    OK = "ok", pgettext_lazy("backup verification", "Checked")
    FAILED = "failed", pgettext_lazy("backup verification", "Not readable")


_S = SnapshotStatus
SNAPSHOT_TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    _S.CREATING: frozenset({_S.READY, _S.ERROR, _S.DELETED}),
    _S.READY: frozenset({_S.ROLLING_BACK, _S.DELETING, _S.DELETED}),
    _S.ROLLING_BACK: frozenset({_S.READY, _S.DELETED}),
    _S.DELETING: frozenset({_S.DELETED, _S.READY, _S.ERROR}),
    _S.ERROR: frozenset({_S.CREATING, _S.DELETING, _S.READY, _S.DELETED}),
    _S.DELETED: frozenset(),
}
SNAPSHOT_BUSY: Final = frozenset({_S.CREATING, _S.ROLLING_BACK, _S.DELETING})
SNAPSHOT_STYLES: Final[dict[str, StatusStyle]] = {
    _S.CREATING: StatusStyle(_S.CREATING.label, "loader-circle", Tone.INFO, is_spinning=True),
    _S.READY: StatusStyle(_S.READY.label, "circle-check", Tone.OK),
    _S.ROLLING_BACK: StatusStyle(
        _S.ROLLING_BACK.label, "loader-circle", Tone.INFO, is_spinning=True
    ),
    _S.DELETING: StatusStyle(_S.DELETING.label, "trash-2", Tone.IDLE),
    _S.ERROR: StatusStyle(_S.ERROR.label, "octagon-x", Tone.DANGER),
    _S.DELETED: StatusStyle(_S.DELETED.label, "archive", Tone.IDLE),
}

_B = BackupStatus
BACKUP_TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    _B.PENDING: frozenset({_B.RUNNING, _B.COMPLETE, _B.FAILED}),
    _B.RUNNING: frozenset({_B.COMPLETE, _B.FAILED}),
    _B.COMPLETE: frozenset({_B.DELETING, _B.DELETED, _B.MISSING}),
    _B.FAILED: frozenset({_B.PENDING, _B.COMPLETE, _B.DELETING, _B.DELETED}),
    _B.DELETING: frozenset({_B.DELETED, _B.COMPLETE}),
    _B.MISSING: frozenset({_B.COMPLETE, _B.DELETING, _B.DELETED}),
    _B.DELETED: frozenset(),
}
BACKUP_OPEN: Final = frozenset({_B.PENDING, _B.RUNNING})
BACKUP_STYLES: Final[dict[str, StatusStyle]] = {
    _B.PENDING: StatusStyle(_B.PENDING.label, "hourglass", Tone.INFO),
    _B.RUNNING: StatusStyle(_B.RUNNING.label, "loader-circle", Tone.INFO, is_spinning=True),
    _B.COMPLETE: StatusStyle(_B.COMPLETE.label, "circle-check", Tone.OK),
    _B.FAILED: StatusStyle(_B.FAILED.label, "octagon-x", Tone.DANGER),
    _B.DELETING: StatusStyle(_B.DELETING.label, "trash-2", Tone.IDLE),
    _B.DELETED: StatusStyle(_B.DELETED.label, "archive", Tone.IDLE),
    _B.MISSING: StatusStyle(_B.MISSING.label, "search-x", Tone.DANGER),
}
_V = Verification
VERIFICATION_STYLES: Final[dict[str, StatusStyle]] = {
    _V.UNKNOWN: StatusStyle(_V.UNKNOWN.label, "circle-question-mark", Tone.IDLE),
    _V.OK: StatusStyle(_V.OK.label, "shield-check", Tone.OK),
    _V.FAILED: StatusStyle(_V.FAILED.label, "shield-alert", Tone.DANGER),
}
