"""Version, tickets and permissions."""

from __future__ import annotations

from typing import Any

from integrations.proxmox.simulator import access
from integrations.proxmox.simulator.errors import ApiError
from integrations.proxmox.simulator.routes import route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation

VERSION = {"version": "9.2.11", "release": "9.2", "repoid": "14a22df35955d97d"}


@route("GET", "/version")
async def version(sim: Simulation, call: Call) -> dict[str, str]:
    del sim, call
    return VERSION


@route("POST", "/access/ticket")
async def ticket(sim: Simulation, call: Call) -> Any:
    """Nobody has a password here: tokens only."""
    del call
    await sim.clock.sleep(3.0)
    raise ApiError(401, "authentication failure")


@route("GET", "/access/permissions")
async def permissions(sim: Simulation, call: Call) -> dict[str, dict[str, int]]:
    """Answer the effective map: what a token really has, after separation."""
    paths = [call.params["path"]] if "path" in call.params else None
    found: dict[str, dict[str, int]] = {}
    for path in paths or access.known_paths(sim.world, call.identity):
        held = access.privileges(sim.world, call.identity, path)
        if held or paths:
            found[path] = dict.fromkeys(sorted(held), 1)
    return found
