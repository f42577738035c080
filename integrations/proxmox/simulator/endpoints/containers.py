"""Containers: this cluster has none, and says so wherever one is asked for."""

from __future__ import annotations

from typing import Any

from integrations.proxmox.simulator import schema
from integrations.proxmox.simulator.errors import WorkError
from integrations.proxmox.simulator.routes import NODE, route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation

LXC = f"{NODE}/lxc"
_ONE = f"{LXC}/{{vmid}}"


@route("GET", LXC)
async def containers(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    del sim, call
    return []


async def _missing(sim: Simulation, call: Call) -> None:
    del sim
    path = f"nodes/{call.node}/lxc/{call.vmid}.conf"
    raise WorkError(f"Configuration file '{path}' does not exist")


for _method, _path in schema.endpoints():
    if _path.startswith(_ONE):
        route(_method, _path)(_missing)
