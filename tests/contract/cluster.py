"""The cluster that contract tests meet, whoever implements its hypervisor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from integrations.proxmox.fake import FakeHypervisor
from integrations.proxmox.interface import Hypervisor, TaskPhase, TaskRef, TaskState
from integrations.proxmox.mapping import marker_build
from tests.simulator import SimulatorProcess, wait_until

NODE = "pve1"
TEMPLATE = 9004
MARKER = marker_build("0192f0c1-7a3b-7000-8000-000000000001", "n0nce")
TOKEN = "uhub@pve!portal"
SCALE = 100.0


@dataclass(frozen=True)
class Cluster:
    """A hypervisor with one template of at least 8 GiB, and free VMIDs."""

    hypervisor: Hypervisor
    simulator: SimulatorProcess | None = None

    @contextmanager
    def slowed(self) -> Iterator[None]:
        """Let tasks take so long that they certainly run throughout the block."""
        if self.simulator is not None:
            self.simulator.control("POST", "/clock", {"scale": 1})
        try:
            yield
        finally:
            if self.simulator is not None:
                self.simulator.control("POST", "/clock", {"scale": SCALE})

    def snippet_put(self, volume: str) -> None:
        """Puts a cloud-init document on every node."""
        if self.simulator is not None:
            self.simulator.control("POST", "/snippet", {"volume": volume})
        elif isinstance(self.hypervisor, FakeHypervisor):
            self.hypervisor.snippets.add(volume)

    def finish(self, ref: TaskRef | None) -> TaskState:
        """Poll a task until it has stopped."""
        assert ref is not None
        states: list[TaskState] = []

        def has_stopped() -> bool:
            states.append(self.hypervisor.task_state(ref))
            return states[-1].state is TaskPhase.STOPPED

        wait_until(has_stopped)
        return states[-1]

    def clone(self, vmid: int) -> TaskRef:
        return self.hypervisor.clone_submit(
            source_node=NODE, source_vmid=TEMPLATE, new_vmid=vmid, name="web-1", marker=MARKER
        )
