"""Starting, stopping and everything in between."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from integrations.proxmox.simulator import ha, schema, settings, views
from integrations.proxmox.simulator.endpoints import cloudinit, suspension
from integrations.proxmox.simulator.endpoints.agent import is_agent_up
from integrations.proxmox.simulator.errors import WorkError
from integrations.proxmox.simulator.routes import VM, route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.switching import BOOT_S, STOP_S, boot, halt
from integrations.proxmox.simulator.tasks import Worker
from integrations.proxmox.simulator.world import Machine

RESET_S = 0.2
RESTART_GAP_S = 3.0
SHUTDOWN_S = {"linux": 3.0, "windows": 6.0}
AGENT_PING_S = 3.0


@route("POST", f"{VM}/status/start")
async def start(sim: Simulation, call: Call) -> str:
    """Answers a UPID whatever the machine is like: the worker finds out."""
    if ha.is_managed(sim.world, call.vmid):
        return sim.spawn(call, "hastart", call.vmid, ha.request(sim, call.vmid, "start"))
    return sim.spawn(call, "qmstart", call.vmid, partial(_start, sim, call))


async def _start(sim: Simulation, call: Call, worker: Worker) -> None:
    async with sim.locks.machine(worker, call.node, call.vmid):
        machine = sim.machine(call.node, call.vmid)
        if machine.is_template:
            raise WorkError("you can't start a vm if it's a template")
        if machine.config.get("lock") == "suspended":
            await suspension.wake(sim, worker, machine)
            return
        settings.check_lock(machine)
        if machine.is_running:
            raise WorkError(f"VM {call.vmid} already running")
        worker.point("locked")
        settings.apply_pending(machine)
        if cloudinit.has_disc(machine):
            worker.say("generating cloud-init ISO")
            cloudinit.write(sim.world, machine)
        _refuse_bridges(sim, machine)
        await sim.clock.sleep(BOOT_S)
        worker.point("half")
        boot(sim, machine)
        if sim.faults.take("start_lies", worker.facts):
            raise WorkError("start failed: command '/usr/bin/kvm' failed: got timeout")


def _refuse_bridges(sim: Simulation, machine: Machine) -> None:
    bridges = sim.world.nodes[machine.node].bridges
    for key, value in machine.config.items():
        if settings.NET.fullmatch(key):
            bridge = schema.parsed("net[n]", str(value)).get("bridge", "")
            if bridge and bridge not in bridges:
                raise WorkError(f"bridge '{bridge}' does not exist")


@route("POST", f"{VM}/status/stop")
async def stop(sim: Simulation, call: Call) -> str:
    if ha.is_managed(sim.world, call.vmid):
        return sim.spawn(call, "hastop", call.vmid, ha.request(sim, call.vmid, "stop"))
    return sim.spawn(call, "qmstop", call.vmid, partial(_stop, sim, call))


async def _overrule(sim: Simulation, call: Call, worker: Worker) -> None:
    """End shutdowns that hold the lock."""
    waiting = [
        task.upid
        for task in sim.world.tasks.values()
        if task.status == "running" and task.kind == "qmshutdown" and task.id == str(call.vmid)
    ]
    for upid in waiting:
        await sim.tasks.interrupt(upid)
    if waiting:
        worker.say(f"overruled qmshutdown tasks: {', '.join(waiting)}")


async def _stop(sim: Simulation, call: Call, worker: Worker) -> None:
    if call.flag("overrule-shutdown"):
        await _overrule(sim, call, worker)
    async with sim.locks.machine(worker, call.node, call.vmid):
        machine = sim.machine(call.node, call.vmid)
        settings.check_lock(machine)
        worker.point("locked")
        sim.rebooting.discard(machine.vmid)
        if machine.is_running:
            await sim.clock.sleep(STOP_S)
            halt(sim, machine)


@route("POST", f"{VM}/status/shutdown")
async def shutdown(sim: Simulation, call: Call) -> str:
    machine = sim.sought_machine(call.node, call.vmid)
    if ha.is_managed(sim.world, call.vmid):
        return sim.spawn(call, "hastop", call.vmid, ha.request(sim, call.vmid, "stop"))
    if machine.is_paused and not call.flag("forceStop"):
        raise WorkError("VM is paused - cannot shutdown")
    return sim.spawn(call, "qmshutdown", call.vmid, partial(_shutdown, sim, call))


async def _shutdown(sim: Simulation, call: Call, worker: Worker) -> None:
    async with sim.locks.machine(worker, call.node, call.vmid):
        machine = sim.machine(call.node, call.vmid)
        settings.check_lock(machine)
        worker.point("locked")
        if machine.is_running:
            await _power_down(sim, call, machine, is_forced=call.flag("forceStop"))


async def _power_down(sim: Simulation, call: Call, machine: Machine, *, is_forced: bool) -> None:
    """Raise WorkError when the guest does not go in time and may not be killed."""
    timeout_s = float(call.params.get("timeout", 60))
    needed_s = SHUTDOWN_S[machine.guest]
    await sim.clock.sleep(min(needed_s, timeout_s))
    if needed_s > timeout_s and not is_forced:
        raise WorkError("VM quit/powerdown failed - got timeout")
    halt(sim, machine)


@route("POST", f"{VM}/status/reboot")
async def reboot(sim: Simulation, call: Call) -> str:
    machine = sim.sought_machine(call.node, call.vmid)
    if not machine.is_running:
        raise WorkError(f"VM {call.vmid} not running")
    return sim.spawn(call, "qmreboot", call.vmid, partial(_reboot, sim, call))


async def _reboot(sim: Simulation, call: Call, worker: Worker) -> None:
    """Shut down; the machine comes back after this task has ended."""
    async with sim.locks.machine(worker, call.node, call.vmid):
        machine = sim.machine(call.node, call.vmid)
        settings.check_lock(machine)
        worker.point("locked")
        if views.agent_enabled(machine) and not is_agent_up(sim, machine):
            await sim.clock.sleep(AGENT_PING_S)
            words = f"VM {call.vmid} qga command 'guest-ping' failed - got timeout"
            worker.say(f"QEMU Guest Agent is not running - {words}")
        await _power_down(sim, call, machine, is_forced=False)
        sim.rebooting.add(machine.vmid)
    sim.background(_restart(sim, machine))


async def _restart(sim: Simulation, machine: Machine) -> None:
    """Bring a rebooted machine back, unless somebody has started or stopped it meanwhile, or it cannot start."""
    await sim.clock.sleep(RESTART_GAP_S)
    is_there = sim.world.machines.get(machine.vmid) is machine
    if is_there and machine.vmid in sim.rebooting and "lock" not in machine.config:
        settings.apply_pending(machine)
        with suppress(WorkError):
            cloudinit.write(sim.world, machine)
            boot(sim, machine)


@route("POST", f"{VM}/status/reset")
async def reset(sim: Simulation, call: Call) -> str:
    machine = sim.machine(call.node, call.vmid)
    if not machine.is_running:
        raise WorkError(f"VM {call.vmid} not running")
    return sim.spawn(call, "qmreset", call.vmid, partial(_reset, sim, call))


async def _reset(sim: Simulation, call: Call, worker: Worker) -> None:
    async with sim.locks.machine(worker, call.node, call.vmid):
        machine = sim.machine(call.node, call.vmid)
        settings.check_lock(machine)
        worker.point("locked")
        await sim.clock.sleep(RESET_S)
        machine.started = sim.clock.now()
        sim.touch()
