"""Version, tickets and permissions."""

from __future__ import annotations

import re
from typing import Any

from integrations.proxmox.simulator import access, tickets
from integrations.proxmox.simulator.errors import ApiError
from integrations.proxmox.simulator.formats import split_list
from integrations.proxmox.simulator.routes import route
from integrations.proxmox.simulator.scope import Call, Identity
from integrations.proxmox.simulator.simulation import Simulation

REPOSITORY = "14a22df35955d97d"
REFUSAL_S = 3.0
# which privileges the user interface asks for, by the first part of a path
_CAPABILITIES = {
    "vms": r"VM\.|Permissions\.Modify",
    "access": r"(User|Group)\.|Permissions\.Modify",
    "storage": r"Datastore\.|Permissions\.Modify",
    "nodes": r"Sys\.|Permissions\.Modify",
    "sdn": r"SDN\.|Permissions\.Modify",
    "dc": r"Sys\.Audit|Sys\.Modify|SDN\.",
    "mapping": r"Mapping\.|Permissions\.Modify",
}
_ASKED = ("/", "/nodes", "/access/groups", "/vms", "/storage", "/sdn", "/mapping")


@route("GET", "/version")
async def version(sim: Simulation, call: Call) -> dict[str, str]:
    del call
    release = ".".join(sim.version.split(".")[:2])
    return {"version": sim.version, "release": release, "repoid": REPOSITORY}


@route("GET", "/access/ticket")
async def ticket_form(sim: Simulation, call: Call) -> None:
    """Answer nothing: it is there for password managers."""
    del sim, call


@route("POST", "/access/ticket")
async def ticket(sim: Simulation, call: Call) -> dict[str, Any]:
    """Sign somebody in by password, or by a ticket that is still good.

    Raises ApiError(401), late, and the same for every reason.
    """
    name = str(call.params["username"])
    if realm := call.params.get("realm"):
        name = f"{name}@{realm}"
    if not _is_right(sim, name, str(call.params["password"])):
        await sim.clock.sleep(REFUSAL_S)
        raise ApiError(401, "authentication failure")
    identity = Identity(name)
    secret, now = sim.world.ticket_secret, sim.clock.now()
    path, names = call.params.get("path"), call.params.get("privs")
    if path and names:
        if not access.has_all(sim.world, identity, str(path), *split_list(str(names))):
            await sim.clock.sleep(REFUSAL_S)
            raise ApiError(401, "authentication failure")
        return {"username": name, "cap": _capabilities(sim, identity)}
    found = {
        "username": name,
        "ticket": tickets.issue(secret, name, now),
        "CSRFPreventionToken": tickets.issue_csrf(secret, name, now),
        "cap": _capabilities(sim, identity),
    }
    if access.has(sim.world, identity, "/", "Sys.Audit"):
        found["clustername"] = sim.world.name
    return found


def _is_right(sim: Simulation, name: str, password: str) -> bool:
    world, clock = sim.world, sim.clock
    if not access.is_enabled(world, name, clock.now()):
        return False
    if tickets.owner(world.ticket_secret, password, clock.now(), clock.scale) == name:
        return True
    return bool(world.users[name].password) and world.users[name].password == password


def _capabilities(sim: Simulation, identity: Identity) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {name: {} for name in _CAPABILITIES}
    for path in {*_ASKED, *access.known_paths(sim.world)}:
        top = path.split("/")[1] or "dc"
        for name in access.privileges(sim.world, identity, path):
            if top in found and re.match(_CAPABILITIES[top], name):
                found[top][name] = 1
    return found


@route("GET", "/access/permissions")
async def permissions(sim: Simulation, call: Call) -> dict[str, dict[str, int]]:
    """Answer the effective map: what a token really has, after separation."""
    asked = str(call.params.get("userid", call.identity.owner))
    user, _, token = asked.partition("!")
    if asked != call.identity.owner and not (token and user == call.identity.owner):
        access.require(sim.world, call.identity, "/access", "Sys.Audit")
    subject = Identity(user, token)
    paths = [str(call.params["path"])] if "path" in call.params else None
    found: dict[str, dict[str, int]] = {}
    for path in paths or access.known_paths(sim.world):
        held = access.privileges(sim.world, subject, path)
        if held or paths:
            found[path] = dict.fromkeys(sorted(held), 1)
    return found
