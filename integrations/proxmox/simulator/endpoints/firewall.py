"""The firewall: kept and shown, for the cluster and for each machine; nothing is filtered."""

from __future__ import annotations

from typing import Any

from integrations.proxmox.simulator import documents
from integrations.proxmox.simulator.errors import WorkError
from integrations.proxmox.simulator.routes import VM, route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation

COLLECTION = "firewall"
CLUSTER = "/cluster/firewall"
MACHINE = f"{VM}/firewall"
_SKIPPED = {"node", "vmid", "pos", "name", "group", "moveto", "rename"}
Rules = list[dict[str, Any]]


def _kept(sim: Simulation, call: Call) -> dict[str, Any]:
    """Answer what is kept for the cluster or the machine of the path."""
    scope = "cluster"
    if "vmid" in call.params:
        scope = str(sim.machine(call.node, call.vmid).vmid)
    empty: dict[str, Any] = {"options": {}, "rules": [], "sets": {}, "aliases": {}, "groups": {}}
    return sim.world.collection(COLLECTION).setdefault(scope, empty)


def forget(sim: Simulation, vmid: int) -> None:
    sim.world.collection(COLLECTION).pop(str(vmid), None)


async def _options(sim: Simulation, call: Call) -> dict[str, Any]:
    return documents.shown(_kept(sim, call)["options"])


async def _change_options(sim: Simulation, call: Call) -> None:
    documents.change(_kept(sim, call)["options"], call.params, skipped=_SKIPPED)
    sim.touch()


async def _sets(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    found = _kept(sim, call)["sets"]
    return [documents.shown({"name": name, "comment": e["comment"]}) for name, e in found.items()]


async def _add_set(sim: Simulation, call: Call) -> None:
    sets, name = _kept(sim, call)["sets"], call.params["name"]
    if name in sets:
        raise WorkError(f"IPSet '{name}' already exists")
    sets[name] = {"comment": call.params.get("comment", ""), "entries": {}}
    sim.touch()


for _place in (CLUSTER, MACHINE):
    route("GET", f"{_place}/options")(_options)
    route("PUT", f"{_place}/options")(_change_options)
    route("GET", f"{_place}/ipset")(_sets)
    route("POST", f"{_place}/ipset")(_add_set)


def _set(sim: Simulation, call: Call) -> dict[str, Any]:
    name = call.params["name"]
    found: dict[str, Any] | None = _kept(sim, call)["sets"].get(name)
    if found is None:
        raise WorkError(f"no such IPSet '{name}'")
    return found


@route("GET", f"{MACHINE}/ipset/{{name}}")
async def entries(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    return [documents.shown(entry) for entry in _set(sim, call)["entries"].values()]


@route("POST", f"{MACHINE}/ipset/{{name}}")
async def add_entry(sim: Simulation, call: Call) -> None:
    known, cidr = _set(sim, call)["entries"], call.params["cidr"]
    if cidr in known:
        raise WorkError(f"address '{cidr}' already exists")
    known[cidr] = {"cidr": cidr}
    documents.change(known[cidr], call.params, skipped=_SKIPPED | {"cidr"})
    sim.touch()


@route("DELETE", f"{MACHINE}/ipset/{{name}}")
async def remove_set(sim: Simulation, call: Call) -> None:
    if _set(sim, call)["entries"] and not call.flag("force"):
        raise WorkError(f"IPSet '{call.params['name']}' is not empty")
    _kept(sim, call)["sets"].pop(call.params["name"])
    sim.touch()


@route("GET", f"{MACHINE}/refs")
async def references(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    kind, kept = call.params.get("type"), _kept(sim, call)
    rows = [("ipset", name, f"+guest/{name}") for name in kept["sets"]]
    rows += [("alias", name, f"guest/{name}") for name in kept["aliases"]]
    return [
        {"type": t, "name": name, "ref": ref, "scope": "guest"}
        for t, name, ref in rows
        if kind in (None, t)
    ]


@route("GET", f"{CLUSTER}/aliases")
async def aliases(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    return [documents.shown(entry) for entry in _kept(sim, call)["aliases"].values()]


@route("POST", f"{CLUSTER}/aliases")
async def add_alias(sim: Simulation, call: Call) -> None:
    known, name = _kept(sim, call)["aliases"], call.params["name"]
    if name in known:
        raise WorkError(f"alias '{name}' already exists")
    known[name] = {"name": name, "cidr": call.params["cidr"]}
    documents.change(known[name], call.params, skipped={"name", "cidr"})
    sim.touch()


@route("GET", f"{CLUSTER}/groups")
async def groups(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    found = _kept(sim, call)["groups"]
    return [documents.shown({"group": name, "comment": e["comment"]}) for name, e in found.items()]


@route("POST", f"{CLUSTER}/groups")
async def add_group(sim: Simulation, call: Call) -> None:
    known, name = _kept(sim, call)["groups"], call.params["group"]
    if name in known:
        raise WorkError(f"Security group '{name}' already exists")
    known[name] = {"comment": call.params.get("comment", ""), "rules": []}
    sim.touch()


def _rules(sim: Simulation, call: Call) -> Rules:
    """Answer the list the path is about: a group's, or the machine's."""
    kept = _kept(sim, call)
    if "group" not in call.params:
        found: Rules = kept["rules"]
        return found
    name = call.params["group"]
    if name not in kept["groups"]:
        raise WorkError(f"no such security group '{name}'")
    listed: Rules = kept["groups"][name]["rules"]
    return listed


async def _list_rules(sim: Simulation, call: Call) -> Rules:
    return [documents.shown({**rule, "pos": n}) for n, rule in enumerate(_rules(sim, call))]


async def _add_rule(sim: Simulation, call: Call) -> None:
    """A new rule comes first, unless its place is named."""
    rule: dict[str, Any] = {"enable": 0}
    documents.change(rule, call.params, skipped=_SKIPPED)
    _rules(sim, call).insert(call.params.get("pos", 0), rule)
    sim.touch()


for _path in (f"{CLUSTER}/groups/{{group}}", f"{MACHINE}/rules"):
    route("GET", _path)(_list_rules)
    route("POST", _path)(_add_rule)


@route("DELETE", f"{CLUSTER}/groups/{{group}}")
async def remove_group(sim: Simulation, call: Call) -> None:
    if _rules(sim, call):
        raise WorkError(f"Security group '{call.params['group']}' is not empty")
    _kept(sim, call)["groups"].pop(call.params["group"])
    sim.touch()


def _at(sim: Simulation, call: Call) -> tuple[Rules, int]:
    rules, position = _rules(sim, call), int(call.params["pos"])
    if position >= len(rules):
        raise WorkError(f"no rule at position {position}")
    return rules, position


@route("GET", f"{MACHINE}/rules/{{pos}}")
async def rule(sim: Simulation, call: Call) -> dict[str, Any]:
    rules, position = _at(sim, call)
    return documents.shown({**rules[position], "pos": position})


@route("PUT", f"{MACHINE}/rules/{{pos}}")
async def change_rule(sim: Simulation, call: Call) -> None:
    rules, position = _at(sim, call)
    if "moveto" in call.params:
        rules.insert(call.params["moveto"], rules.pop(position))
    else:
        documents.change(rules[position], call.params, skipped=_SKIPPED)
    sim.touch()


@route("DELETE", f"{MACHINE}/rules/{{pos}}")
async def remove_rule(sim: Simulation, call: Call) -> None:
    rules, position = _at(sim, call)
    rules.pop(position)
    sim.touch()
