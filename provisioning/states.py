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


class DesiredPower(models.TextChoices):
    """What people last asked of a machine's power."""

    RUNNING = "running", _("Running")
    STOPPED = "stopped", _("Stopped")


class Verdict(models.TextChoices):
    """What one look at a machine's health said; `idle` is one that is off and is to be."""

    OK = "ok", _("Healthy")
    DEGRADED = "degraded", _("Degraded")
    BAD = "bad", _("Unhealthy")
    UNKNOWN = "unknown", _("Unknown")
    IDLE = "idle", _("Switched off")


class HealAction(models.TextChoices):
    """What is done to make a machine well."""

    START = "start", _("Start")
    RESTART = "restart", _("Hard restart")


class HealStatus(models.TextChoices):
    """How a healing stands; `dropped` is one that somebody's own wish came before."""

    RUNNING = "running", _("Under way")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    DROPPED = "dropped", _("Broken off")


class ConsoleEnd(models.TextChoices):
    """Why a console was closed."""

    LEFT = "left", _("Closed by the viewer")
    GONE = "gone", _("The machine closed its screen")
    STOPPED = "stopped", _("The machine is not running any more")
    DELETED = "deleted", _("The deployment is being deleted")
    EXPIRED = "expired", _("The lease has ended")
    REVOKED = "revoked", _("The right to look was taken away")
    SIGNED_OUT = "signed_out", _("The session has ended")
    FOREIGN = "foreign", _("Another machine is behind the number")
    IDLE = "idle", _("Nobody has touched it for long")
    LONGEST = "longest", _("It was open for as long as one may be")
    UNREACHABLE = "unreachable", _("The hypervisor does not answer")
    BROKEN = "broken", _("The hypervisor said something that is no screen")
    RESTART = "restart", _("uHub is being restarted")


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


class BootstrapStatus(models.TextChoices):
    """How the installation of an application stands; it never holds up the machine itself."""

    PENDING = "pending", _("Waiting for the guest")
    RUNNING = "running", _("Installing")
    DONE = "done", _("Installed")
    FAILED = "failed", _("Installation failed")
    UNKNOWN = "unknown", _("Result unknown")


_B = BootstrapStatus
BOOTSTRAP_STYLES: Final[dict[str, StatusStyle]] = {
    _B.PENDING: StatusStyle(_B.PENDING.label, "hourglass", Tone.INFO),
    _B.RUNNING: StatusStyle(_B.RUNNING.label, "loader-circle", Tone.INFO, is_spinning=True),
    _B.DONE: StatusStyle(_B.DONE.label, "circle-check", Tone.OK),
    _B.FAILED: StatusStyle(_B.FAILED.label, "octagon-x", Tone.DANGER),
    _B.UNKNOWN: StatusStyle(_B.UNKNOWN.label, "circle-question-mark", Tone.IDLE),
}


class TransferStatus(models.TextChoices):
    """Where the offer of a machine stands."""

    PENDING = "pending", _("Waiting for the receiver")
    ACCEPTED = "accepted", _("Accepted")
    DECLINED = "declined", _("Declined")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    EXPIRED = "expired", _("Expired")


_T = TransferStatus
TRANSFER_TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    _T.PENDING: frozenset({_T.ACCEPTED, _T.DECLINED, _T.WITHDRAWN, _T.EXPIRED}),
    _T.ACCEPTED: frozenset(),
    _T.DECLINED: frozenset(),
    _T.WITHDRAWN: frozenset(),
    _T.EXPIRED: frozenset(),
}
TRANSFER_STYLES: Final[dict[str, StatusStyle]] = {
    _T.PENDING: StatusStyle(_T.PENDING.label, "hourglass", Tone.WARN),
    _T.ACCEPTED: StatusStyle(_T.ACCEPTED.label, "circle-check", Tone.OK),
    _T.DECLINED: StatusStyle(_T.DECLINED.label, "ban", Tone.DANGER),
    _T.WITHDRAWN: StatusStyle(_T.WITHDRAWN.label, "undo-2", Tone.IDLE),
    _T.EXPIRED: StatusStyle(_T.EXPIRED.label, "clock", Tone.IDLE),
}


class Recurrence(models.TextChoices):
    """How often a window of maintenance comes back."""

    NONE = "none", _("Once")
    WEEKLY = "weekly", _("Every week")


_S = DeploymentStatus
DEPLOYMENT_TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    _S.PROVISIONING: frozenset({_S.RUNNING, _S.STOPPED, _S.ERROR, _S.DELETING}),
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


