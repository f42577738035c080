"""Making a machine out of a backup, in a new place or over what is there."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from functools import partial
from typing import Any

from integrations.proxmox.simulator import (
    access,
    backups,
    drives,
    leftovers,
    schema,
    settings,
    snapshots,
    switching,
    volumes,
)
from integrations.proxmox.simulator.errors import WorkError
from integrations.proxmox.simulator.locks import CLAIM_WAIT_S
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.tasks import Worker
from integrations.proxmox.simulator.world import GIB, Machine, Volume

PERCENTS = (1, 50, 100)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the request asked for, checked; `values` overrule the configuration in the backup."""

    archive: Volume
    storage: str
    pool: str
    values: dict[str, Any]
    is_unique: bool
    is_forced: bool
    is_started: bool


def submit(sim: Simulation, call: Call, values: dict[str, Any]) -> str:
    """Check what is refused at once and start the worker.

    Raises WorkError and ApiError.
    """
    plan = _planned(sim, call, values)
    return sim.spawn(call, "qmrestore", call.vmid, partial(_restore, sim, call, plan))


def _planned(sim: Simulation, call: Call, values: dict[str, Any]) -> Plan:
    world, who = sim.world, call.identity
    archive = backups.found(world, call.params["archive"])
    path = f"/storage/{archive.storage}"
    if not access.has(world, who, path, "Datastore.Allocate"):
        access.require(world, who, f"/vms/{archive.vmid}", "VM.Backup")
        access.require(world, who, path, "Datastore.AllocateSpace")
    storage = call.params.get("storage", "")
    names = {storage} if storage else {_home(d) for d in archive.archive["disks"].values()}
    for name in sorted(names):
        volumes.storage_named(world, name, call.node)
        access.require(world, who, f"/storage/{name}", "Datastore.AllocateSpace")
    _refuse_taken(sim, call)
    return Plan(
        archive=archive,
        storage=storage,
        pool=str(call.params.get("pool", "")),
        values=values,
        is_unique=call.flag("unique"),
        is_forced=call.flag("force"),
        is_started=call.flag("start") or call.flag("live-restore"),
    )


def _home(disk: dict[str, Any]) -> str:
    return str(disk["volid"]).partition(":")[0]


def _refuse_taken(sim: Simulation, call: Call) -> None:
    """Raise WorkError where something is in the way, and may not be written over."""
    words, taken = f"unable to restore VM {call.vmid} -", sim.world.machines.get(call.vmid)
    if taken is None:
        return
    if not call.flag("force") or taken.node != call.node:
        raise WorkError(f"{words} VM {call.vmid} already exists on node '{taken.node}'")
    access.require(sim.world, call.identity, f"/vms/{call.vmid}", "VM.Backup")
    if taken.config.get("protection"):
        raise WorkError(f"{words} protection mode enabled")
    if taken.is_running:
        raise WorkError(f"{words} vm is running")
    settings.check_lock(taken)


async def _restore(sim: Simulation, call: Call, plan: Plan, worker: Worker) -> None:
    """A machine that is written over keeps its configuration, locked, until the new one is whole."""
    vmid = call.vmid
    async with sim.locks.machine(worker, call.node, vmid, wait_s=CLAIM_WAIT_S):
        previous = sim.world.machines.get(vmid)
        if previous is not None and not plan.is_forced:
            raise WorkError(f"unable to restore VM {vmid} - config file already exists")
        machine = previous or Machine(
            vmid, call.node, {}, guest=plan.archive.archive.get("guest", "linux")
        )
        machine.config["lock"] = "create"
        sim.world.machines[vmid] = machine
        sim.touch()
        worker.point("locked")
        kept = await _cleared(sim, plan, machine, worker) if previous else []
        spare = {volume.volid for volume in sim.world.machine_volumes(vmid)}
        try:
            config = await _extract(sim, plan, machine, worker)
        except (WorkError, asyncio.CancelledError) as error:
            if worker.is_killed:
                raise
            await _revoke(sim, worker, machine, spare=spare, is_new=previous is None)
            words = str(error) or "interrupted by signal"
            raise WorkError(f"unable to restore VM {vmid} - {words}") from error
        machine.config = config
        for volid in kept:
            machine.config[drives.free_unused(machine)] = volid
        if plan.pool and vmid not in sim.world.pools[plan.pool]:
            sim.world.pools[plan.pool].append(vmid)
        sim.touch()
        if plan.is_started:
            await sim.clock.sleep(switching.BOOT_S)
            switching.boot(sim, machine)


async def _cleared(sim: Simulation, plan: Plan, machine: Machine, worker: Worker) -> list[str]:
    """Free the disks the backup has and all snapshots; answer the disks it does not have."""
    for snapshot in list(machine.snapshots.values()):
        if snapshot.vmstate:
            await volumes.free(sim, worker, snapshot.vmstate)
        snapshots.forget(sim.world, machine, snapshot)
    kept: list[str] = []
    for key, volume in snapshots.disks_of(sim.world, machine.config):
        if key in plan.archive.archive["disks"]:
            await volumes.free(sim, worker, volume.volid)
        else:
            kept.append(volume.volid)
    kept += [str(v) for k, v in machine.config.items() if k.startswith("unused")]
    machine.pending.clear()
    sim.touch()
    return kept


