"""Pools: who is in them, and putting machines and storages in or out."""

from __future__ import annotations

from typing import Any

from integrations.proxmox.simulator import access, views
from integrations.proxmox.simulator.errors import WorkError, forbidden
from integrations.proxmox.simulator.formats import split_list
from integrations.proxmox.simulator.routes import route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation

POOLS = "/pools"
POOL = f"{POOLS}/{{poolid}}"
EXTRAS = "pool-extras"


def _extras(sim: Simulation, pool: str) -> dict[str, Any]:
    """Answer the comment and the storages, which only some pools have."""
    return sim.world.collection(EXTRAS).setdefault(pool, {"comment": "", "storages": []})


def _members(sim: Simulation, pool: str, kind: str = "") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    if kind in ("", "qemu"):
        machines = (sim.world.machines.get(vmid) for vmid in sim.world.pools[pool])
        found = (views.machine_resource(sim, machine) for machine in machines if machine)
        rows += [{key: value for key, value in row.items() if key != "pool"} for row in found]
    if kind in ("", "storage"):
        storages = sim.world.collection(EXTRAS).get(pool, {}).get("storages", [])
        rows += [
            views.storage_resource(sim, sim.world.storages[name], node)
            for name in storages
            for node in sim.world.storages[name].nodes
        ]
    return rows


def _shown(sim: Simulation, pool: str) -> dict[str, Any]:
    comment = sim.world.collection(EXTRAS).get(pool, {}).get("comment", "")
    return {"poolid": pool, "comment": comment} if comment else {"poolid": pool}


def _known(sim: Simulation, call: Call) -> str:
    name = str(call.params["poolid"])
    if name not in sim.world.pools:
        raise WorkError(f"pool '{name}' does not exist")
    return name


@route("GET", POOLS)
async def pools(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    if call.params.get("poolid"):
        name = _known(sim, call)
        access.require(sim.world, call.identity, f"/pool/{name}", "Pool.Audit")
        members = _members(sim, name, call.params.get("type", ""))
        return [{**_shown(sim, name), "members": members}]
    return [
        _shown(sim, name)
        for name in sim.world.pools
        if access.has(sim.world, call.identity, f"/pool/{name}", "Pool.Audit")
    ]


@route("POST", POOLS)
async def add(sim: Simulation, call: Call) -> None:
    name = str(call.params["poolid"])
    parent = name.rpartition("/")[0]
    if name in sim.world.pools:
        raise WorkError(f"create pool failed: pool '{name}' already exists")
    if parent and parent not in sim.world.pools:
        raise WorkError(f"create pool failed: parent pool '{parent}' does not exist")
    sim.world.pools[name] = []
    _extras(sim, name)["comment"] = call.params.get("comment", "")
    sim.touch()


@route("GET", POOL)
async def pool(sim: Simulation, call: Call) -> dict[str, Any]:
    """Do the older way, still understood."""
    name = _known(sim, call)
    return {**_shown(sim, name), "members": _members(sim, name, call.params.get("type", ""))}


async def _change(sim: Simulation, call: Call) -> None:
    name = _known(sim, call)
    if "comment" in call.params:
        _extras(sim, name)["comment"] = call.params["comment"]
    for vmid in split_list(str(call.params.get("vms", ""))):
        _refuse_stranger(sim, call, f"/vms/{vmid}")
        _move(sim, call, name, int(vmid))
    for storage in split_list(str(call.params.get("storage", ""))):
        _refuse_stranger(sim, call, f"/storage/{storage}")
        _move_storage(sim, call, name, storage)
    sim.touch()


def _refuse_stranger(sim: Simulation, call: Call, path: str) -> None:
    """Raise ApiError(403): whoever moves something needs the right to share it out."""
    if not access.may_modify(sim.world, call.identity, path):
        raise forbidden(f"{path}, Permissions.Modify")


def _move(sim: Simulation, call: Call, name: str, vmid: int) -> None:
    members, current = sim.world.pools[name], sim.world.pool_of(vmid)
    if call.flag("delete"):
        if vmid not in members:
            raise WorkError(f"VM {vmid} is not a pool member")
        members.remove(vmid)
        return
    if vmid not in sim.world.machines:
        raise WorkError(f"VM {vmid} does not exist")
    if current == name:
        raise WorkError(f"VM {vmid} is already a pool member")
    if current and not call.flag("allow-move"):
        words = "and 'allow-move' is not set"
        raise WorkError(f"VM {vmid} belongs already to pool '{current}' {words}")
    if current:
        sim.world.pools[current].remove(vmid)
    members.append(vmid)


def _move_storage(sim: Simulation, call: Call, name: str, storage: str) -> None:
    members = _extras(sim, name)["storages"]
    if call.flag("delete"):
        if storage not in members:
            raise WorkError(f"Storage '{storage}' is not a pool member")
        members.remove(storage)
        return
    if storage not in sim.world.storages:
        raise WorkError(f"storage '{storage}' does not exist")
    if storage in members:
        raise WorkError(f"Storage '{storage}' is already a pool member")
    members.append(storage)


async def _remove(sim: Simulation, call: Call) -> None:
    name = _known(sim, call)
    if any(other.startswith(f"{name}/") for other in sim.world.pools):
        raise WorkError(f"delete pool failed: pool '{name}' is not empty (contains pools)")
    if sim.world.pools[name] or _extras(sim, name)["storages"]:
        raise WorkError(f"delete pool failed: pool '{name}' is not empty")
    del sim.world.pools[name]
    sim.world.collection(EXTRAS).pop(name, None)
    sim.touch()


for _path in (POOLS, POOL):
    route("PUT", _path)(_change)
    route("DELETE", _path)(_remove)
