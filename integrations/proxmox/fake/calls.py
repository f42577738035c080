"""An in-memory hypervisor with the same contract, for tests that need no wire.

Tasks take `polls_per_task` polls and take effect at their end, as in reality.
"""

from __future__ import annotations

import itertools
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from integrations.base.errors import ProviderError
from integrations.proxmox.errors import (
    PROVIDER,
    ConfigChanged,
    GuestAbsent,
    GuestLocked,
)
from integrations.proxmox.fake.inventory import (
    GIB,
    FakeCall,
    FakeGuest,
    FakeTask,
)
from integrations.proxmox.fake.screen import FakeScreen
from integrations.proxmox.interface import (
    Disk,
    GuestConfig,
    NetworkCard,
    PowerState,
    TaskRef,
)


class FakeCalls:
    """What every subject's implementation is built on: guests, tasks, faults, the log of calls."""

    def __init__(
        self, *, nodes: tuple[str, ...] = ("pve1", "pve2"), polls_per_task: int = 1
    ) -> None:
        self.polls_per_task = polls_per_task
        self.calls: list[FakeCall] = []
        self.agents: dict[int, bool | None] = {}
        self.halts: dict[int, tuple[str, datetime]] = {}
        self.screens: dict[str, FakeScreen] = {}
        self._nodes = nodes
        self._guests: dict[int, FakeGuest] = {}
        self._tasks: dict[str, FakeTask] = {}
        self._faults: dict[str, list[tuple[ProviderError, bool]]] = defaultdict(list)
        self._numbers = itertools.count(1)

    @property
    def writes(self) -> tuple[FakeCall, ...]:
        """The calls so far that would have changed something."""
        return tuple(call for call in self.calls if call.is_write)

    def fail_next(self, method: str, error: ProviderError, *, is_executed: bool = False) -> None:
        """Let the next call of `method` raise, before or after it took effect."""
        self._faults[method].append((error, is_executed))

    def guest_add(
        self,
        vmid: int,
        *,
        node: str = "pve1",
        name: str = "guest",
        disk_gb: int = 8,
        is_template: bool = False,
        pool: str | None = None,
        power: PowerState = PowerState.STOPPED,
        **more: Any,
    ) -> GuestConfig:
        """Put a guest in place, as somebody else would; `more` are fields of its configuration."""
        config = GuestConfig(
            vmid=vmid,
            node=node,
            name=name,
            cores=1,
            memory_mb=512,
            disks=(Disk("scsi0", "local", f"local:{vmid}/vm-{vmid}-disk-0", disk_gb * GIB),),
            nets=(NetworkCard("net0", "virtio", f"BC:24:11:00:00:{vmid % 256:02X}", "vmbr0"),),
            uuid=str(uuid.uuid4()),
            marker=None,
            lock=None,
            is_template=is_template,
            is_protected=False,
            tags=(),
            digest=uuid.uuid4().hex,
        )
        self._guests[vmid] = FakeGuest(replace(config, **more), power, pool)
        return self._guests[vmid].config

    def guest_change(self, vmid: int, **changes: Any) -> None:
        """Change a guest's configuration behind everybody's back."""
        self._change(vmid, digest=uuid.uuid4().hex, **changes)

    def guest_remove(self, vmid: int) -> None:
        """Take a guest away behind everybody's back."""
        del self._guests[vmid]

    def replace_guest(self, vmid: int) -> GuestConfig:
        """Put a stranger's guest under a VMID, in place of whatever was there."""
        held = self._guests.pop(vmid, None)
        return self.guest_add(vmid, node=held.config.node if held else "pve1", name="stranger")

    @contextmanager
    def _call(self, method: str, **arguments: Any) -> Iterator[None]:
        self.calls.append(FakeCall(method, arguments))
        faults = self._faults[method]
        error, is_executed = faults.pop(0) if faults else (None, False)
        if error is not None and not is_executed:
            raise error
        yield
        if error is not None:
            raise error

    def _guest(self, node: str, vmid: int) -> FakeGuest:
        guest = self._guests.get(vmid)
        if guest is None or guest.config.node != node:
            raise GuestAbsent(node, vmid)
        return guest

    def _changeable(self, node: str, vmid: int, digest: str | None) -> None:
        config = self._guest(node, vmid).config
        if config.lock is not None:
            raise GuestLocked(config.lock)
        if digest not in {None, config.digest}:
            raise ConfigChanged("checksum mismatch", provider=PROVIDER)

    def _change(self, vmid: int, **changes: Any) -> str:
        guest = self._guests[vmid]
        guest.config = replace(guest.config, **changes)
        return "OK"

    def _power(self, vmid: int, power: PowerState) -> str:
        self._guests[vmid].power = power
        return "OK"

    def _stop_start(self, kind: str, node: str, vmid: int) -> TaskRef:
        return self._task_start(kind, node, vmid, lambda: self._power(vmid, PowerState.STOPPED))

    def _task_start(self, kind: str, node: str, vmid: int, finish: Callable[[], str]) -> TaskRef:
        number = next(self._numbers)
        upid = f"UPID:{node}:{number:08X}:{number:08X}:{number:08X}:{kind}:{vmid}:uhub@pve!fake:"
        ref = TaskRef(upid=upid, node=node)
        self._tasks[upid] = FakeTask(ref, vmid, finish, self.polls_per_task, datetime.now(UTC))
        return ref
