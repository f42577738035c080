"""Faults that change the cluster while they stand, and are undone when they are deleted."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from integrations.proxmox.simulator import fixtures
from integrations.proxmox.simulator.faults import Fault
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.world import Machine, Volume


@dataclass(slots=True)
class _Hidden:
    """What a fault has taken away."""

    machines: list[Machine] = field(default_factory=list)
    volumes: list[Volume] = field(default_factory=list)
    pools: dict[int, str] = field(default_factory=dict)


class Standing:
    def __init__(self) -> None:
        self._hidden: dict[int, _Hidden] = {}
        self._locked: dict[int, list[Machine]] = {}

    def forget(self) -> None:
        self._hidden.clear()
        self._locked.clear()

    def enact(self, sim: Simulation, fault: Fault) -> None:
        if fault.kind == "vanished_guests":
            self._hidden[fault.id] = _vanish(sim, fault)
        elif fault.kind == "config_lock":
            self._locked[fault.id] = _lock(sim, fault)
        sim.touch()

    def revoke(self, sim: Simulation, faults: list[Fault]) -> None:
        for fault in faults:
            for machine in self._locked.pop(fault.id, []):
                machine.config.pop("lock", None)
            _restore(sim, self._hidden.pop(fault.id, _Hidden()))
        sim.touch()


def _lock(sim: Simulation, fault: Fault) -> list[Machine]:
    wanted = int(fault.match.get("vmid", 0))
    machines = [
        machine
        for machine in sim.world.machines.values()
        if "lock" not in machine.config and wanted in (0, machine.vmid)
    ]
    for machine in machines:
        machine.config["lock"] = str(fault.param("lock", "backup"))
    return machines


def _vanish(sim: Simulation, fault: Fault) -> _Hidden:
    vmids = {int(vmid) for vmid in fault.param("vmids", [])}
    node, hidden = fault.param("node", ""), _Hidden()
    for machine in list(sim.world.machines.values()):
        is_meant = machine.vmid in vmids if vmids else not machine.is_template
        if is_meant and node in ("", machine.node):
            hidden.machines.append(machine)
            hidden.pools[machine.vmid] = sim.world.pool_of(machine.vmid)
            hidden.volumes += sim.world.machine_volumes(machine.vmid)
            fixtures.evict(sim.world, machine.vmid)
    hidden.volumes = [dataclasses.replace(volume) for volume in hidden.volumes]
    return hidden


def _restore(sim: Simulation, hidden: _Hidden) -> None:
    """Bring back what nobody has taken the place of."""
    world = sim.world
    back = {machine.vmid for machine in hidden.machines if machine.vmid not in world.machines}
    world.machines.update({m.vmid: m for m in hidden.machines if m.vmid in back})
    world.volumes.update({v.volid: v for v in hidden.volumes if v.vmid in back})
    for vmid in sorted(back):
        if hidden.pools[vmid] in world.pools:
            world.pools[hidden.pools[vmid]].append(vmid)
