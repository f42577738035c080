"""The rows in which tasks are shown, different for each listing, as in the original."""

from __future__ import annotations

from typing import Any

from integrations.proxmox.simulator import access
from integrations.proxmox.simulator.formats import split_list
from integrations.proxmox.simulator.scope import Identity
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.world import Task

ROTATED_AT = 1000


def is_own(identity: Identity, owner: str) -> bool:
    """Tell who owns: a token its tasks, a person also those of the own tokens."""
    if owner == identity.owner:
        return True
    return not identity.token and owner.partition("!")[0] == identity.user


def is_visible(sim: Simulation, identity: Identity, task: Task) -> bool:
    audits = access.has(sim.world, identity, f"/nodes/{task.node}", "Sys.Audit")
    return audits or is_own(identity, task.user)


def _class_of(task: Task) -> str:
    if task.exitstatus == "OK":
        return "ok"
    if task.exitstatus.startswith("WARNINGS"):
        return "warning"
    return "unknown" if task.exitstatus in ("", "unexpected status") else "error"


def listed(sim: Simulation, node: str, source: str) -> list[Task]:
    """What runs and what has ended, as far back as two files of the archive go."""
    own = [task for task in sim.world.tasks.values() if task.node == node]
    running = [task for task in own if task.status == "running"]
    ended = sorted(
        (task for task in own if task.status == "stopped"),
        key=lambda task: (task.endtime, task.starttime, task.pstart, task.pid),
        reverse=True,
    )
    kept = ROTATED_AT + sim.world.finished.get(node, 0) % ROTATED_AT
    active = running[::-1] if source != "archive" else []
    return active + (ended[:kept] if source != "active" else [])


def is_wanted(task: Task, params: dict[str, Any]) -> bool:
    """Apply the filters of the node's task list; what runs has no status but `unknown`."""
    classes = {word.lower() for word in split_list(params.get("statusfilter", ""))}
    if params.get("errors"):
        classes = {"warning", "error", "unknown"}
    return all(
        (
            "vmid" not in params or task.id == str(params["vmid"]),
            "typefilter" not in params or task.kind == params["typefilter"],
            "since" not in params or task.starttime >= params["since"],
            "until" not in params or task.starttime <= params["until"],
            not classes or _class_of(task) in classes,
            params.get("userfilter", "").lower() in task.user.partition("!")[0].lower(),
        )
    )


def _common(task: Task) -> dict[str, Any]:
    user, _, token = task.user.partition("!")
    row: dict[str, Any] = {
        "upid": task.upid,
        "node": task.node,
        "starttime": task.starttime,
        "type": task.kind,
        "id": task.id,
        "user": user,
    }
    return {**row, "tokenid": token} if token else row


def status(task: Task) -> dict[str, Any]:
    row = {**_common(task), "pid": task.pid, "pstart": task.pstart, "status": task.status}
    return {**row, "exitstatus": task.exitstatus} if task.status == "stopped" else row


def node_row(task: Task) -> dict[str, Any]:
    row = {**_common(task), "pid": task.pid, "pstart": task.pstart}
    if task.status == "running":
        row.pop("tokenid", None)
        return {**row, "user": task.user, "status": "RUNNING", "saved": "0"}
    return {**row, "status": task.exitstatus, "endtime": task.endtime}


def cluster_row(task: Task) -> dict[str, Any]:
    if task.status == "running":
        return {**_common(task), "pid": task.pid}
    ending = {"status": task.exitstatus, "endtime": task.endtime, "saved": "1"}
    return {**_common(task), **ending}
