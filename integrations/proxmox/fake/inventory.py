"""What the in-memory hypervisor holds: guests, tasks, nodes, and the log of calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from integrations.proxmox.interface import (
    GuestConfig,
    GuestSummary,
    NodeSummary,
    PowerState,
    StorageSummary,
    TaskRef,
)

GIB: Final = 2**30


@dataclass(frozen=True, slots=True)
class FakeCall:
    """One call as it came in."""

    method: str
    arguments: Mapping[str, Any]

    @property
    def is_write(self) -> bool:
        """Whether the call would change something."""
        return self.method.endswith(("_submit", "_set", "_open"))


@dataclass(slots=True)
class FakeGuest:
    config: GuestConfig
    power: PowerState = PowerState.STOPPED
    pool: str | None = None


@dataclass(slots=True)
class FakeTask:
    ref: TaskRef
    vmid: int
    finish: Callable[[], str]
    polls_left: int
    started_at: datetime
    log: list[str] = field(default_factory=list)
    clone_to: int | None = None
    message: str = ""

    def advance(self) -> None:
        """One poll: a task takes effect when it has been polled often enough."""
        if self.message:
            return
        if self.polls_left > 0:
            self.polls_left -= 1
            return
        try:
            self.message = self.finish()
        except KeyError:
            place = f"nodes/{self.ref.node}/qemu-server/{self.vmid}.conf"
            self.message = f"Configuration file '{place}' does not exist"
        self.log.append("TASK OK" if self.message == "OK" else f"TASK ERROR: {self.message}")


def summary(guest: FakeGuest) -> GuestSummary:
    config = guest.config
    return GuestSummary(
        vmid=config.vmid,
        node=config.node,
        name=config.name,
        status=guest.power,
        lock=config.lock,
        pool=guest.pool,
        tags=config.tags,
        is_template=config.is_template,
        cores=config.cores,
        memory_bytes=config.memory_mb * 2**20,
        disk_bytes=next((disk.size_bytes for disk in config.disks), None),
    )


def node_of(name: str) -> NodeSummary:
    return NodeSummary(name, True, 8, 64 * GIB, 8 * GIB)


def storage_of(node: str) -> StorageSummary:
    return StorageSummary(node, "local", "dir", ("images",), False, True, 1000 * GIB, 900 * GIB)
