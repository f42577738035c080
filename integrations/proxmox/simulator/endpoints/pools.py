"""Pools and who is in them."""

from __future__ import annotations

from typing import Any

from integrations.proxmox.simulator import access, views
from integrations.proxmox.simulator.errors import WorkError
from integrations.proxmox.simulator.routes import route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation


def _members(sim: Simulation, pool: str) -> list[dict[str, Any]]:
    machines = (sim.world.machines.get(vmid) for vmid in sim.world.pools[pool])
    rows = (views.machine_resource(sim, machine) for machine in machines if machine)
    return [{key: value for key, value in row.items() if key != "pool"} for row in rows]


@route("GET", "/pools")
async def pools(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    wanted = call.params.get("poolid")
    if wanted:
        if wanted not in sim.world.pools:
            raise WorkError(f"pool '{wanted}' does not exist")
        access.require(sim.world, call.identity, f"/pool/{wanted}", "Pool.Audit")
        return [{"poolid": wanted, "members": _members(sim, wanted)}]
    return [
        {"poolid": name}
        for name in sim.world.pools
        if access.has(sim.world, call.identity, f"/pool/{name}", "Pool.Audit")
    ]


@route("GET", "/pools/{poolid}")
async def pool(sim: Simulation, call: Call) -> dict[str, Any]:
    name = call.params["poolid"]
    if name not in sim.world.pools:
        raise WorkError(f"pool '{name}' does not exist")
    return {"poolid": name, "members": _members(sim, name)}