VERDICT_STYLES: Final[dict[str, StatusStyle]] = {
    Verdict.OK: StatusStyle(Verdict.OK.label, "heart-pulse", Tone.OK),
    Verdict.DEGRADED: StatusStyle(Verdict.DEGRADED.label, "triangle-alert", Tone.WARN),
    Verdict.BAD: StatusStyle(Verdict.BAD.label, "heart-crack", Tone.DANGER),
    Verdict.UNKNOWN: StatusStyle(Verdict.UNKNOWN.label, "circle-question-mark", Tone.IDLE),
    Verdict.IDLE: StatusStyle(Verdict.IDLE.label, "circle-pause", Tone.IDLE),
}
HEAL_STYLES: Final[dict[str, StatusStyle]] = {
    HealStatus.RUNNING: StatusStyle(
        HealStatus.RUNNING.label, "loader-circle", Tone.INFO, is_spinning=True
    ),
    HealStatus.DONE: StatusStyle(HealStatus.DONE.label, "heart-pulse", Tone.OK),
    HealStatus.FAILED: StatusStyle(HealStatus.FAILED.label, "octagon-x", Tone.DANGER),
    HealStatus.DROPPED: StatusStyle(HealStatus.DROPPED.label, "undo-2", Tone.IDLE),
}


class FindingKind(models.TextChoices):
    """What a cluster shows that our rows do not, or the other way round."""

    MISSING = "missing", _("Missing")
    UNREACHABLE = "unreachable", _("Unreachable")
    FOREIGN = "foreign", _("Stranger under our number")
    DRIFT = "drift", _("Changed outside")
    ORPHAN = "orphan", _("Without an owner")
    HALF_CLONE = "half_clone", _("Half a clone")
    MOVED = "moved", _("Moved")
    REAPPEARED = "reappeared", _("Back again")
    STALE_VMID = "stale_vmid", _("Number without a machine")
    TOO_MUCH_VANISHED = "too_much_vanished", _("Too much vanished")
    ORPHAN_DISK = "orphan_disk", _("Disks of nobody")
    TEMPLATE_MISSING = "template_missing", _("Template missing")
    TEMPLATE_CHANGED = "template_changed", _("Template changed")
    STALE_RECORD = "stale_record", _("Name or address out of date")
    VOLUME_MISSING = "volume_missing", _("Volume not where it belongs")


class FindingStatus(models.TextChoices):
    """`suspected` is not shown to anybody yet; `closed` still stands, but a person knows why."""

    SUSPECTED = "suspected", _("Suspected")
    OPEN = "open", _("Open")
    CLOSED = "closed", _("Closed")
    RESOLVED = "resolved", _("Resolved")


class Resolution(models.TextChoices):
    """How a finding ended."""

    GONE = "gone", _("No longer so")
    FOLLOWED = "followed", _("Taken over")
    FORGOTTEN = "forgotten", _("Forgotten")
    ADOPTED = "adopted", _("Adopted")
    ACCEPTED = "accepted", _("Accepted")
    REAPPLIED = "reapplied", _("Set again")
    DISMISSED = "dismissed", _("Closed by a person")
    DELETED = "deleted", _("Deleted by a person")


_F = FindingStatus
FINDING_TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    _F.SUSPECTED: frozenset({_F.OPEN, _F.RESOLVED}),
    _F.OPEN: frozenset({_F.CLOSED, _F.RESOLVED}),
    _F.CLOSED: frozenset({_F.OPEN, _F.RESOLVED}),
    _F.RESOLVED: frozenset(),
}
STANDING: Final = frozenset({_F.SUSPECTED, _F.OPEN, _F.CLOSED})

_K = FindingKind
FINDING_KIND_STYLES: Final[dict[str, StatusStyle]] = {
    _K.MISSING: StatusStyle(_K.MISSING.label, "search-x", Tone.DANGER),
    _K.UNREACHABLE: StatusStyle(_K.UNREACHABLE.label, "unplug", Tone.WARN),
    _K.FOREIGN: StatusStyle(_K.FOREIGN.label, "shield-alert", Tone.DANGER),
    _K.DRIFT: StatusStyle(_K.DRIFT.label, "diff", Tone.WARN),
    _K.ORPHAN: StatusStyle(_K.ORPHAN.label, "circle-question-mark", Tone.VIOLET),
    _K.HALF_CLONE: StatusStyle(_K.HALF_CLONE.label, "lock", Tone.DANGER),
    _K.MOVED: StatusStyle(_K.MOVED.label, "arrow-right-left", Tone.INFO),
    _K.REAPPEARED: StatusStyle(_K.REAPPEARED.label, "undo-2", Tone.DANGER),
    _K.STALE_VMID: StatusStyle(_K.STALE_VMID.label, "hash", Tone.IDLE),
    _K.TOO_MUCH_VANISHED: StatusStyle(_K.TOO_MUCH_VANISHED.label, "siren", Tone.DANGER),
    _K.ORPHAN_DISK: StatusStyle(_K.ORPHAN_DISK.label, "hard-drive", Tone.WARN),
    _K.TEMPLATE_MISSING: StatusStyle(_K.TEMPLATE_MISSING.label, "file-x", Tone.DANGER),
    _K.TEMPLATE_CHANGED: StatusStyle(_K.TEMPLATE_CHANGED.label, "file-diff", Tone.WARN),
    _K.STALE_RECORD: StatusStyle(_K.STALE_RECORD.label, "globe", Tone.WARN),
    _K.VOLUME_MISSING: StatusStyle(_K.VOLUME_MISSING.label, "hard-drive", Tone.DANGER),
}
FINDING_STYLES: Final[dict[str, StatusStyle]] = {
    _F.SUSPECTED: StatusStyle(_F.SUSPECTED.label, "eye", Tone.IDLE),
    _F.OPEN: StatusStyle(_F.OPEN.label, "circle-alert", Tone.WARN),
    _F.CLOSED: StatusStyle(_F.CLOSED.label, "bell-off", Tone.IDLE),
    _F.RESOLVED: StatusStyle(_F.RESOLVED.label, "circle-check", Tone.OK),
}
NODE_STYLES: Final[dict[str, StatusStyle]] = {
    "online": StatusStyle(_("Online"), "circle-check", Tone.OK),
    "offline": StatusStyle(_("Offline"), "octagon-x", Tone.DANGER),
    "unknown": StatusStyle(_("Unknown"), "circle-question-mark", Tone.IDLE),
}


