"""Pausing a machine, in memory or on disk, and letting it go on."""

from __future__ import annotations

from functools import partial

from integrations.proxmox.simulator import settings, snapshots, switching, volumes
from integrations.proxmox.simulator.errors import WorkError
from integrations.proxmox.simulator.routes import VM, route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.tasks import Worker
from integrations.proxmox.simulator.world import Machine

PAUSE_S = 0.2
SUSPENDED = "suspend"


@route("POST", f"{VM}/status/suspend")
async def suspend(sim: Simulation, call: Call) -> str:
    machine = sim.machine(call.node, call.vmid)
    if not machine.is_running:
        raise WorkError(f"VM {call.vmid} not running")
    return sim.spawn(call, "qmsuspend", call.vmid, partial(_suspend, sim, call))


async def _suspend(sim: Simulation, call: Call, worker: Worker) -> None:
    async with sim.locks.machine(worker, call.node, call.vmid):
        machine = sim.machine(call.node, call.vmid)
        settings.check_lock(machine)
        worker.point("locked")
        await sim.clock.sleep(PAUSE_S)
        if not call.flag("todisk"):
            machine.is_paused = True
            sim.touch()
            return
        machine.config["lock"] = "suspending"
        sim.touch()
        name = await snapshots.save_memory(sim, worker, machine, SUSPENDED)
        switching.halt(sim, machine)
        machine.config |= {"lock": "suspended", "vmstate": name}
        sim.touch()


async def wake(sim: Simulation, worker: Worker, machine: Machine) -> None:
    """Go on from the memory on disk, which then is not needed any more."""
    worker.say("Resuming suspended VM")
    await sim.clock.sleep(switching.BOOT_S)
    await volumes.free(sim, worker, str(machine.config.pop("vmstate", "")))
    machine.config.pop("lock", None)
    switching.boot(sim, machine)


@route("POST", f"{VM}/status/resume")
async def resume(sim: Simulation, call: Call) -> str:
    machine = sim.machine(call.node, call.vmid)
    if not machine.is_running and machine.config.get("lock") != "suspended":
        raise WorkError(f"VM {call.vmid} not running")
    return sim.spawn(call, "qmresume", call.vmid, partial(_resume, sim, call))


async def _resume(sim: Simulation, call: Call, worker: Worker) -> None:
    async with sim.locks.machine(worker, call.node, call.vmid):
        machine = sim.machine(call.node, call.vmid)
        if machine.config.get("lock") == "suspended":
            await wake(sim, worker, machine)
        await sim.clock.sleep(PAUSE_S)
        machine.is_paused = False
        sim.touch()
