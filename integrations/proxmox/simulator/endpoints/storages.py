"""The configuration of storages, and bringing images onto them."""

from __future__ import annotations

from functools import partial
from typing import Any

from integrations.proxmox.simulator import access, documents, volumes
from integrations.proxmox.simulator.endpoints.content import STORAGE
from integrations.proxmox.simulator.errors import WorkError
from integrations.proxmox.simulator.formats import split_list
from integrations.proxmox.simulator.routes import route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.tasks import Worker
from integrations.proxmox.simulator.world import MIB, Storage, Volume

STORAGES = "/storage"
ONE = f"{STORAGES}/{{storage}}"
EXTRAS = "storage-options"
DOWNLOAD_S = 5.0
DOWNLOADED = 650 * MIB
_SHARED_KINDS = ("cephfs", "cifs", "iscsi", "nfs", "pbs", "rbd")
_NOT_OPTIONS = {"storage", "type", "content", "nodes", "shared"}
_AUDIT = ("Datastore.Audit", "Datastore.AllocateSpace")


def _shown(sim: Simulation, storage: Storage) -> dict[str, Any]:
    row: dict[str, Any] = {
        "storage": storage.name,
        "type": storage.kind,
        "content": storage.content,
        "shared": int(storage.shared),
        **sim.world.collection(EXTRAS).get(storage.name, {}),
    }
    if set(storage.nodes) != set(sim.world.nodes):
        row["nodes"] = ",".join(storage.nodes)
    return documents.shown(row)


def _found(sim: Simulation, call: Call) -> Storage:
    name = call.params["storage"]
    if name not in sim.world.storages:
        raise WorkError(f"storage '{name}' does not exist")
    return sim.world.storages[name]


@route("GET", STORAGES)
async def storages(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    kind = call.params.get("type")
    return [
        _shown(sim, storage)
        for storage in sim.world.storages.values()
        if kind in (None, storage.kind)
        and access.has(sim.world, call.identity, f"/storage/{storage.name}", *_AUDIT)
    ]


@route("GET", ONE)
async def storage(sim: Simulation, call: Call) -> dict[str, Any]:
    return _shown(sim, _found(sim, call))


@route("POST", STORAGES)
async def add(sim: Simulation, call: Call) -> dict[str, Any]:
    name, kind = call.params["storage"], call.params["type"]
    if name in sim.world.storages:
        raise WorkError(f"create storage failed: storage ID '{name}' already defined")
    shared = bool(call.params.get("shared", kind in _SHARED_KINDS))
    sim.world.storages[name] = Storage(name, kind=kind, shared=shared)
    sim.world.storages[name].nodes = list(sim.world.nodes)
    _change(sim, call, sim.world.storages[name])
    return {"storage": name, "type": kind}


def _change(sim: Simulation, call: Call, storage: Storage) -> None:
    storage.content = call.params.get("content", storage.content)
    if "nodes" in call.params:
        storage.nodes = [n for n in split_list(call.params["nodes"]) if n in sim.world.nodes]
    kept = sim.world.collection(EXTRAS).setdefault(storage.name, {})
    documents.change(kept, call.params, skipped=_NOT_OPTIONS)
    sim.touch()


@route("PUT", ONE)
async def change(sim: Simulation, call: Call) -> dict[str, Any]:
    found = _found(sim, call)
    _change(sim, call, found)
    return {"storage": found.name, "type": found.kind}


@route("DELETE", ONE)
async def remove(sim: Simulation, call: Call) -> None:
    """Only the entry goes: what lies on the storage is not looked at."""
    name = _found(sim, call).name
    based = [v for v in sim.world.volumes.values() if v.storage == name and v.base]
    if based:
        raise WorkError(f"delete storage failed: can't remove storage - '{name}' is in use")
    del sim.world.storages[name]
    sim.world.collection(EXTRAS).pop(name, None)
    sim.world.volumes = {k: v for k, v in sim.world.volumes.items() if v.storage != name}
    sim.touch()


@route("POST", f"{STORAGE}/download-url")
async def download(sim: Simulation, call: Call) -> str:
    """Let an image appear, as if it came from that address."""
    found = volumes.storage_named(sim.world, call.params["storage"], call.node)
    kind, name = call.params["content"], call.params["filename"]
    if kind not in found.content.split(","):
        words = f"storage '{found.name}' is not configured for content-type '{kind}'"
        raise WorkError(words)
    return sim.spawn(call, "download", name, partial(_download, sim, call, found))


async def _download(sim: Simulation, call: Call, found: Storage, worker: Worker) -> None:
    kind, name = call.params["content"], call.params["filename"]
    path = f"{found.name}:{kind}/{name}"
    worker.say(f"downloading {call.params['url']} to {volumes.path_of(found, path)}")
    if path in sim.world.volumes:
        raise WorkError(f"refusing to override existing file '{name}'")
    await sim.clock.sleep(DOWNLOAD_S)
    volumes.refuse_full(sim, worker, found, call.node, DOWNLOADED)
    place = "" if found.shared else call.node
    sim.world.volumes[path] = Volume(
        path,
        found.name,
        place,
        0,
        DOWNLOADED,
        content=kind,
        created=int(sim.clock.now()),
        fingerprint=f"{name}:0",
    )
    sim.touch()
    worker.say(f"download of '{call.params['url']}' to '{name}' finished")
