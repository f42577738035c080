"""States of a deployment and the only edges between them."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


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


class BootstrapStatus(models.TextChoices):
    """How the installation of an application stands; it never holds up the machine itself."""

    PENDING = "pending", _("Waiting for the guest")
    RUNNING = "running", _("Installing")
    DONE = "done", _("Installed")
    FAILED = "failed", _("Installation failed")
    UNKNOWN = "unknown", _("Result unknown")


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
