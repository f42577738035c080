"""Reading and changing the configuration of a machine."""

from __future__ import annotations

import re
from typing import Any

from integrations.proxmox.simulator import drives, schema, settings, snapshots
from integrations.proxmox.simulator.errors import WorkError, invalid
from integrations.proxmox.simulator.routes import VM, route
from integrations.proxmox.simulator.scope import Call, Scope
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.tasks import Worker
from integrations.proxmox.simulator.world import Machine

_NOT_OPTIONS = {
    "node", "vmid", "digest", "delete", "revert", "force", "skiplock", "background_delay",
    "import-working-storage",
}  # fmt: skip
_UNSPOKEN = {"node", "vmid", "digest", "background_delay", "import-working-storage"}
CONFIG = f"{VM}/config"
HANDOVER_S = 0.05


@route("GET", CONFIG)
async def config(sim: Simulation, call: Call) -> dict[str, Any]:
    machine = sim.machine(call.node, call.vmid)
    if name := call.params.get("snapshot"):
        return snapshots.view(snapshots.found(machine, name))
    return settings.view(machine, current=call.flag("current"))


@route("GET", f"{VM}/pending")
async def pending(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    return settings.pending_view(sim.machine(call.node, call.vmid))


@route("PUT", CONFIG)
async def change(sim: Simulation, call: Call) -> None:
    """Apply at once: slow storage makes a slow answer, and the proxy may cut it."""
    values = _checked(sim, call)
    await _apply(sim, call, values, call.scope)


@route("POST", CONFIG)
async def change_later(sim: Simulation, call: Call) -> str | None:
    """Start a task; with `background_delay` a quick one is waited for and answers null."""
    values = _checked(sim, call)

    async def body(worker: Worker) -> None:
        await _apply(sim, call, values, worker)

    upid = sim.spawn(call, "qmconfig", call.vmid, body)
    waited_s = 0.0
    while waited_s < call.params.get("background_delay", 0):
        await sim.clock.sleep(HANDOVER_S)
        waited_s += HANDOVER_S
        task = sim.world.tasks[upid]
        if task.status == "stopped":
            if task.exitstatus != "OK":
                raise WorkError(task.exitstatus)
            return None
    return upid


def _names(text: str) -> list[str]:
    return [name for name in re.split(r"[,;\s\0]+", text) if name]


def _checked(sim: Simulation, call: Call) -> dict[str, Any]:
    """Everything that is refused before the lock is asked for; removals are None.

    Raises ApiError and WorkError.
    """
    values = {key: value for key, value in call.params.items() if key not in _NOT_OPTIONS}
    removals = _names(call.params.get("delete", ""))
    known = schema.parameters(CONFIG, "PUT")
    for name in removals:
        if name in values:
            words = f"you can't use '-{name}' and -delete {name}' at the same time"
            raise invalid(delete=words)
        if name not in known or name in _NOT_OPTIONS:
            raise invalid(delete=f"unknown option '{name}'")
    reverts = _names(call.params.get("revert", ""))
    if not (values or removals or reverts):
        raise WorkError("no options specified")
    asked = {**values, **dict.fromkeys([*removals, *reverts], "")}
    settings.authorise(sim.world, call.identity, f"/vms/{call.vmid}", asked)
    drives.check(sim, call.identity, call.node, values, vmid=call.vmid)
    machine = sim.machine(call.node, call.vmid)
    if "tags" in asked:
        settings.authorise_tags(sim.world, call.identity, machine, str(asked["tags"]))
    settings.check_lock(machine)
    return {**values, **dict.fromkeys(removals)}


async def _apply(sim: Simulation, call: Call, values: dict[str, Any], scope: Scope) -> None:
    async with sim.locks.machine(scope, call.node, call.vmid):
        machine = sim.machine(call.node, call.vmid)
        settings.check_digest(machine, call.params.get("digest", ""))
        settings.check_lock(machine)
        if isinstance(scope, Worker):
            scope.say(f"update VM {call.vmid}: {_spoken(call.params)}")
            scope.point("locked")
        _refuse_bad_boot(machine, values)
        for name in _names(call.params.get("revert", "")):
            machine.pending.pop(name, None)
        for key, value in sorted(values.items()):
            await _change_one(sim, call, machine, scope, key=key, value=value)
            sim.touch()
        sim.touch()


def _spoken(params: dict[str, Any]) -> str:
    """Answer the options of a change as the log of its task begins."""
    shown = {**params, **({"cipassword": "<hidden>"} if "cipassword" in params else {})}
    return " ".join(f"-{key} {shown[key]}" for key in sorted(shown) if key not in _UNSPOKEN)


def _refuse_bad_boot(machine: Machine, values: dict[str, Any]) -> None:
    if values.get("boot"):
        merged = {**machine.config, **values}
        settings.check_boot({key: value for key, value in merged.items() if value is not None})


async def _change_one(
    sim: Simulation, call: Call, machine: Machine, scope: Scope, *, key: str, value: Any
) -> None:
    is_disk = bool(settings.DRIVE.fullmatch(key) or key.startswith("unused"))
    if value is None and is_disk:
        await drives.detach(sim, scope, machine, key, force=call.flag("force"))
    elif value is None:
        settings.put(machine, key, None)
    elif is_disk:
        await _attach(sim, scope, machine, key, str(value))
    else:
        settings.put(machine, key, settings.stored(key, value))


async def _attach(sim: Simulation, scope: Scope, machine: Machine, key: str, value: str) -> None:
    """Put a new volume in the place of what was there, which then is unused."""
    previous = drives.volume_of(str(machine.config.get(key, "")))
    written = await drives.realise(
        sim, scope, node=machine.node, vmid=machine.vmid, key=key, value=value
    )
    chosen = drives.volume_of(written)
    if ":" in previous and previous != chosen:
        await drives.detach(sim, scope, machine, key, force=False)
    settings.put(machine, key, written)
    for name in [k for k, v in machine.config.items() if k.startswith("unused") and v == chosen]:
        del machine.config[name]