class DnsProvider(models.TextChoices):
    """Which interface a name server is written through."""

    POWERDNS = "powerdns", "PowerDNS"


class ZoneKind(models.TextChoices):
    """Names to addresses, or addresses to names."""

    FORWARD = "forward", _("Names")
    REVERSE = "reverse", _("Addresses")


class DnsType(models.TextChoices):
    """The types of records that machines have."""

    A = "A", "A"
    AAAA = "AAAA", "AAAA"
    PTR = "PTR", "PTR"


class DnsStatus(models.TextChoices):
    """Where a record stands; `removed` is a tombstone, and its name is free."""

    PENDING = "pending", _("Pending")
    ACTIVE = "active", _("Active")
    ERROR = "error", _("Error")
    REMOVING = "removing", _("Being removed")
    REMOVED = "removed", _("Removed")


_D = DnsStatus
DNS_TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    _D.PENDING: frozenset({_D.ACTIVE, _D.ERROR, _D.REMOVING, _D.REMOVED}),
    _D.ACTIVE: frozenset({_D.PENDING, _D.ERROR, _D.REMOVING, _D.REMOVED}),
    _D.ERROR: frozenset({_D.PENDING, _D.ACTIVE, _D.REMOVING, _D.REMOVED}),
    _D.REMOVING: frozenset({_D.REMOVED}),
    _D.REMOVED: frozenset(),
}
DNS_STYLES: Final[dict[str, StatusStyle]] = {
    _D.PENDING: StatusStyle(_D.PENDING.label, "hourglass", Tone.INFO),
    _D.ACTIVE: StatusStyle(_D.ACTIVE.label, "circle-check", Tone.OK),
    _D.ERROR: StatusStyle(_D.ERROR.label, "triangle-alert", Tone.WARN),
    _D.REMOVING: StatusStyle(_D.REMOVING.label, "loader-circle", Tone.IDLE, is_spinning=True),
    _D.REMOVED: StatusStyle(_D.REMOVED.label, "archive", Tone.IDLE),
}


class VolumeStatus(models.TextChoices):
    """Where an additional disk stands; while `action` runs, this is what was last proven."""

    CREATING = "creating", _("Creating")
    ATTACHED = "attached", _("Attached")
    DETACHED = "detached", _("Detached")
    ERROR = "error", _("Failed")
    DELETING = "deleting", _("Deleting")
    DELETED = "deleted", _("Deleted")


class VolumeAction(models.TextChoices):
    """What is under way on a disk that exists."""

    ATTACH = "attach", _("Attaching")
    DETACH = "detach", _("Detaching")
    RESIZE = "resize", _("Growing")


_V = VolumeStatus
VOLUME_TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    _V.CREATING: frozenset({_V.ATTACHED, _V.DETACHED, _V.ERROR, _V.DELETING}),
    _V.ATTACHED: frozenset({_V.DETACHED, _V.ERROR, _V.DELETING}),
    _V.DETACHED: frozenset({_V.ATTACHED, _V.ERROR, _V.DELETING}),
    _V.ERROR: frozenset({_V.CREATING, _V.ATTACHED, _V.DETACHED, _V.DELETING}),
    _V.DELETING: frozenset({_V.DELETED, _V.ATTACHED, _V.DETACHED, _V.ERROR}),
    _V.DELETED: frozenset(),
}
VOLUME_STYLES: Final[dict[str, StatusStyle]] = {
    _V.CREATING: StatusStyle(_V.CREATING.label, "loader-circle", Tone.INFO, is_spinning=True),
    _V.ATTACHED: StatusStyle(_V.ATTACHED.label, "circle-check", Tone.OK),
    _V.DETACHED: StatusStyle(_V.DETACHED.label, "unplug", Tone.IDLE),
    _V.ERROR: StatusStyle(_V.ERROR.label, "octagon-x", Tone.DANGER),
    _V.DELETING: StatusStyle(_V.DELETING.label, "trash-2", Tone.IDLE),
    _V.DELETED: StatusStyle(_V.DELETED.label, "archive", Tone.IDLE),
}
VOLUME_ACTION_STYLES: Final[dict[str, StatusStyle]] = {
    action: StatusStyle(action.label, "loader-circle", Tone.INFO, is_spinning=True)
    for action in VolumeAction
}
