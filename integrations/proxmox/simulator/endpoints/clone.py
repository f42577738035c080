"""Cloning: a lock, a claim, a copy per drive, and a configuration that fills up step by step."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from functools import partial
from typing import Any

from integrations.proxmox.simulator import (
    access,
    copying,
    drives,
    leftovers,
    schema,
    settings,
    volumes,
)
from integrations.proxmox.simulator.endpoints import machines
from integrations.proxmox.simulator.errors import WorkError
from integrations.proxmox.simulator.locks import CLAIM_WAIT_S
from integrations.proxmox.simulator.routes import VM, route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.tasks import Worker
from integrations.proxmox.simulator.world import Machine

RENAME_S = 0.05
_NOT_COPIED = ("template", "lock", "snaptime", "parent", "description", "name")


@dataclass(frozen=True, slots=True)
class Plan:
    """What the request asked for, checked."""

    source: Machine
    config: dict[str, Any]
    snapshot: str
    newid: int
    is_full: bool
    storage: str
    suffix: str
    target: str
    pool: str
    name: str
    description: str


@route("POST", f"{VM}/clone")
async def clone(sim: Simulation, call: Call) -> str:
    plan = _planned(sim, call)
    return sim.spawn(call, "qmclone", call.vmid, partial(_clone, sim, call, plan))


def _planned(sim: Simulation, call: Call) -> Plan:
    """All that is refused synchronously.

    Raises WorkError and ApiError.
    """
    params = call.params
    machines.check_pool(sim, str(params.get("pool", "")))
    if target := params.get("target"):
        sim.node(target)
    source = sim.sought_machine(call.node, call.vmid)
    settings.check_lock(source)
    snapshot = str(params.get("snapname", ""))
    if snapshot and snapshot not in source.snapshots:
        raise WorkError(f"snapshot '{snapshot}' does not exist")
    newid = int(params["newid"])
    plan = Plan(
        source=source,
        config=dict(source.snapshots[snapshot].config if snapshot else source.config),
        snapshot=snapshot,
        newid=newid,
        is_full=bool(params.get("full", not source.is_template)),
        storage=params.get("storage", ""),
        suffix=params.get("format", ""),
        target=params.get("target", call.node),
        pool=params.get("pool", ""),
        name=params.get("name", f"Copy-of-VM-{source.name}" if source.name else ""),
        description=params.get("description", ""),
    )
    _refuse_storage(sim, plan)
    _authorise(sim, call, plan)
    if newid in sim.world.machines:
        raise WorkError(f"unable to create VM {newid}: config file already exists")
    return plan


def _refuse_storage(sim: Simulation, plan: Plan) -> None:
    if not plan.is_full:
        _refuse_linked(sim, plan)
    if plan.storage:
        volumes.storage_named(sim.world, plan.storage, plan.source.node)
    if plan.target == plan.source.node:
        return
    for value in drives.within(plan.config).values():
        storage = sim.world.storages[drives.volume_of(value).partition(":")[0]]
        if not storage.shared:
            raise WorkError(f"can't clone VM to node '{plan.target}' (VM uses local storage)")
    if plan.storage and not sim.world.storages[plan.storage].shared:
        raise WorkError(f"can't clone to non-shared storage '{plan.storage}'")


def _authorise(sim: Simulation, call: Call, plan: Plan) -> None:
    """Raise ApiError(403): space on every storage and a place on every bridge are needed."""
    for key, value in plan.config.items():
        if settings.NET.fullmatch(key):
            settings.authorise_bridge(sim.world, call.identity, str(value))
    for value in drives.within(plan.config).values():
        is_moved = plan.storage and not drives.is_cloudinit(value)
        name = plan.storage if is_moved else drives.volume_of(value).partition(":")[0]
        access.require(sim.world, call.identity, f"/storage/{name}", "Datastore.AllocateSpace")


def _refuse_linked(sim: Simulation, plan: Plan) -> None:
    for word, value in (("storage", plan.storage), ("format", plan.suffix)):
        if value:
            raise WorkError(f"parameter '{word}' not allowed for linked clones")
    for key, value in drives.disks(plan.config).items():
        volid = drives.volume_of(value)
        if not volumes.has_feature(sim.world, sim.world.volumes[volid], "clone"):
            raise WorkError(f"Linked clone feature is not supported for '{volid}' ({key})")


async def _clone(sim: Simulation, call: Call, plan: Plan, worker: Worker) -> None:
    """Hold a stopped source shared, so that clones of a template run side by side."""
    source, shared = plan.source, not plan.source.is_running
    locks = sim.locks
    async with (
        locks.machine(worker, call.node, source.vmid, shared=shared, wait_s=CLAIM_WAIT_S),
        locks.machine(worker, call.node, plan.newid, wait_s=CLAIM_WAIT_S),
    ):
        if plan.newid in sim.world.machines:
            raise WorkError(f"unable to create VM {plan.newid}: config file already exists")
        machine = Machine(
            plan.newid,
            call.node,
            {"lock": "clone"},
            guest=source.guest,
            agent_delay_s=source.agent_delay_s,
        )
        sim.world.machines[plan.newid] = machine
        orphans = {volume.volid for volume in sim.world.machine_volumes(plan.newid)}
        sim.touch()
        worker.point("locked")
        worker.say(f"creating a clone of VM {source.vmid} with ID {plan.newid}")
        try:
            await _copy(sim, plan, machine, worker)
        except WorkError as error:
            await leftovers.discard(sim, worker, machine, spare=orphans)
            raise WorkError(f"clone failed: {error}") from error
        except asyncio.CancelledError:
            if worker.is_killed:
                raise
            await leftovers.discard(sim, worker, machine, spare=orphans)
            raise WorkError("clone failed: interrupted by signal") from None
        await _finish(sim, plan, machine, worker)


def _inherited(plan: Plan) -> dict[str, Any]:
    """Answer the new configuration without its drives: another identity, other addresses."""
    config: dict[str, Any] = {
        key: value
        for key, value in plan.config.items()
        if key not in _NOT_COPIED and not key.startswith("unused") and not _is_volume(key, value)
    }
    for key in [name for name in config if settings.NET.fullmatch(name)]:
        props = schema.parsed("net[n]", str(config[key]))
        rest = [f"{k}={v}" for k, v in props.items() if k not in ("model", "macaddr")]
        config[key] = ",".join([f"{props['model']}={settings.random_mac()}", *rest])
    config["smbios1"] = f"uuid={uuid.uuid4()}"
    config["vmgenid"] = str(uuid.uuid4())
    config["lock"] = "clone"
    if plan.name:
        config["name"] = plan.name
    if plan.description:
        config["description"] = plan.description
    return config


def _is_volume(key: str, value: Any) -> bool:
    is_drive = settings.DRIVE.fullmatch(key) is not None
    return is_drive and ":" in drives.volume_of(str(value)) and not drives.is_iso(str(value))


async def _copy(sim: Simulation, plan: Plan, machine: Machine, worker: Worker) -> None:
    config = _inherited(plan)
    for key, value in drives.within(plan.config).items():
        if drives.is_iso(value):
            continue
        config[key] = await _copy_drive(sim, plan, worker, key=key, value=value)
        _write(sim, machine, config)
        worker.point("half")
    _write(sim, machine, config)


def _write(sim: Simulation, machine: Machine, config: dict[str, Any]) -> None:
    """Raise WorkError when the id is somebody else's by now."""
    if sim.world.machines.get(machine.vmid) is not machine:
        path = f"nodes/{machine.node}/qemu-server/{machine.vmid}.conf"
        raise WorkError(f"Configuration file '{path}' does not exist")
    machine.config = dict(config)
    sim.touch()


