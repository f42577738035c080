"""Disks that change their storage or their machine, that are let go, and what disks can do."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from integrations.proxmox.simulator import access, copying, drives, settings, snapshots, volumes
from integrations.proxmox.simulator.endpoints import config
from integrations.proxmox.simulator.errors import WorkError, invalid
from integrations.proxmox.simulator.routes import VM, route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.tasks import Worker
from integrations.proxmox.simulator.world import Machine, Volume


@route("PUT", f"{VM}/unlink")
async def unlink(sim: Simulation, call: Call) -> None:
    """Detach; by force the bytes go as well."""
    call.params["delete"] = call.params.pop("idlist")
    await config.change(sim, call)


@route("GET", f"{VM}/feature")
async def feature(sim: Simulation, call: Call) -> dict[str, Any]:
    """Say whether all disks can do it, and on which nodes they can be reached."""
    machine = sim.machine(call.node, call.vmid)
    name = call.params.get("snapname", "")
    wanted = snapshots.found(machine, name).config if name else machine.config
    disks = [volume for _, volume in snapshots.disks_of(sim.world, wanted)]
    able = all(volumes.has_feature(sim.world, v, call.params["feature"]) for v in disks)
    shared = all(sim.world.storages[volume.storage].shared for volume in disks)
    nodes = list(sim.world.nodes) if shared else [call.node]
    return {"hasFeature": int(able), "nodes": nodes if able else []}


@route("POST", f"{VM}/move_disk")
async def move(sim: Simulation, call: Call) -> str:
    machine = sim.machine(call.node, call.vmid)
    if "target-vmid" in call.params:
        return _handed_over(sim, call, machine)
    if "storage" not in call.params:
        raise invalid(storage="either 'storage' or 'target-vmid' has to be set")
    settings.check_digest(machine, call.params.get("digest", ""))
    settings.check_lock(machine)
    volume = _disk(sim, machine, call.params["disk"])
    storage = volumes.storage_named(sim.world, call.params["storage"], call.node)
    path = f"/storage/{storage.name}"
    access.require(sim.world, call.identity, path, "Datastore.AllocateSpace")
    wanted = call.params.get("format", volumes.format_of(volume))
    if storage.name == volume.storage and wanted == volumes.format_of(volume):
        raise WorkError("you can't move to the same storage with same format")
    if volume.marks and call.flag("delete"):
        raise WorkError("you can't move a disk with snapshots and delete the source")
    return sim.spawn(call, "qmmove", call.vmid, partial(_move, sim, call))


def _disk(sim: Simulation, machine: Machine, key: str) -> Volume:
    value = str(machine.config.get(key, ""))
    if not value:
        raise WorkError(f"disk '{key}' does not exist")
    if "media=cdrom" in value and not drives.is_cloudinit(value):
        raise WorkError("you can't move a cdrom")
    volume = sim.world.volumes.get(drives.volume_of(value))
    if volume is None:
        raise WorkError(f"disk '{key}' has no associated volume")
    return volume


async def _move(sim: Simulation, call: Call, worker: Worker) -> None:
    key = call.params["disk"]
    async with sim.locks.machine(worker, call.node, call.vmid):
        machine = sim.machine(call.node, call.vmid)
        settings.check_lock(machine)
        source = _disk(sim, machine, key)
        storage = volumes.storage_named(sim.world, call.params["storage"], call.node)
        worker.point("locked")
        worker.say(f"create full clone of drive {key} ({source.volid})")
        made = await volumes.allocate(
            sim,
            worker,
            storage=storage,
            node=call.node,
            vmid=call.vmid,
            size=source.size,
            suffix=call.params.get("format", "qcow2"),
        )
        try:
            await copying.transfer(sim, worker, storage, source.size)
        except asyncio.CancelledError:
            if not worker.is_killed:
                await volumes.free(sim, worker, made.volid)
            raise
        worker.point("half")
        made.fingerprint = source.fingerprint
        rest = str(machine.config[key]).partition(",")[2]
        value = f"{made.volid},{rest}" if rest else made.volid
        machine.config[key] = drives.with_size(value, made.size)
        if call.flag("delete"):
            await volumes.free(sim, worker, source.volid)
        else:
            machine.config[drives.free_unused(machine)] = source.volid
        sim.touch()


def _handed_over(sim: Simulation, call: Call, machine: Machine) -> str:
    """Check the giving of a disk to another machine of the same node."""
    vmid, key = int(call.params["target-vmid"]), call.params["disk"]
    access.require(sim.world, call.identity, f"/vms/{vmid}", "VM.Config.Disk")
    if vmid == call.vmid:
        raise WorkError("must be different than source VMID to reassign disk")
    target = sim.machine(call.node, vmid)
    settings.check_digest(target, call.params.get("target-digest", ""))
    chosen = call.params.get("target-disk", key)
    for owner in (machine, target):
        settings.check_lock(owner)
        if owner.is_running:
            raise WorkError("cannot move disk of a running VM to another VM")
    if chosen in target.config:
        raise WorkError(f"Target disk key '{chosen}' is already in use for VM '{vmid}'")
    _disk(sim, machine, key)
    return sim.spawn(
        call, "qmmove", call.vmid, partial(_hand_over, sim, machine, target, key, chosen)
    )


async def _hand_over(
    sim: Simulation, machine: Machine, target: Machine, key: str, chosen: str, worker: Worker
) -> None:
    async with (
        sim.locks.machine(worker, machine.node, machine.vmid),
        sim.locks.machine(worker, target.node, target.vmid),
    ):
        volume = _disk(sim, machine, key)
        storage = sim.world.storages[volume.storage]
        name = volumes.next_name(sim.world, storage, target.vmid)
        suffix = "raw" if volumes.format_of(volume) == "raw" else "qcow2"
        old = sim.world.volumes.pop(volume.volid).volid
        volume.volid, volume.vmid = volumes.volid(storage, target.vmid, name, suffix), target.vmid
        sim.world.volumes[volume.volid] = volume
        value = str(machine.config.pop(key))
        target.config[chosen] = value.replace(old, volume.volid)
        worker.say(f"removing disk '{key}' from VM '{machine.vmid}' config")
        worker.say(f"moving disk to VM '{target.vmid}' as '{chosen}' ({volume.volid})")
        sim.touch()
