"""Moving a machine to another node, running or not, with or without its local disks."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

from integrations.proxmox.simulator import (
    access,
    backups,
    drives,
    ha,
    settings,
    views,
    volumes,
)
from integrations.proxmox.simulator.errors import WorkError, invalid
from integrations.proxmox.simulator.routes import VM, route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.tasks import Worker
from integrations.proxmox.simulator.world import GIB, Machine, Storage, Volume

MIGRATE_S = 1.0
MEMORY_GIB_PER_S = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What the request asked for, checked; `storages` maps where disks go."""

    target: str
    storages: dict[str, str]
    with_disks: bool


def _locals(sim: Simulation, machine: Machine) -> list[tuple[str, Volume]]:
    """Answer the volumes other nodes cannot see, by the key they hang on."""
    found = {drives.volume_of(v): k for k, v in drives.of(machine).items()}
    return [
        (found.get(volume.volid, "unused"), volume)
        for volume in sim.world.machine_volumes(machine.vmid)
        if not sim.world.storages[volume.storage].shared
    ]


def _unavailable(sim: Simulation, machine: Machine, node: str) -> list[str]:
    names = {drives.volume_of(value).partition(":")[0] for value in drives.of(machine).values()}
    known = sim.world.storages
    return sorted(name for name in names if name in known and node not in known[name].nodes)


@route("GET", f"{VM}/migrate")
async def preview(sim: Simulation, call: Call) -> dict[str, Any]:
    """Say where the machine could go, and what would have to be copied."""
    machine = sim.machine(call.node, call.vmid)
    answer: dict[str, Any] = {
        "running": int(machine.is_running),
        "local_disks": [
            {
                "volid": volume.volid,
                "size": volume.size,
                "cdrom": int("cloudinit" in volume.volid),
                "is_unused": int(key == "unused"),
            }
            for key, volume in _locals(sim, machine)
        ],
        "local_resources": [],
        "mapped-resources": [],
        "mapped-resource-info": {},
        "has-dbus-vmstate": 1,
        "dependent-ha-resources": [],
    }
    if machine.is_running:
        return answer
    others = [node for node in sim.world.nodes if node != machine.node and sim.is_up(node)]
    lacking = {node: _unavailable(sim, machine, node) for node in others}
    answer["allowed_nodes"] = [node for node in others if not lacking[node]]
    answer["not_allowed_nodes"] = {
        node: {"unavailable_storages": names} for node, names in lacking.items() if names
    }
    return answer


@route("POST", f"{VM}/migrate")
async def migrate(sim: Simulation, call: Call) -> str:
    target = str(call.params["target"])
    if target == call.node:
        raise invalid(target="target is local node.")
    sim.node(target)
    if call.flag("force") and not call.identity.is_root:
        raise invalid(force="Only root may use this option.")
    machine = sim.machine(call.node, call.vmid)
    settings.check_lock(machine)
    if machine.is_running and not call.flag("online"):
        raise WorkError("can't migrate running VM without --online")
    plan = Plan(target, _mapping(sim, call, machine), call.flag("with-local-disks"))
    if ha.is_managed(sim.world, call.vmid):
        return sim.spawn(call, "hamigrate", call.vmid, ha.request_move(sim, call.vmid, target))
    return sim.spawn(call, "qmmigrate", call.vmid, partial(_migrate, sim, call, plan))


def _mapping(sim: Simulation, call: Call, machine: Machine) -> dict[str, str]:
    """Read `targetstorage`: one name for all, or pairs.

    Raises WorkError for a storage the target does not have.
    """
    target, wanted = str(call.params["target"]), call.params.get("targetstorage", "")
    if not wanted or wanted == "1":
        for name in _unavailable(sim, machine, target):
            raise WorkError(f"storage '{name}' is not available on node '{target}'")
        return {}
    pairs: dict[str, str] = {}
    for part in wanted.split(","):
        source, separator, chosen = part.partition(":")
        pairs[source if separator else "*"] = chosen if separator else source
    for name in pairs.values():
        volumes.storage_named(sim.world, name, target)
        path = f"/storage/{name}"
        access.require(sim.world, call.identity, path, "Datastore.AllocateSpace")
    return pairs