async def _revoke(
    sim: Simulation, worker: Worker, machine: Machine, *, spare: set[str], is_new: bool
) -> None:
    """Take back what was written; the former configuration stays, without its disks."""
    if is_new:
        await leftovers.discard(sim, worker, machine, spare=spare)
        return
    for volume in sim.world.machine_volumes(machine.vmid):
        if volume.volid not in spare:
            await volumes.free(sim, worker, volume.volid)
    machine.config.pop("lock", None)
    sim.touch()


async def _extract(sim: Simulation, plan: Plan, machine: Machine, worker: Worker) -> dict[str, Any]:
    """Allocate every disk, write the bytes, and answer the configuration."""
    content, storage = plan.archive.archive, sim.world.storages[plan.archive.storage]
    path = volumes.path_of(storage, plan.archive.volid)
    worker.say(f"restore vma archive: vma extract -v -r /var/tmp/vzdumptmp.fifo {path}")
    config = dict(content["config"])
    for key, value in drives.within(config).items():
        if key not in content["disks"] and drives.is_left_out(key, value):
            # The line becomes a comment, and comments are the description.
            config["description"] = f"{config.get('description', '')}\n{key}: {config.pop(key)}"
        elif drives.is_cloudinit(value):
            config[key] = await _seeded(sim, plan, machine, worker, key=key, value=value)
    made: dict[str, Volume] = {}
    for key, disk in content["disks"].items():
        worker.say(f"DEV: size: {disk['size']} devname: drive-{key}")
        made[key] = await _made(sim, plan, machine, worker, disk=disk)
        config[key] = _pointed(str(config[key]), made[key])
        worker.say(f"new volume ID is '{made[key].volid}'")
        worker.point("half")
    await _write(sim, worker, made)
    for key, disk in content["disks"].items():
        made[key].fingerprint = disk["fingerprint"]
    worker.say("rescan volumes...")
    return _identified(plan, config)


async def _made(
    sim: Simulation, plan: Plan, machine: Machine, worker: Worker, *, disk: dict[str, Any]
) -> Volume:
    name = plan.storage or _home(disk)
    is_qcow = str(disk["volid"]).endswith(".qcow2")
    return await volumes.allocate(
        sim,
        worker,
        storage=volumes.storage_named(sim.world, name, machine.node),
        node=machine.node,
        vmid=machine.vmid,
        size=disk["size"],
        suffix="qcow2" if is_qcow else "raw",
    )


async def _seeded(
    sim: Simulation, plan: Plan, machine: Machine, worker: Worker, *, key: str, value: str
) -> str:
    """Make the cloud-init disc anew: no backup holds it."""
    name = plan.storage or drives.volume_of(value).partition(":")[0]
    storage = volumes.storage_named(sim.world, name, machine.node)
    former = volumes.volid(storage, machine.vmid, f"vm-{machine.vmid}-cloudinit")
    await volumes.free(sim, worker, former)
    return await drives.realise(
        sim,
        worker,
        node=machine.node,
        vmid=machine.vmid,
        key=key,
        value=f"{name}:cloudinit,media=cdrom",
    )


def _pointed(value: str, volume: Volume) -> str:
    rest = value.partition(",")[2]
    return drives.with_size(f"{volume.volid},{rest}" if rest else volume.volid, volume.size)


async def _write(sim: Simulation, worker: Worker, made: dict[str, Volume]) -> None:
    total = sum(volume.size for volume in made.values())
    duration_s = sum(
        backups.copy_s(sim.world.storages[volume.storage], volume.size) for volume in made.values()
    )
    done = 0
    for percent in PERCENTS:
        await sim.clock.sleep(duration_s * (percent - done) / 100)
        worker.say(f"progress {percent}% (read {total * percent // 100} bytes)")
        done = percent
    worker.say(f"total bytes read {total}, {total / GIB:.1f} GiB")


def _identified(plan: Plan, config: dict[str, Any]) -> dict[str, Any]:
    """Keep addresses and uuid as they were, unless a machine of its own is wanted."""
    if plan.is_unique:
        config["smbios1"] = f"uuid={uuid.uuid4()}"
        for key in [name for name in config if settings.NET.fullmatch(name)]:
            props = schema.parsed("net[n]", str(config[key]))
            rest = [f"{k}={v}" for k, v in props.items() if k not in ("model", "macaddr")]
            config[key] = ",".join([f"{props['model']}={settings.random_mac()}", *rest])
    config["vmgenid"] = str(uuid.uuid4())
    config.pop("template", None)
    changes = {k: settings.stored(k, v) for k, v in plan.values.items()}
    return {**config, **changes}
