"""The simulated cluster: plain data that can be written to a file and read back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

GIB = 1024**3
MIB = 1024**2


@dataclass(slots=True)
class Node:
    name: str
    online: bool = True
    cpus: int = 16
    memory: int = 128 * GIB
    ip: str = "127.0.0.1"
    bridges: list[str] = field(default_factory=lambda: ["vmbr0"])
    started: float = 0.0
    observed: bool = True


@dataclass(slots=True)
class Storage:
    """`alloc_s` is how long one allocation holds the storage lock; `copy_*` the speed of a copy."""

    name: str
    kind: str = "dir"
    content: str = "iso,images,snippets,vztmpl,backup"
    shared: bool = False
    total: int = 12_638_257_152
    nodes: list[str] = field(default_factory=list)
    alloc_s: float = 0.1
    copy_base_s: float = 0.2
    copy_gib_per_s: float = 2.0
    is_full: bool = False
    is_offline: bool = False


@dataclass(slots=True)
class Volume:
    """`fingerprint` stands for the bytes, as `seed:generation`; `marks` those of its snapshots.

    `archive` is what a backup holds beside the bytes: the configuration and each disk.
    """

    volid: str
    storage: str
    node: str
    vmid: int
    size: int
    base: str = ""
    content: str = "images"
    created: int = 0
    fingerprint: str = "blank:0"
    marks: dict[str, str] = field(default_factory=dict)
    notes: str = ""
    is_protected: bool = False
    archive: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Snapshot:
    """`parent` is the snapshot this one was made upon; `vmstate` the volume with the memory."""

    name: str
    created: int
    config: dict[str, Any] = field(default_factory=dict)
    parent: str = ""
    description: str = ""
    vmstate: str = ""


@dataclass(slots=True)
class Machine:
    """`observed` is what pvestatd last told the cluster; empty until its next cycle.

    `seed` are the options its cloud-init disc was last written with.
    """

    vmid: int
    node: str
    config: dict[str, Any] = field(default_factory=dict)
    pending: dict[str, Any] = field(default_factory=dict)
    status: str = "stopped"
    started: float = 0.0
    pid: int = 0
    guest: str = "linux"
    agent_delay_s: float = 4.0
    is_foreign: bool = False
    observed: dict[str, Any] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    is_paused: bool = False
    seed: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.config.get("name", ""))

    @property
    def is_template(self) -> bool:
        return bool(self.config.get("template"))

    @property
    def is_running(self) -> bool:
        return self.status == "running"


@dataclass(slots=True)
class User:
    """Without a password nobody signs in by it; `expires` is a timestamp, 0 is never."""

    password: str = ""
    is_enabled: bool = True
    expires: int = 0
    comment: str = ""
    email: str = ""
    firstname: str = ""
    lastname: str = ""
    groups: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Token:
    secret: str
    is_separated: bool = True
    expires: int = 0


@dataclass(slots=True)
class Grant:
    path: str
    subject: str
    role: str
    propagates: bool = True


@dataclass(slots=True)
class Task:
    """`user` is the full owner, token included; `status` is `running` or `stopped`."""

    upid: str
    node: str
    pid: int
    pstart: int
    starttime: int
    kind: str
    id: str
    user: str
    status: str = "running"
    exitstatus: str = ""
    endtime: int = 0
    log: list[str] = field(default_factory=list)


@dataclass(slots=True)
class World:
    """Everything a restart has to find again.

    `documents` are the collections that are only kept: jobs, HA resources, groups, rules. `snippets` says
    of each cloud-init document on which nodes its storage has it.
    """

    fixture: str = "empty"
    name: str = "sim"
    next_pid: int = 18_583
    booted: float = 0.0
    nodes: dict[str, Node] = field(default_factory=dict)
    storages: dict[str, Storage] = field(default_factory=dict)
    volumes: dict[str, Volume] = field(default_factory=dict)
    machines: dict[int, Machine] = field(default_factory=dict)
    pools: dict[str, list[int]] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    ticket_secret: str = ""
    has_pvestatd: bool = True
    finished: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    roles: dict[str, list[str]] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)
    tasks: dict[str, Task] = field(default_factory=dict)
    documents: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    snippets: dict[str, list[str]] = field(default_factory=dict)

    def collection(self, name: str) -> dict[str, dict[str, Any]]:
        return self.documents.setdefault(name, {})

    def pool_of(self, vmid: int) -> str:
        return next((name for name, members in self.pools.items() if vmid in members), "")

    def machine_volumes(self, vmid: int) -> list[Volume]:
        """Answer its disks; backups and images bear its number without being part of it."""
        return [v for v in self.volumes.values() if v.vmid == vmid and v.content == "images"]

    def dump(self) -> dict[str, Any]:
        return asdict(self)


def _mapping(build: Callable[..., Any], raw: dict[str, Any]) -> dict[str, Any]:
    return {key: build(**value) for key, value in raw.items()}


def _machine(raw: dict[str, Any]) -> Machine:
    return Machine(**{**raw, "snapshots": _mapping(Snapshot, raw.get("snapshots", {}))})


def load(raw: dict[str, Any]) -> World:
    """Undo `World.dump`."""
    return World(
        **{
            **raw,
            "nodes": _mapping(Node, raw["nodes"]),
            "storages": _mapping(Storage, raw["storages"]),
            "volumes": _mapping(Volume, raw["volumes"]),
            "machines": {int(k): _machine(v) for k, v in raw["machines"].items()},
            "users": _mapping(User, raw["users"]),
            "tokens": _mapping(Token, raw["tokens"]),
            "grants": [Grant(**grant) for grant in raw["grants"]],
            "tasks": _mapping(Task, raw["tasks"]),
        }
    )