async def _copy_drive(sim: Simulation, plan: Plan, worker: Worker, *, key: str, value: str) -> str:
    volid = drives.volume_of(value)
    original = sim.world.volumes[volid]
    is_seed = drives.is_cloudinit(value)
    is_full = plan.is_full or is_seed
    word = "full" if is_full else "linked"
    worker.say(f"create {word} clone of drive {key} ({volid})")
    storage = sim.world.storages[original.storage]
    if plan.storage and not is_seed:
        storage = volumes.storage_named(sim.world, plan.storage, plan.source.node)
    copied = await volumes.allocate(
        sim,
        worker,
        storage=storage,
        node=plan.source.node,
        vmid=plan.newid,
        size=original.size,
        name=f"vm-{plan.newid}-cloudinit" if is_seed else "",
        suffix=plan.suffix or _suffix(volid),
        base="" if is_full else volid,
    )
    copied.fingerprint = original.marks.get(plan.snapshot, original.fingerprint)
    if is_full:
        worker.say(f"allocated target volume '{copied.volid}'")
    if is_full and not is_seed:
        await copying.transfer(sim, worker, storage, original.size)
    rest = value.partition(",")[2]
    return drives.with_size(f"{copied.volid},{rest}" if rest else copied.volid, copied.size)


def _suffix(volid: str) -> str:
    return "raw" if volid.endswith(".raw") else "qcow2"


async def _finish(sim: Simulation, plan: Plan, machine: Machine, worker: Worker) -> None:
    machine.config.pop("lock", None)
    sim.touch()
    worker.point("unlocked")
    await sim.clock.sleep(RENAME_S)
    machine.node = plan.target
    sim.touch()
    await sim.clock.sleep(RENAME_S)
    if plan.pool in sim.world.pools:
        sim.world.pools[plan.pool].append(plan.newid)
    sim.touch()
