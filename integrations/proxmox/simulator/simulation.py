"""The running cluster: the world, its clock and everything that moves in it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from integrations.proxmox.simulator import fixtures, ha
from integrations.proxmox.simulator.clock import Clock
from integrations.proxmox.simulator.connections import Connections
from integrations.proxmox.simulator.consoles import ConsoleTable
from integrations.proxmox.simulator.errors import WorkError
from integrations.proxmox.simulator.faults import FaultTable
from integrations.proxmox.simulator.guests import GuestTable
from integrations.proxmox.simulator.journal import Journal
from integrations.proxmox.simulator.locks import LockTable
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.store import StateFile
from integrations.proxmox.simulator.tasks import Body, TaskTable, Worker
from integrations.proxmox.simulator.world import Machine, Node, World

OBSERVE_S = 10.0
LATEST = "9.2.11"


class Simulation:
    """What every endpoint gets."""

    def __init__(self, *, state: Path, fixture: str, scale: float, version: str = LATEST) -> None:
        self.clock = Clock(scale=scale)
        self.faults = FaultTable()
        self.connections = Connections()
        self.version = version
        self.journal = Journal(self.clock)
        self.fingerprint = ""
        self.certificate = ""
        self.consoles = ConsoleTable()
        self.guests = GuestTable()
        self.rebooting: set[int] = set()
        self._background: set[asyncio.Task[None]] = set()
        self._store = StateFile(state / "state.json")
        self.world: World
        self.locks: LockTable
        self.tasks: TaskTable
        self._settle(self._store.read() or fixtures.build(fixture, self.clock.now()))

    def _settle(self, world: World) -> None:
        self.world = world
        self._store.attach(world)
        self.locks = LockTable(self.clock, self.faults)
        self.tasks = TaskTable(world, self.clock, self.faults, self.touch, self._after)
        for machine in world.machines.values():
            machine.observed = _observation(machine) if world.has_pvestatd else {}

    async def reset(self, fixture: str) -> None:
        """Back to a fixture: tasks die, faults and log are gone."""
        await self.tasks.abandon()
        self.faults.clear()
        self.journal.clear()
        self.guests.clear()
        self._settle(fixtures.build(fixture, self.clock.now()))
        self.touch()

    def _after(self, worker: Worker) -> None:
        """A freed id is anybody's at once."""
        if worker.task.kind != "qmdestroy":
            return
        if fault := self.faults.take("id_reuse", worker.facts):
            node = str(fault.param("node", worker.task.node))
            name = str(fault.param("name", "stranger"))
            vmid = int(worker.task.id)
            fixtures.stranger(self.world, vmid=vmid, node=node, name=name, now=self.clock.now())

    @property
    def has_messages(self) -> bool:
        """Tell whether errors have a text in their body: since 8.3 they do."""
        major, minor, *_ = (int(part) for part in f"{self.version}.0".split(".")[:2])
        return (major, minor) >= (8, 3)

    @property
    def has_quorum(self) -> bool:
        """Tell whether more than half of the nodes are on this side of every partition."""
        lost = self.faults.lost_nodes().intersection(self.world.nodes)
        return not lost or len(self.world.nodes) - len(lost) > len(self.world.nodes) / 2

    async def close(self) -> None:
        for running in self._background:
            running.cancel()
        await self.tasks.abandon()
        self.touch()
        self._store.flush()

    def touch(self) -> None:
        self._store.touch()

    def flush(self) -> None:
        self._store.flush()

    async def observe_forever(self) -> None:
        """pvestatd: the cluster learns names and states of machines every ten seconds only."""
        ha.resume(self)
        while True:
            await self.clock.sleep(OBSERVE_S)
            if not self.world.has_pvestatd:
                continue
            for machine in self.world.machines.values():
                if self.is_up(machine.node):
                    machine.observed = _observation(machine)
            for node in self.world.nodes.values():
                node.observed = self.is_up(node.name)
            await asyncio.sleep(0)

    def background(self, work: Coroutine[Any, Any, None]) -> None:
        """For what goes on without a task to show for it."""
        running = asyncio.create_task(work)
        self._background.add(running)
        running.add_done_callback(self._background.discard)

    def is_up(self, node: str) -> bool:
        return self.world.nodes[node].online and not self.faults.is_down(node)

    def node(self, name: str) -> Node:
        """Raise WorkError like a cluster that does not know the node."""
        if name not in self.world.nodes:
            raise WorkError(f"no such cluster node '{name}'")
        return self.world.nodes[name]

    def machine(self, node: str, vmid: int) -> Machine:
        """Find a machine on its own node; anywhere else it does not exist.

        Raises WorkError in the words of a missing configuration file.
        """
        machine = self.world.machines.get(vmid)
        if machine is None or machine.node != node:
            raise WorkError(
                f"Configuration file 'nodes/{node}/qemu-server/{vmid}.conf' does not exist"
            )
        return machine

    def sought_machine(self, node: str, vmid: int) -> Machine:
        """Answer the same for the callers that word it differently."""
        machine = self.world.machines.get(vmid)
        if machine is None or machine.node != node:
            raise WorkError(f"unable to find configuration file for VM {vmid} on node '{node}'")
        return machine

    def spawn(self, call: Call, kind: str, about: str | int, body: Body) -> str:
        return self.tasks.spawn(
            node=call.node,
            kind=kind,
            about=str(about),
            identity=call.identity,
            facts=call.scope.facts,
            body=body,
        )


def _observation(machine: Machine) -> dict[str, object]:
    seen: dict[str, object] = {"name": machine.name, "status": machine.status}
    return {**seen, "template": 1} if machine.is_template else seen
