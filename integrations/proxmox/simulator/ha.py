"""High availability: a wish is noted at once, and the manager acts on it in its own time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from integrations.proxmox.simulator import settings, switching
from integrations.proxmox.simulator.errors import WorkError
from integrations.proxmox.simulator.tasks import Body, Worker
from integrations.proxmox.simulator.world import Machine, World

if TYPE_CHECKING:
    from integrations.proxmox.simulator.simulation import Simulation

CRM_S = 10.0
LATE_S = 60.0
MIGRATE_S = 2.0
RESOURCES = "ha-resources"
SERVICES = "ha-services"
RULES = "ha-rules"
_WISHES = {"start": "started", "stop": "stopped"}


def sid_of(vmid: int) -> str:
    return f"vm:{vmid}"


def vmid_of(sid: str) -> int:
    return int(sid.removeprefix("vm:"))


def is_managed(world: World, vmid: int) -> bool:
    """A resource whose state is `ignored` is left to itself."""
    found = world.collection(RESOURCES).get(sid_of(vmid))
    return found is not None and found["state"] != "ignored"


def status(world: World, vmid: int) -> dict[str, Any]:
    """Answer what `status/current` says under `ha`."""
    if not is_managed(world, vmid):
        return {"managed": 0}
    service = world.collection(SERVICES).get(sid_of(vmid), {})
    return {"managed": 1, "state": service.get("state", "queued")}


def resource(world: World, sid: str) -> dict[str, Any]:
    """Raise WorkError when nothing of that name is managed."""
    found = world.collection(RESOURCES).get(sid)
    if found is None:
        raise WorkError(f"no such resource '{sid}'")
    return found


def remove(world: World, sid: str) -> None:
    world.collection(RESOURCES).pop(sid, None)
    world.collection(SERVICES).pop(sid, None)


def want(sim: Simulation, sid: str, state: str) -> None:
    """Note the wish; the manager sees it in its next round."""
    resource(sim.world, sid)["state"] = state
    sim.world.collection(SERVICES).setdefault(sid, {"state": "queued"})
    sim.touch()
    sim.background(_act(sim, sid))


def request(sim: Simulation, vmid: int, verb: str) -> Body:
    """Answer the body of a task that ends as soon as the wish is noted."""

    async def body(worker: Worker) -> None:
        worker.say(f"Requesting HA {verb} for VM {vmid}")
        want(sim, sid_of(vmid), _WISHES[verb])

    return body


def request_move(sim: Simulation, vmid: int, target: str) -> Body:
    async def body(worker: Worker) -> None:
        worker.say(f"Requesting HA migration for VM {vmid} to node {target}")
        move(sim, sid_of(vmid), target)

    return body


def move(sim: Simulation, sid: str, target: str) -> None:
    resource(sim.world, sid)
    sim.world.collection(SERVICES).setdefault(sid, {"state": "queued"})["target"] = target
    sim.touch()
    sim.background(_act(sim, sid))


def resume(sim: Simulation) -> None:
    """Take up, after a restart, what was asked for before it."""
    for sid in sim.world.collection(RESOURCES):
        sim.background(_act(sim, sid))


async def _act(sim: Simulation, sid: str) -> None:
    """One round of the manager for one service."""
    late = sim.faults.take("ha_delay", {"vmid": vmid_of(sid)})
    await sim.clock.sleep(float(late.param("delay_s", LATE_S)) if late else CRM_S)
    wanted = sim.world.collection(RESOURCES).get(sid)
    machine = sim.world.machines.get(vmid_of(sid))
    if wanted is None or machine is None or wanted["state"] == "ignored":
        return
    service = sim.world.collection(SERVICES).setdefault(sid, {"state": "queued"})
    if "lock" in machine.config:
        service["state"] = "error"
    else:
        await _settle(sim, machine, service, is_wanted=wanted["state"] in ("started", "enabled"))
    sim.touch()


async def _settle(
    sim: Simulation, machine: Machine, service: dict[str, Any], *, is_wanted: bool
) -> None:
    target = service.pop("target", "")
    if target and target != machine.node:
        service["state"] = "migrate" if machine.is_running else "relocate"
        await sim.clock.sleep(MIGRATE_S)
        machine.node = target
    if is_wanted and not machine.is_running:
        settings.apply_pending(machine)
        await sim.clock.sleep(switching.BOOT_S)
        switching.boot(sim, machine)
    elif not is_wanted and machine.is_running:
        service["state"] = "request_stop"
        await sim.clock.sleep(switching.STOP_S)
        switching.halt(sim, machine)
    service["state"] = "started" if is_wanted else "stopped"
