"""Power: what it means for a machine to be switched on or off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from integrations.proxmox.simulator import drives, volumes
from integrations.proxmox.simulator.world import Machine

if TYPE_CHECKING:
    from integrations.proxmox.simulator.simulation import Simulation

BOOT_S = 1.0
STOP_S = 0.5


def boot(sim: Simulation, machine: Machine) -> None:
    sim.rebooting.discard(machine.vmid)
    machine.status, machine.started = "running", sim.clock.now()
    machine.is_paused = False
    machine.pid = sim.world.next_pid
    sim.world.next_pid += 3
    for value in drives.disks(machine.config).values():
        if volume := sim.world.volumes.get(drives.volume_of(value)):
            volumes.scribble(volume)
    sim.touch()


def halt(sim: Simulation, machine: Machine) -> None:
    sim.rebooting.discard(machine.vmid)
    machine.status, machine.started, machine.pid = "stopped", 0.0, 0
    sim.touch()
