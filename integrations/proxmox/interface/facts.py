"""What a hypervisor tells, in uHub's words: states, sizes, identities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from integrations.base.errors import ProviderError
from integrations.proxmox.errors import task_error


class PowerState(StrEnum):
    """Whether a guest runs; UNKNOWN also covers guests on nodes that do not answer."""

    RUNNING = "running"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


class TaskPhase(StrEnum):
    """Whether the process behind a task still lives."""

    RUNNING = "running"
    STOPPED = "stopped"


class TaskOutcome(StrEnum):
    """How a stopped task ended. WARNINGS means that the work was done."""

    OK = "ok"
    WARNINGS = "warnings"
    ERROR = "error"
    CRASHED = "crashed"

    @classmethod
    def from_exit(cls, message: str) -> TaskOutcome:
        """Return what a stopped task's exit message stands for."""
        if message.startswith("WARNINGS"):
            return cls.WARNINGS
        return {"OK": cls.OK, "unexpected status": cls.CRASHED}.get(message, cls.ERROR)


@dataclass(frozen=True, slots=True)
class Version:
    """The version of the API that answered."""

    release: str
    version: str


@dataclass(frozen=True, slots=True)
class TaskRef:
    """Enough to find a task again: store it before polling."""

    upid: str
    node: str


@dataclass(frozen=True, slots=True)
class TaskState:
    """A task at one moment; `log_next` is the `log_from` of the next poll."""

    state: TaskPhase
    outcome: TaskOutcome | None
    message: str
    log_tail: tuple[str, ...]
    log_next: int

    @property
    def failure(self) -> ProviderError | None:
        """The error a failed task stands for, or None while it runs and after a success."""
        if self.outcome in {None, TaskOutcome.OK, TaskOutcome.WARNINGS}:
            return None
        return task_error(self.message)


@dataclass(frozen=True, slots=True)
class GuestIdentity:
    """What makes a guest this guest: a VMID alone may be somebody else's tomorrow."""

    vmid: int
    uuid: str | None
    marker: str | None


@dataclass(frozen=True, slots=True)
class Disk:
    """One drive of a guest; `key` is its slot, such as scsi0."""

    key: str
    storage: str
    volume: str
    size_bytes: int | None
    is_cdrom: bool = False


class DriveState(StrEnum):
    """Whether a drive is as its guest sees it, or will be so after the next start."""

    PLUGGED = "plugged"
    PLUGGING = "plugging"
    UNPLUGGING = "unplugging"


@dataclass(frozen=True, slots=True)
class Drive:
    """One drive of a guest and the disk in it; `serial` is what the guest reads on it."""

    key: str
    volume: str
    size_bytes: int | None
    serial: str = ""
    state: DriveState = DriveState.PLUGGED


@dataclass(frozen=True, slots=True)
class StoredVolume:
    """A disk on a storage, whoever uses it; `vmid` is the number in its name."""

    volume: str
    vmid: int
    size_bytes: int

    @property
    def name(self) -> str:
        """The name it was made under, without storage, folder and format."""
        return self.volume.rpartition(":")[2].rpartition("/")[2].partition(".")[0]


@dataclass(frozen=True, slots=True)
class NetworkCard:
    """One network card of a guest."""

    key: str
    model: str
    mac: str | None
    bridge: str | None
    vlan: int | None = None


@dataclass(frozen=True, slots=True)
class GuestConfig:
    """The configuration of a guest as its node reports it."""

    vmid: int
    node: str
    name: str | None
    cores: int
    memory_mb: int
    disks: tuple[Disk, ...]
    nets: tuple[NetworkCard, ...]
    uuid: str | None
    marker: str | None
    lock: str | None
    is_template: bool
    is_protected: bool
    tags: tuple[str, ...]
    digest: str | None
    has_agent: bool = False
    description: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def identity(self) -> GuestIdentity:
        """The part that has to match before anything is changed."""
        return GuestIdentity(vmid=self.vmid, uuid=self.uuid, marker=self.marker)

    @property
    def is_cloning(self) -> bool:
        """Whether a clone or a restore is still being written: name, marker and uuid may not be there yet."""
        return self.lock in {"clone", "create"}


@dataclass(frozen=True, slots=True)
class GuestStatus:
    """The power state of one guest, asked directly."""

    power: PowerState
    lock: str | None
    uptime_s: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What a running guest or a node uses now; None is not known.

    `cpu_share` is of all its processors. Bytes read, written, received and sent are counted since the
    start, and begin anew with it.
    """

    cpu_share: float | None = None
    memory_bytes: int | None = None
    disk_bytes: int | None = None
    uptime_s: int | None = None
    disk_read_bytes: int | None = None
    disk_write_bytes: int | None = None
    net_in_bytes: int | None = None
    net_out_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class GuestSummary:
    """One line of the cluster's listing.

    Name and status lag behind by up to ten seconds; VMID, node, lock and tags do not.
    """

    vmid: int
    node: str
    name: str | None
    status: PowerState
    lock: str | None
    pool: str | None
    tags: tuple[str, ...]
    is_template: bool
    is_container: bool = False
    cores: int | None = None
    memory_bytes: int | None = None
    disk_bytes: int | None = None
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class NodeSummary:
    """One node of the cluster; `is_online` and figures are None while the cluster does not know them."""

    name: str
    is_online: bool | None
    cores: int | None
    memory_total_bytes: int | None
    memory_used_bytes: int | None
    disk_total_bytes: int | None = None
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class StorageSummary:
    """One storage as a node sees it."""

    node: str
    name: str
    kind: str
    content: tuple[str, ...]
    is_shared: bool
    is_active: bool
    total_bytes: int | None
    available_bytes: int | None


@dataclass(frozen=True, slots=True)
class ClusterListing:
    """All that one call tells of a cluster; a shared storage appears once per node that reaches it."""

    guests: tuple[GuestSummary, ...]
    nodes: tuple[NodeSummary, ...]
    storages: tuple[StorageSummary, ...]


@dataclass(frozen=True, slots=True)
class HostReport:
    """Whether one API host of a cluster answers; `message` says why it does not.

    It is empty for a host that is known to be down and was not asked again. `latency_ms` is how long the
    answer took.
    """

    address: str
    is_reachable: bool
    message: str = ""
    latency_ms: int | None = None


@dataclass(frozen=True, slots=True)
class AgentRun:
    """A program that was started in a guest; what it said is known at its end."""

    is_running: bool
    exit_code: int | None = None
    output: str = ""


@dataclass(frozen=True, slots=True)
class CloudInit:
    """What a guest is told at its first boot; only what is set is sent."""

    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ssh_keys: tuple[str, ...] = ()
    address: str | None = None
    gateway: str | None = None
    nameservers: tuple[str, ...] = ()
    search_domain: str | None = None
    vendor_snippet: str | None = None
