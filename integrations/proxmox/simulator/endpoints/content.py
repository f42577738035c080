"""What lies on a storage: listing, reading, annotating, pruning and deleting volumes."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from integrations.proxmox.simulator import access, backups, volumes
from integrations.proxmox.simulator.errors import WorkError
from integrations.proxmox.simulator.routes import NODE, route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.tasks import Worker
from integrations.proxmox.simulator.world import Storage, Volume

STORAGE = f"{NODE}/storage/{{storage}}"
CONTENT = f"{STORAGE}/content"
VOLUME = f"{CONTENT}/{{volume}}"
PRUNE = f"{STORAGE}/prunebackups"
DELETE_S = 0.2
SNIPPET_SIZE = 512
_VOLID = re.compile(r"[a-z][a-z0-9\-_.]*[a-z0-9]:.+", re.IGNORECASE)


def _is_visible(sim: Simulation, call: Call, volume: Volume) -> bool:
    """Backups show to who may back the machine up, images to who may change its disks."""
    world, who, path = sim.world, call.identity, f"/storage/{volume.storage}"
    if access.has(world, who, path, "Datastore.Allocate"):
        return True
    machine = f"/vms/{volume.vmid}"
    if volume.content == "backup":
        may_read = access.has(world, who, machine, "VM.Backup")
        return may_read and access.has(world, who, path, "Datastore.AllocateSpace")
    if volume.content == "images":
        return access.has(world, who, machine, "VM.Config.Disk")
    return access.has(world, who, path, "Datastore.Audit", "Datastore.AllocateSpace")


def _is_here(storage: Storage, volume: Volume, node: str) -> bool:
    is_on_it = volume.storage == storage.name
    return is_on_it and (storage.shared or volume.node in ("", node))


def _row(volume: Volume) -> dict[str, Any]:
    row: dict[str, Any] = {
        "volid": volume.volid,
        "content": volume.content,
        "format": volumes.format_of(volume),
        "size": volume.size,
    }
    if volume.created:
        row["ctime"] = volume.created
    if volume.vmid:
        row["vmid"] = volume.vmid
    if volume.base:
        row["parent"] = volume.base
    if volume.content == "backup":
        row |= {"subtype": "qemu", "protected": int(volume.is_protected)}
    return row


@route("GET", CONTENT)
async def content(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    """List what one may see; of notes the first line only."""
    storage = volumes.storage_named(sim.world, call.params["storage"], call.node)
    if storage.is_offline:
        raise WorkError(f"storage '{storage.name}' is not online")
    rows: list[dict[str, Any]] = []
    for volume in sim.world.volumes.values():
        is_wanted = call.params.get("content", volume.content) == volume.content
        is_owned = call.params.get("vmid", volume.vmid) == volume.vmid
        if not (is_wanted and is_owned and _is_here(storage, volume, call.node)):
            continue
        if _is_visible(sim, call, volume):
            notes = {"notes": volume.notes.splitlines()[0]} if volume.notes else {}
            rows.append({**_row(volume), **notes})
    if call.params.get("content", "snippets") == "snippets" and "vmid" not in call.params:
        rows += _snippets(sim, storage, call.node)
    return sorted(rows, key=lambda row: str(row["volid"]))


def _snippets(sim: Simulation, storage: Storage, node: str) -> list[dict[str, Any]]:
    return [
        {"volid": name, "content": "snippets", "format": "snippet", "size": SNIPPET_SIZE}
        for name, nodes in sim.world.snippets.items()
        if name.startswith(f"{storage.name}:") and node in nodes
    ]


def _named(sim: Simulation, call: Call) -> tuple[Storage, str]:
    """Read the volume of the path, with or without its storage."""
    given, name = call.params.get("storage", ""), call.params["volume"]
    if not _VOLID.fullmatch(name):
        name = f"{given}:{name}"
    owner = name.partition(":")[0]
    if given and owner != given:
        raise WorkError(f"storage ID missmatch ({owner} != {given})")
    return volumes.storage_named(sim.world, owner, call.node), name


def _readable(sim: Simulation, call: Call) -> tuple[Storage, Volume]:
    storage, name = _named(sim, call)
    volume = sim.world.volumes.get(name)
    if volume is None:
        raise WorkError(f"volume_size_info on '{name}' failed")
    if not _is_visible(sim, call, volume):
        owner = f"/vms/{volume.vmid}"
        needed = "VM.Backup" if volume.content == "backup" else "VM.Config.Disk"
        access.require(sim.world, call.identity, owner, needed)
        access.require(sim.world, call.identity, f"/storage/{storage.name}", "Datastore.Audit")
    return storage, volume


@route("GET", VOLUME)
async def attributes(sim: Simulation, call: Call) -> dict[str, Any]:
    storage, volume = _readable(sim, call)
    found: dict[str, Any] = {
        "path": volumes.path_of(storage, volume.volid),
        "size": volume.size,
        "used": volume.size,
        "format": volumes.format_of(volume),
    }
    if volume.content == "backup":
        found["protected"] = int(volume.is_protected)
        if volume.notes:
            found["notes"] = volume.notes
    return found


@route("PUT", VOLUME)
async def annotate(sim: Simulation, call: Call) -> None:
    _, volume = _readable(sim, call)
    for name in ("notes", "protected"):
        if name in call.params and volume.content != "backup":
            raise WorkError(f"attribute '{name}' is not supported for '{volume.volid}'")
    volume.notes = call.params.get("notes", volume.notes)
    volume.is_protected = bool(call.params.get("protected", volume.is_protected))
    sim.touch()


@route("DELETE", VOLUME)
async def delete(sim: Simulation, call: Call) -> str | None:
    """Start a task; with `delay` a quick one is waited for and answers null."""
    storage, name = _named(sim, call)
    volume, path = sim.world.volumes.get(name), f"/storage/{storage.name}"
    if volume and volume.content == "backup" and volume.vmid:
        access.require(sim.world, call.identity, path, "Datastore.AllocateSpace")
        access.require(sim.world, call.identity, f"/vms/{volume.vmid}", "VM.Backup")
    else:
        access.require(sim.world, call.identity, path, "Datastore.Allocate")
    about = f"{volume.vmid}@{storage.name}" if volume and volume.vmid else storage.name
    upid = sim.spawn(call, "imgdel", about, partial(_delete, sim, storage, name))
    waited_s = 0.0
    while waited_s < call.params.get("delay", 0):
        await sim.clock.sleep(DELETE_S)
        waited_s += DELETE_S
        task = sim.world.tasks[upid]
        if task.status == "stopped":
            if task.exitstatus != "OK":
                raise WorkError(task.exitstatus)
            return None
    return upid


async def _delete(sim: Simulation, storage: Storage, name: str, worker: Worker) -> None:
    volume = sim.world.volumes.get(name)
    if volume is None:
        worker.say(f"disk image '{volumes.path_of(storage, name)}' does not exist")
        return
    worker.point("locked")
    if volume.is_protected:
        raise WorkError(f"cannot remove protected volume '{name}' on '{storage.name}'")
    if volumes.linked_clones(sim.world, name):
        raise WorkError(f"base volume '{name}' is still in use by linked cloned")
    await volumes.free(sim, worker, name)
    worker.say(f"Removed volume '{name}'")


def _selected(sim: Simulation, call: Call) -> tuple[dict[str, int], int | None]:
    storage = volumes.storage_named(sim.world, call.params["storage"], call.node)
    wanted = call.params.get("prune-backups", "")
    if not wanted:
        raise WorkError(f"no prune-backups options configured for storage '{storage.name}'")
    return backups.retention(wanted), call.params.get("vmid")


@route("GET", PRUNE)
async def prune_preview(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    """Say what DELETE would remove, without removing it."""
    keep, vmid = _selected(sim, call)
    rows = backups.marked(backups.of(sim.world, call.params["storage"], vmid), keep)
    return [
        {
            "volid": volume.volid,
            "ctime": volume.created,
            "type": "qemu",
            "vmid": volume.vmid,
            "mark": mark,
        }
        for volume, mark in rows
    ]


@route("DELETE", PRUNE)
async def prune(sim: Simulation, call: Call) -> str:
    keep, vmid = _selected(sim, call)
    name, who = call.params["storage"], call.identity
    if vmid is None:
        access.require(sim.world, who, f"/storage/{name}", "Datastore.Allocate")
    else:
        access.require(sim.world, who, f"/storage/{name}", "Datastore.AllocateSpace")
        access.require(sim.world, who, f"/vms/{vmid}", "VM.Backup")
    about = name if vmid is None else f"{vmid}@{name}"

    async def body(worker: Worker) -> None:
        rows = backups.marked(backups.of(sim.world, name, vmid), keep)
        for volume, mark in rows:
            if mark == "remove":
                worker.say(f"removing backup '{volume.volid}'")
                await volumes.free(sim, worker, volume.volid)

    return sim.spawn(call, "prunebackups", about, body)


@route("POST", CONTENT)
async def allocate(sim: Simulation, call: Call) -> str:
    """Make an empty disk for a machine that may not even exist yet."""
    params = call.params
    storage = volumes.storage_named(sim.world, params["storage"], call.node)
    name = params["filename"]
    if not re.match(rf"(vm|base)-{params['vmid']}-", name):
        words = f"illegal name '{name}' - should be 'vm-{params['vmid']}-*'"
        raise WorkError(f"unable to create image: {words}")
    size = volumes.bytes_of(params["size"] if params["size"][-1] in "MG" else f"{params['size']}K")
    stem, _, suffix = name.partition(".")
    volume = await volumes.allocate(
        sim,
        call.scope,
        storage=storage,
        node=call.node,
        vmid=params["vmid"],
        size=size,
        name=stem,
        suffix=suffix or params.get("format", "raw"),
    )
    return volume.volid
