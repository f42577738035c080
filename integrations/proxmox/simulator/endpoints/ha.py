"""High availability: resources, rules, and what the manager thinks of them."""

from __future__ import annotations

from typing import Any

from integrations.proxmox.simulator import documents, ha
from integrations.proxmox.simulator.errors import WorkError
from integrations.proxmox.simulator.routes import route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation

HA = "/cluster/ha"
RESOURCE = f"{HA}/resources/{{sid}}"
RULE = f"{HA}/rules/{{rule}}"
GROUP = f"{HA}/groups/{{group}}"
_DEFAULTS = {"state": "started", "max_restart": 1, "max_relocate": 1}
_MIGRATED = "ha groups have been migrated to rules"


def _sid(call: Call) -> str:
    """A bare number means a virtual machine."""
    sid = str(call.params["sid"])
    return sid if ":" in sid else f"vm:{sid}"


@route("GET", HA)
async def parts(sim: Simulation, call: Call) -> list[dict[str, str]]:
    del sim, call
    return [{"id": name} for name in ("status", "resources", "groups", "rules")]


@route("GET", f"{HA}/resources")
async def resources(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    wanted = call.params.get("type", "vm")
    entries = sim.world.collection(ha.RESOURCES).values()
    return [documents.shown(entry) for entry in entries if entry["type"] == wanted]


@route("POST", f"{HA}/resources")
async def add(sim: Simulation, call: Call) -> None:
    sid = _sid(call)
    if "group" in call.params:
        raise WorkError(f"invalid parameter 'group': {_MIGRATED}")
    if sid in sim.world.collection(ha.RESOURCES):
        raise WorkError(f"resource ID '{sid}' already defined")
    if not sid.startswith("vm:") or ha.vmid_of(sid) not in sim.world.machines:
        raise WorkError(f"unable to add resource '{sid}': no such guest in the cluster")
    entry = {**_DEFAULTS, "sid": sid, "type": "vm"}
    documents.change(entry, call.params, skipped={"sid"}, defaults=_DEFAULTS)
    sim.world.collection(ha.RESOURCES)[sid] = entry
    ha.want(sim, sid, str(entry["state"]))


@route("GET", RESOURCE)
async def resource(sim: Simulation, call: Call) -> dict[str, Any]:
    return documents.shown(ha.resource(sim.world, _sid(call)))


@route("PUT", RESOURCE)
async def change(sim: Simulation, call: Call) -> None:
    entry = ha.resource(sim.world, _sid(call))
    documents.change(entry, call.params, skipped={"sid"}, defaults=_DEFAULTS)
    ha.want(sim, _sid(call), str(entry["state"]))


@route("DELETE", RESOURCE)
async def remove(sim: Simulation, call: Call) -> None:
    """The machine stays as it is; nobody looks after it any more."""
    ha.resource(sim.world, _sid(call))
    ha.remove(sim.world, _sid(call))
    sim.touch()


async def _move(sim: Simulation, call: Call) -> dict[str, str]:
    sid, target = _sid(call), str(call.params["node"])
    ha.resource(sim.world, sid)
    sim.node(target)
    ha.move(sim, sid, target)
    return {"sid": sid, "requested-node": target}


@route("POST", f"{RESOURCE}/migrate")
async def migrate(sim: Simulation, call: Call) -> dict[str, str]:
    return await _move(sim, call)


@route("POST", f"{RESOURCE}/relocate")
async def relocate(sim: Simulation, call: Call) -> dict[str, str]:
    return await _move(sim, call)


@route("GET", f"{HA}/groups")
async def groups(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    """Groups are no more since rules took their place: the list stays empty."""
    del sim, call
    return []


@route("POST", f"{HA}/groups")
async def add_group(sim: Simulation, call: Call) -> None:
    del sim, call
    raise WorkError(f"cannot create group: {_MIGRATED}")


@route("PUT", GROUP)
async def change_group(sim: Simulation, call: Call) -> None:
    del sim, call
    raise WorkError(f"cannot update group: {_MIGRATED}")


@route("GET", GROUP)
async def group(sim: Simulation, call: Call) -> None:
    del sim
    raise WorkError(f"no such ha group '{call.params['group']}'")


@route("DELETE", GROUP)
async def remove_group(sim: Simulation, call: Call) -> None:
    del sim, call
    raise WorkError(f"cannot delete group: {_MIGRATED}")


def _rule(sim: Simulation, call: Call) -> dict[str, Any]:
    name = call.params["rule"]
    found = sim.world.collection(ha.RULES).get(name)
    if found is None:
        raise WorkError(f"no such ha rule '{name}'")
    return found


@route("GET", f"{HA}/rules")
async def rules(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    kind, resource_id = call.params.get("type"), call.params.get("resource")
    return [
        documents.shown(entry)
        for entry in sim.world.collection(ha.RULES).values()
        if kind in (None, entry["type"])
        and (resource_id is None or resource_id in entry["resources"].split(","))
    ]


@route("POST", f"{HA}/rules")
async def add_rule(sim: Simulation, call: Call) -> None:
    name = call.params["rule"]
    if name in sim.world.collection(ha.RULES):
        raise WorkError(f"HA rule '{name}' already defined")
    entry: dict[str, Any] = {"rule": name}
    documents.change(entry, call.params, skipped={"rule"})
    sim.world.collection(ha.RULES)[name] = entry
    sim.touch()


@route("GET", RULE)
async def rule(sim: Simulation, call: Call) -> dict[str, Any]:
    return documents.shown(_rule(sim, call))


@route("PUT", RULE)
async def change_rule(sim: Simulation, call: Call) -> None:
    documents.change(_rule(sim, call), call.params, skipped={"rule"})
    sim.touch()


@route("DELETE", RULE)
async def remove_rule(sim: Simulation, call: Call) -> None:
    _rule(sim, call)
    sim.world.collection(ha.RULES).pop(call.params["rule"])
    sim.touch()


def _services(sim: Simulation) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for sid, entry in sim.world.collection(ha.RESOURCES).items():
        machine = sim.world.machines.get(ha.vmid_of(sid))
        if machine is not None and entry["state"] != "ignored":
            state = ha.status(sim.world, machine.vmid)["state"]
            found[sid] = {"node": machine.node, "state": state, "uid": f"{machine.vmid:022d}"}
    return found


@route("GET", f"{HA}/status")
async def status_parts(sim: Simulation, call: Call) -> list[dict[str, str]]:
    del sim, call
    return [{"name": "current"}, {"name": "manager_status"}]


@route("GET", f"{HA}/status/current")
async def status(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    del call
    now, nodes = int(sim.clock.now()), list(sim.world.nodes)
    services = _services(sim)
    rows: list[dict[str, Any]] = [
        {"id": "quorum", "type": "quorum", "node": nodes[0], "status": "OK", "quorate": 1}
    ]
    if services:
        text = f"{nodes[0]} (active, {now})"
        row = {"id": "master", "type": "master", "node": nodes[0], "status": text}
        rows.append({**row, "timestamp": now})
    for node in nodes:
        mode = "active" if any(s["node"] == node for s in services.values()) else "idle"
        word = mode if sim.is_up(node) else "old timestamp - dead?"
        row = {
            "id": f"lrm:{node}",
            "type": "lrm",
            "node": node,
            "status": f"{node} ({word}, {now})",
        }
        rows.append({**row, "timestamp": now})
    for sid, service in services.items():
        entry = ha.resource(sim.world, sid)
        rows.append(
            {
                "id": f"service:{sid}",
                "type": "service",
                "sid": sid,
                "node": service["node"],
                "state": service["state"],
                "crm_state": service["state"],
                "request_state": entry["state"],
                "max_restart": entry["max_restart"],
                "max_relocate": entry["max_relocate"],
                "status": f"{sid} ({service['node']}, {service['state']})",
            }
        )
    return rows


@route("GET", f"{HA}/status/manager_status")
async def manager_status(sim: Simulation, call: Call) -> dict[str, Any]:
    del call
    now, nodes = int(sim.clock.now()), list(sim.world.nodes)
    up = {name: "online" if sim.is_up(name) else "unknown" for name in nodes}
    lrm = {"mode": "active", "state": "active", "results": {}, "timestamp": now}
    return {
        "manager_status": {
            "master_node": nodes[0],
            "node_status": up,
            "service_status": _services(sim),
            "timestamp": now,
        },
        "lrm_status": dict.fromkeys(nodes, lrm),
        "quorum": {"node": nodes[0], "quorate": "1"},
    }
