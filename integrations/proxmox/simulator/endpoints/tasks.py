"""Reading and stopping tasks."""

from __future__ import annotations

from typing import Any

from integrations.proxmox.simulator import access, taskviews
from integrations.proxmox.simulator.errors import invalid
from integrations.proxmox.simulator.routes import NODE, Page, route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.tasks import UPID
from integrations.proxmox.simulator.world import Task

TASK = f"{NODE}/tasks/{{upid}}"


def _asked(sim: Simulation, call: Call, privilege: str, *, is_needed: bool) -> Task | None:
    """Find a task; where it is needed its absence is told before anything about rights.

    Raises ApiError for an UPID that is none (400), or somebody else's (403).
    """
    upid = call.params["upid"]
    parts = UPID.fullmatch(upid)
    if parts is None:
        raise invalid(upid="unable to parse worker upid")
    task = sim.world.tasks.get(upid)
    if task is None and is_needed:
        raise invalid(upid="no such task")
    if not taskviews.is_own(call.identity, parts[8]):
        access.require(sim.world, call.identity, f"/nodes/{call.node}", privilege)
    return task


@route("GET", f"{NODE}/tasks")
async def tasks(sim: Simulation, call: Call) -> Page:
    """List what runs, then what has ended, the latest first; `limit` 0 is none at all."""
    wanted = [
        task
        for task in taskviews.listed(sim, call.node, call.params.get("source", "archive"))
        if taskviews.is_visible(sim, call.identity, task) and taskviews.is_wanted(task, call.params)
    ]
    start, limit = call.params.get("start", 0), call.params.get("limit", 50)
    chosen = wanted[start : start + limit]
    return Page([taskviews.node_row(task) for task in chosen], len(wanted))


@route("GET", f"{TASK}/status")
async def task_status(sim: Simulation, call: Call) -> dict[str, Any]:
    task = _asked(sim, call, "Sys.Audit", is_needed=True)
    assert task is not None
    return taskviews.status(task)


@route("GET", f"{TASK}/log")
async def task_log(sim: Simulation, call: Call) -> Page:
    """Fifty lines unless asked otherwise; an unknown task has a log that says so."""
    task = _asked(sim, call, "Sys.Audit", is_needed=False)
    lines = task.log if task else ["unable to open file - No such file or directory"]
    numbered = [{"n": n, "t": text} for n, text in enumerate(lines or ["no content"], 1)]
    start, limit = call.params.get("start", 0), call.params.get("limit", 50)
    chosen = numbered[start : start + limit] if limit else numbered[start:]
    return Page(chosen, len(numbered))


@route("DELETE", TASK)
async def task_stop(sim: Simulation, call: Call) -> None:
    task = _asked(sim, call, "Sys.Modify", is_needed=True)
    assert task is not None
    await sim.tasks.interrupt(task.upid)
