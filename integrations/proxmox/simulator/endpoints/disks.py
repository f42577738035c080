"""Growing a disk, and making a machine a template."""

from __future__ import annotations

from functools import partial

from integrations.proxmox.simulator import drives, settings, volumes
from integrations.proxmox.simulator.errors import WorkError
from integrations.proxmox.simulator.routes import VM, route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.tasks import Worker
from integrations.proxmox.simulator.world import Machine

RESIZE_S = 0.5
CONVERT_S = 0.3


@route("PUT", f"{VM}/resize")
async def resize(sim: Simulation, call: Call) -> str:
    """Nothing is checked before the worker runs: even a missing machine gets its UPID."""
    return sim.spawn(call, "resize", call.vmid, partial(_resize, sim, call))


async def _resize(sim: Simulation, call: Call, worker: Worker) -> None:
    disk, wanted = str(call.params["disk"]), str(call.params["size"])
    async with sim.locks.machine(worker, call.node, call.vmid):
        machine = sim.machine(call.node, call.vmid)
        settings.check_digest(machine, call.params.get("digest", ""))
        settings.check_lock(machine)
        worker.point("locked")
        value = str(machine.config.get(disk, ""))
        if not value:
            raise WorkError(f"disk '{disk}' does not exist")
        volume = sim.world.volumes.get(drives.volume_of(value))
        if volume is None or "media=cdrom" in value:
            raise WorkError("you can't resize a cdrom")
        grown = volumes.bytes_of(wanted.removeprefix("+"))
        size = volume.size + grown if wanted.startswith("+") else grown
        if size < volume.size:
            raise WorkError("shrinking disks is not supported")
        if size > volume.size:
            await volumes.grow(sim, worker, volume, size)
            await sim.clock.sleep(RESIZE_S)
            is_file = sim.world.storages[volume.storage].kind in volumes.FILE_KINDS
            if is_file and not machine.is_running:
                worker.say("Image resized.")
            machine.config[disk] = drives.with_size(value, size)
            sim.touch()


@route("POST", f"{VM}/template")
async def template(sim: Simulation, call: Call) -> str:
    machine = sim.machine(call.node, call.vmid)
    if machine.is_template:
        raise WorkError("you can't convert a template to a template")
    if machine.snapshots:
        raise WorkError("unable to create template, because VM contains snapshots")
    if machine.is_running:
        raise WorkError("you can't convert a VM to template if VM is running")
    settings.check_lock(machine)
    return sim.spawn(call, "qmtemplate", call.vmid, partial(_template, sim, call))


async def _template(sim: Simulation, call: Call, worker: Worker) -> None:
    async with sim.locks.machine(worker, call.node, call.vmid):
        machine = sim.machine(call.node, call.vmid)
        settings.check_lock(machine)
        worker.point("locked")
        await sim.clock.sleep(CONVERT_S)
        machine.config["template"] = 1
        for key, value in drives.of(machine).items():
            if not drives.is_cloudinit(value) and not drives.is_iso(value):
                machine.config[key] = _based(sim, machine, value)
        sim.touch()


def _based(sim: Simulation, machine: Machine, value: str) -> str:
    """Make the disk a base volume, from which linked clones hang."""
    volid = drives.volume_of(value)
    volume = sim.world.volumes.pop(volid)
    volume.volid = volid.replace(f"vm-{machine.vmid}-disk", f"base-{machine.vmid}-disk")
    sim.world.volumes[volume.volid] = volume
    return value.replace(volid, volume.volid)
