"""Options of the whole cluster, its log, its members and its networks."""

from __future__ import annotations

from typing import Any

from integrations.proxmox.simulator import access, documents, taskviews
from integrations.proxmox.simulator.routes import route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation

OPTIONS = "/cluster/options"
COLLECTION = "options"
LOG_LINES = 50
_DEFAULTS = {"keyboard": "en-us", "mac_prefix": "BC:24:11"}


def _kept(sim: Simulation) -> dict[str, Any]:
    return sim.world.collection(COLLECTION).setdefault("datacenter", dict(_DEFAULTS))


@route("GET", OPTIONS)
async def options(sim: Simulation, call: Call) -> dict[str, Any]:
    del call
    kept = _kept(sim)
    tags = sorted(part for part in str(kept.get("registered-tags", "")).split(";") if part)
    return {**kept, "allowed-tags": tags} if tags else kept


@route("PUT", OPTIONS)
async def change(sim: Simulation, call: Call) -> None:
    documents.change(_kept(sim), call.params, skipped=set(), defaults=_DEFAULTS)
    sim.touch()


@route("GET", "/cluster/log")
async def log(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    """Tell which tasks began and how they ended, newest first."""
    own = sim.world.tasks.values()
    seen = [task for task in own if taskviews.is_visible(sim, call.identity, task)]
    rows: list[dict[str, Any]] = []
    for number, task in enumerate(reversed(seen), 1):
        ended = f"end task {task.upid} {task.exitstatus}"
        rows.append(
            {
                "uid": number,
                "time": task.endtime or task.starttime,
                "node": task.node,
                "pid": task.pid,
                "pri": 6 if task.exitstatus in ("", "OK") else 3,
                "tag": "pvedaemon",
                "user": task.user,
                "msg": ended if task.status == "stopped" else f"starting task {task.upid}",
                "id": f"{number}:{task.node}",
            }
        )
    return rows[: call.params.get("max", LOG_LINES)]


@route("GET", "/cluster/config/nodes")
async def members(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    del call
    return [
        {
            "node": node.name,
            "name": node.name,
            "nodeid": str(number),
            "quorum_votes": "1",
            "ring0_addr": node.ip,
        }
        for number, node in enumerate(sim.world.nodes.values(), 1)
    ]


@route("GET", "/cluster/replication")
async def replication(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    """Nothing is replicated here."""
    del sim, call
    return []


@route("GET", "/cluster/sdn/zones")
async def zones(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    """Zones of the software-defined network; the bridges of the nodes are in none of them."""
    kind = call.params.get("type")
    return [
        {**entry, "zone": name}
        for name, entry in sim.world.collection("sdn-zones").items()
        if kind in (None, entry["type"])
        and access.has(sim.world, call.identity, f"/sdn/zones/{name}", "SDN.Audit", "SDN.Allocate")
    ]


@route("GET", "/cluster/sdn/vnets")
async def networks(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name, entry in sim.world.collection("sdn-vnets").items():
        path = f"/sdn/zones/{entry['zone']}/{name}"
        if access.has(sim.world, call.identity, path, "SDN.Audit", "SDN.Allocate"):
            rows.append({**entry, "vnet": name, "type": "vnet"})
    return rows
