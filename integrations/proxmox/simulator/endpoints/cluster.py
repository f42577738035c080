"""What any node tells about the whole cluster."""

from __future__ import annotations

from typing import Any

from integrations.proxmox.simulator import access, taskviews, views
from integrations.proxmox.simulator.errors import invalid
from integrations.proxmox.simulator.routes import route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation

RECENT_TASKS = 25


@route("GET", "/cluster/nextid")
async def next_id(sim: Simulation, call: Call) -> str:
    """Answer the lowest free id, reserved for nobody, and a string."""
    wanted = call.params.get("vmid")
    if wanted is not None:
        if wanted in sim.world.machines:
            raise invalid(vmid=f"VM {wanted} already exists")
        return str(wanted)
    return str(next(vmid for vmid in range(100, 1_000_000) if vmid not in sim.world.machines))


@route("GET", "/cluster/resources")
async def resources(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    wanted = call.params.get("type", "")
    rows: list[dict[str, Any]] = []
    if not wanted:
        rows += [
            {"id": f"/pool/{name}", "pool": name, "type": "pool"}
            for name in sim.world.pools
            if access.has(sim.world, call.identity, f"/pool/{name}", "Pool.Audit")
        ]
    if wanted in ("", "vm"):
        rows += [
            views.machine_resource(sim, machine)
            for machine in sim.world.machines.values()
            if access.has(sim.world, call.identity, f"/vms/{machine.vmid}", "VM.Audit")
        ]
    if wanted in ("", "node"):
        rows += [views.node_resource(sim, node) for node in sim.world.nodes.values()]
    if wanted in ("", "storage"):
        rows += _storages(sim, call)
    return rows


def _storages(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    return [
        views.storage_resource(sim, storage, node)
        for storage in sim.world.storages.values()
        for node in storage.nodes
        if access.has(
            sim.world,
            call.identity,
            f"/storage/{storage.name}",
            "Datastore.Audit",
            "Datastore.AllocateSpace",
        )
    ]


@route("GET", "/cluster/status")
async def status(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    del call
    nodes = list(sim.world.nodes.values())
    first = {
        "type": "cluster",
        "id": "cluster",
        "name": sim.world.name,
        "nodes": len(nodes),
        "quorate": 1,
        "version": len(nodes),
    }
    members = [
        {
            "type": "node",
            "id": f"node/{node.name}",
            "name": node.name,
            "nodeid": number,
            "ip": node.ip,
            "level": "",
            "local": int(number == 1),
            "online": int(sim.is_up(node.name)),
        }
        for number, node in enumerate(nodes, 1)
    ]
    return [first, *members]


@route("GET", "/cluster/tasks")
async def tasks(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    """Answer the recent ones of every node, running first."""
    mine = [t for t in sim.world.tasks.values() if taskviews.is_visible(sim, call.identity, t)]
    running = [taskviews.cluster_row(task) for task in mine if task.status == "running"]
    ended = [task for task in mine if task.status == "stopped"]
    rows: list[dict[str, Any]] = []
    for node in sim.world.nodes:
        rows += [taskviews.cluster_row(t) for t in ended if t.node == node][-RECENT_TASKS:]
    return running + rows[::-1]
