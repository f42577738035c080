"""Listing, creating and destroying machines."""

from __future__ import annotations

import asyncio
import re
import uuid
from functools import partial
from typing import Any

from integrations.proxmox.simulator import (
    access,
    drives,
    ha,
    leftovers,
    settings,
    switching,
    views,
    volumes,
)
from integrations.proxmox.simulator.endpoints import firewall, restore
from integrations.proxmox.simulator.errors import WorkError, forbidden
from integrations.proxmox.simulator.locks import CLAIM_WAIT_S
from integrations.proxmox.simulator.routes import QEMU, VM, route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.tasks import Worker
from integrations.proxmox.simulator.world import Machine

_NOT_OPTIONS = {
    "node", "vmid", "pool", "start", "storage", "archive", "force", "unique", "bwlimit",
    "live-restore", "ha-managed", "import-working-storage",
}  # fmt: skip


@route("GET", QEMU)
async def machines(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    """List what VM.Audit lets one see: an empty list proves nothing."""
    return [
        views.listed_machine(sim, machine)
        for machine in sim.world.machines.values()
        if machine.node == call.node
        and access.has(sim.world, call.identity, f"/vms/{machine.vmid}", "VM.Audit")
    ]


@route("GET", f"{VM}/status/current")
async def current(sim: Simulation, call: Call) -> dict[str, Any]:
    return views.current(sim, sim.machine(call.node, call.vmid))


def check_pool(sim: Simulation, pool: str) -> None:
    """Raise ApiError(403): an unknown pool counts as a missing permission."""
    if pool and pool not in sim.world.pools:
        raise forbidden(f"pool '{pool}' does not exist")


@route("POST", QEMU)
async def create(sim: Simulation, call: Call) -> str:
    vmid, pool = call.vmid, str(call.params.get("pool", ""))
    check_pool(sim, pool)
    path = f"/vms/{vmid}"
    places = [path, *([f"/pool/{pool}"] if pool else [])]
    if not any(access.has(sim.world, call.identity, place, "VM.Allocate") for place in places):
        raise forbidden()
    values = {key: value for key, value in call.params.items() if key not in _NOT_OPTIONS}
    settings.authorise(sim.world, call.identity, path, values, pool=pool)
    if call.flag("start"):
        access.require(sim.world, call.identity, path, "VM.PowerMgmt")
    if "archive" in call.params:
        return restore.submit(sim, call, values)
    if "archive" in call.params:
        return restore.submit(sim, call, values)
    drives.check(sim, call.identity, call.node, values, vmid=call.vmid)
    taken = sim.world.machines.get(vmid)
    if taken is not None:
        raise WorkError(
            f"unable to create VM {vmid} - VM {vmid} already exists on node '{taken.node}'"
        )
    return sim.spawn(call, "qmcreate", vmid, partial(_create, sim, call, values, pool))


async def _create(
    sim: Simulation, call: Call, values: dict[str, Any], pool: str, worker: Worker
) -> None:
    vmid = call.vmid
    async with sim.locks.machine(worker, call.node, vmid, wait_s=CLAIM_WAIT_S):
        if vmid in sim.world.machines:
            raise WorkError(f"unable to create VM {vmid}: config file already exists")
        machine = Machine(vmid, call.node, {"lock": "create"})
        sim.world.machines[vmid] = machine
        orphans = {volume.volid for volume in sim.world.machine_volumes(vmid)}
        worker.point("locked")
        try:
            config = await _configured(sim, worker, machine, values)
        except WorkError as error:
            await leftovers.discard(sim, worker, machine, spare=orphans)
            raise WorkError(f"unable to create VM {vmid} - {error}") from error
        except asyncio.CancelledError:
            if worker.is_killed:
                raise
            await leftovers.discard(sim, worker, machine, spare=orphans)
            raise WorkError(f"unable to create VM {vmid} - interrupted by signal") from None
        machine.config = config
        machine.guest = "windows" if str(config.get("ostype", "")).startswith("w") else "linux"
        if pool:
            sim.world.pools[pool].append(vmid)
        sim.touch()
        if call.flag("start"):
            worker.say("starting VM")
            await sim.clock.sleep(switching.BOOT_S)
            switching.boot(sim, machine)


async def _configured(
    sim: Simulation, worker: Worker, machine: Machine, values: dict[str, Any]
) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for key, value in sorted(values.items()):
        if settings.DRIVE.fullmatch(key):
            config[key] = await drives.realise(
                sim, worker, node=machine.node, vmid=machine.vmid, key=key, value=str(value)
            )
            worker.point("half")
        else:
            config[key] = settings.stored(key, value)
    config.setdefault("smbios1", f"uuid={uuid.uuid4()}")
    config.setdefault("vmgenid", str(uuid.uuid4()))
    config["meta"] = f"creation-qemu=10.1.2,ctime={int(sim.clock.now())}"
    config.setdefault("boot", settings.default_boot(config))
    settings.check_boot(config)
    return config


@route("DELETE", VM)
async def destroy(sim: Simulation, call: Call) -> str:
    machine = sim.machine(call.node, call.vmid)
    _refuse_destroy(sim, call, machine)
    return sim.spawn(call, "qmdestroy", call.vmid, partial(_destroy, sim, call))


def _refuse_destroy(sim: Simulation, call: Call, machine: Machine) -> None:
    if machine.config.get("protection"):
        raise WorkError(f"can't remove VM {machine.vmid} - protection mode enabled")
    if ha.is_managed(sim.world, machine.vmid) and not call.flag("purge"):
        words = "used in HA resources and purge parameter not set."
        raise WorkError(f"unable to remove VM {machine.vmid} - {words}")
    if machine.is_running:
        raise WorkError(f"VM {machine.vmid} is running - destroy failed")


async def _destroy(sim: Simulation, call: Call, worker: Worker) -> None:
    """Remove the configuration last, so that the id is not free before its volumes are."""
    vmid = call.vmid
    async with sim.locks.machine(worker, call.node, vmid):
        machine = sim.machine(call.node, vmid)
        settings.check_lock(machine)
        _refuse_destroy(sim, call, machine)
        doomed = _doomed(sim, machine, is_thorough=call.flag("destroy-unreferenced-disks"))
        for volid in doomed:
            if volumes.linked_clones(sim.world, volid):
                raise WorkError(f"base volume '{volid}' is still in use by linked cloned")
        worker.point("locked")
        machine.config = {"lock": "destroyed"}
        sim.touch()
        await _free_all(sim, worker, doomed)
        sim.world.machines.pop(vmid, None)
        for members in sim.world.pools.values():
            if vmid in members:
                members.remove(vmid)
        if call.flag("purge"):
            _purge(sim, worker, vmid)
        firewall.forget(sim, vmid)
        sim.world.grants = [g for g in sim.world.grants if g.path != f"/vms/{vmid}"]
        sim.touch()


def _purge(sim: Simulation, worker: Worker, vmid: int) -> None:
    """Take the machine out of whatever still speaks of it."""
    worker.say(f"purging VM {vmid} from related configurations..")
    for job in sim.world.collection("backup-jobs").values():
        named = [part for part in str(job.get("vmid", "")).split(",") if part]
        if str(vmid) in named:
            job["vmid"] = ",".join(part for part in named if part != str(vmid))
    if ha.is_managed(sim.world, vmid):
        ha.remove(sim.world, ha.sid_of(vmid))
        worker.say(f"NOTE: removed VM {vmid} from HA resource configuration.")


def _doomed(sim: Simulation, machine: Machine, *, is_thorough: bool) -> list[str]:
    owned = {volume.volid for volume in sim.world.machine_volumes(machine.vmid)}
    if is_thorough:
        return sorted(owned)
    is_disk = re.compile(rf"{settings.DRIVE.pattern}|unused\d+")
    named = (drives.volume_of(str(v)) for k, v in machine.config.items() if is_disk.fullmatch(k))
    return sorted(owned.intersection(named))


async def _free_all(sim: Simulation, worker: Worker, doomed: list[str]) -> None:
    spared = sim.faults.take("task_warnings", worker.facts) is not None
    for number, volid in enumerate(doomed):
        if spared and number == 0:
            worker.warn(f"Could not remove disk '{volid}', check manually: simulated failure")
            continue
        try:
            await volumes.free(sim, worker, volid)
        except WorkError as error:
            worker.warn(f"Could not remove disk '{volid}', check manually: {error}")
        worker.point("half")
