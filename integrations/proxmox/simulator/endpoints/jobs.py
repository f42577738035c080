"""Backup jobs: kept and shown; nobody runs them but the one who asks for a backup."""

from __future__ import annotations

import secrets
from typing import Any

from integrations.proxmox.simulator import documents
from integrations.proxmox.simulator.errors import invalid
from integrations.proxmox.simulator.routes import route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation

JOBS = "/cluster/backup"
JOB = f"{JOBS}/{{id}}"
COLLECTION = "backup-jobs"
_ROOT_ONLY = ("dumpdir", "script", "tmpdir")
_DEFAULTS = {"enabled": 1}
_DAY_S = 86_400


def _found(sim: Simulation, call: Call) -> dict[str, Any]:
    name = call.params["id"]
    entry = sim.world.collection(COLLECTION).get(name)
    if entry is None:
        raise invalid(id=f"No such job '{name}'")
    return entry


def _shown(sim: Simulation, entry: dict[str, Any]) -> dict[str, Any]:
    next_run = int(sim.clock.now()) // _DAY_S * _DAY_S + _DAY_S
    return {**entry, "type": "vzdump", "next-run": next_run} if entry["enabled"] else {**entry}


def _refuse(call: Call, entry: dict[str, Any]) -> None:
    """Raise ApiError(400) for what contradicts itself, or is root's alone."""
    for name in _ROOT_ONLY:
        if name in call.params and not call.identity.is_root:
            raise invalid(**{name: "Only root may set this option."})
    for name in ("all", "exclude", "pool"):
        if entry.get(name) and entry.get("vmid"):
            raise invalid(**{name: "option conflicts with option 'vmid'"})
    if not any(entry.get(name) for name in ("all", "exclude", "pool", "vmid")):
        raise invalid(vmid="property is missing")


@route("GET", JOBS)
async def jobs(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    del call
    return [_shown(sim, entry) for entry in sim.world.collection(COLLECTION).values()]


@route("POST", JOBS)
async def add(sim: Simulation, call: Call) -> None:
    name = str(call.params.get("id") or f"backup-{secrets.token_hex(4)}-{secrets.token_hex(2)}")
    if name in sim.world.collection(COLLECTION):
        raise invalid(id=f"Job '{name}' already exists")
    if "schedule" not in call.params and "starttime" not in call.params:
        raise invalid(schedule="property is missing")
    entry: dict[str, Any] = {**_DEFAULTS, "id": name}
    documents.change(entry, call.params, skipped={"id"})
    _refuse(call, entry)
    sim.world.collection(COLLECTION)[name] = entry
    sim.touch()


@route("GET", JOB)
async def job(sim: Simulation, call: Call) -> dict[str, Any]:
    return _shown(sim, _found(sim, call))


@route("PUT", JOB)
async def change(sim: Simulation, call: Call) -> None:
    entry = _found(sim, call)
    draft = dict(entry)
    documents.change(draft, call.params, skipped={"id"}, defaults=_DEFAULTS)
    _refuse(call, draft)
    sim.world.collection(COLLECTION)[entry["id"]] = draft
    sim.touch()


@route("DELETE", JOB)
async def remove(sim: Simulation, call: Call) -> None:
    sim.world.collection(COLLECTION).pop(_found(sim, call)["id"])
    sim.touch()