async def _migrate(sim: Simulation, call: Call, plan: Plan, worker: Worker) -> None:
    began = sim.clock.now()
    async with sim.locks.machine(worker, call.node, call.vmid):
        machine = sim.machine(call.node, call.vmid)
        settings.check_lock(machine)
        address = sim.world.nodes[plan.target].ip
        _say(
            sim, worker, f"starting migration of VM {call.vmid} to node '{plan.target}' ({address})"
        )
        machine.config["lock"] = "migrate"
        sim.touch()
        worker.point("locked")
        try:
            _refuse(sim, plan, machine, worker)
            moved = await _copy(sim, plan, machine, worker)
        except (WorkError, asyncio.CancelledError) as error:
            if worker.is_killed:
                raise
            machine.config.pop("lock", None)
            sim.touch()
            words = str(error) or "interrupted by signal"
            _say(sim, worker, f"ERROR: migration aborted (duration 00:00:00): {words}")
            raise WorkError("migration aborted") from error
        _arrive(sim, plan, machine, moved)
        lasted = time.strftime("%H:%M:%S", time.gmtime(sim.clock.elapsed_s(began)))
        _say(sim, worker, f"migration finished successfully (duration {lasted})")


def _say(sim: Simulation, worker: Worker, line: str) -> None:
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(sim.clock.now()))
    worker.say(f"{stamp} {line}")


def _refuse(sim: Simulation, plan: Plan, machine: Machine, worker: Worker) -> None:
    if not sim.is_up(plan.target):
        raise WorkError(f"Can't connect to destination address using public key of '{plan.target}'")
    disks = [(key, v) for key, v in _locals(sim, machine) if "cloudinit" not in v.volid]
    for key, volume in disks:
        word = "unused" if key == "unused" else "attached"
        _say(sim, worker, f"found local disk '{volume.volid}' ({word})")
    discs = [drives.volume_of(v) for v in drives.of(machine).values() if drives.is_iso(v)]
    for disc in discs:
        if not sim.world.storages[disc.partition(":")[0]].shared:
            raise WorkError(f"can't migrate local cdrom '{disc}'")
    if disks and machine.is_running and not plan.with_disks:
        words = "can't live migrate attached local disks without with-local-disks option"
        _say(sim, worker, words)
        raise WorkError(
            "Problem found while scanning volumes - can't migrate VM - check log",
        )
    for _, volume in disks:
        if volumes.linked_clones(sim.world, volume.volid):
            raise WorkError(f"can't migrate local disk '{volume.volid}': it has linked clones")


async def _copy(
    sim: Simulation, plan: Plan, machine: Machine, worker: Worker
) -> list[tuple[Volume, Storage]]:
    """Take the time for memory and local disks; nothing is changed until all is there."""
    moved: list[tuple[Volume, Storage]] = []
    for _, volume in _locals(sim, machine):
        name = plan.storages.get(volume.storage, plan.storages.get("*", volume.storage))
        storage = volumes.storage_named(sim.world, name, plan.target)
        volumes.refuse_full(sim, worker, storage, plan.target, volume.size)
        _say(sim, worker, f"copying local disk '{volume.volid}' to storage '{name}'")
        await sim.clock.sleep(backups.copy_s(storage, volume.size))
        worker.point("half")
        moved.append((volume, storage))
    if machine.is_running:
        _say(sim, worker, f"starting online/live migration on '{plan.target}'")
        await sim.clock.sleep(views.memory_of(machine) / GIB / MEMORY_GIB_PER_S)
        _say(sim, worker, "migration status: completed")
    await sim.clock.sleep(MIGRATE_S)
    return moved


def _arrive(
    sim: Simulation, plan: Plan, machine: Machine, moved: list[tuple[Volume, Storage]]
) -> None:
    """Let the configuration be on the other node, its disks with it."""
    for volume, storage in moved:
        place(sim, machine, volume, storage, plan.target)
    machine.node = plan.target
    machine.config.pop("lock", None)
    sim.touch()


def place(sim: Simulation, machine: Machine, volume: Volume, storage: Storage, node: str) -> None:
    """Give a volume the name it has on its new storage, and spell it so everywhere."""
    old = volume.volid
    if storage.name != volume.storage:
        name = volumes.next_name(sim.world, storage, machine.vmid)
        if "cloudinit" in old:
            name = f"vm-{machine.vmid}-cloudinit"
        suffix = "raw" if volumes.format_of(volume) == "raw" else "qcow2"
        sim.world.volumes.pop(old, None)
        volume.volid, volume.storage = (
            volumes.volid(storage, machine.vmid, name, suffix),
            storage.name,
        )
        sim.world.volumes[volume.volid] = volume
    volume.node = "" if storage.shared else node
    for config in (machine.config, *(s.config for s in machine.snapshots.values())):
        for key, value in list(config.items()):
            if isinstance(value, str) and drives.volume_of(value) == old:
                config[key] = value.replace(old, volume.volid)
