"""What a worker that failed takes back: all it has made, and nothing of anybody else."""

from __future__ import annotations

from integrations.proxmox.simulator import volumes
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.tasks import Worker
from integrations.proxmox.simulator.world import Machine


async def discard(sim: Simulation, worker: Worker, machine: Machine, *, spare: set[str]) -> None:
    """Remove a half-made machine with its volumes, those to spare excepted."""
    if sim.world.machines.get(machine.vmid) is not machine:
        return
    for volume in sim.world.machine_volumes(machine.vmid):
        if volume.volid not in spare:
            await volumes.free(sim, worker, volume.volid)
    sim.world.machines.pop(machine.vmid, None)
    sim.touch()
