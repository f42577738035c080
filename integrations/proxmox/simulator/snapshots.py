"""Snapshots: what they keep of configuration, bytes and memory, and who hangs on whom."""

from __future__ import annotations

from typing import Any

from integrations.proxmox.simulator import drives, settings, views, volumes
from integrations.proxmox.simulator.errors import WorkError
from integrations.proxmox.simulator.scope import Scope
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.world import MIB, Machine, Snapshot, Volume, World

RESERVED = ("current", "pending")
_NOT_KEPT = ("lock", "parent", "digest", "template", "description")
_MEMORY_OVERHEAD = 500 * MIB


def disks_of(world: World, config: dict[str, Any]) -> list[tuple[str, Volume]]:
    """Answer the drives with data, with their volumes; what is lost is left out."""
    found = (
        (key, world.volumes.get(drives.volume_of(value)))
        for key, value in drives.disks(config).items()
    )
    return [(key, volume) for key, volume in found if volume is not None]


def found(machine: Machine, name: str) -> Snapshot:
    """Raise WorkError when there is none of that name."""
    if name not in machine.snapshots:
        raise WorkError(f"snapshot '{name}' does not exist")
    return machine.snapshots[name]


def refuse(world: World, machine: Machine, name: str) -> None:
    """Raise WorkError for what no snapshot can be made of."""
    if machine.is_template:
        raise WorkError("you can't take a snapshot if it's a template")
    settings.check_lock(machine)
    if name in machine.snapshots:
        raise WorkError(f"snapshot name '{name}' already used")
    disks = disks_of(world, machine.config)
    if not all(volumes.has_feature(world, volume, "snapshot") for _, volume in disks):
        raise WorkError("snapshot feature is not available")


def kept(machine: Machine) -> dict[str, Any]:
    """The options, without the description and the unused disks: no rollback changes those."""
    return {key: value for key, value in machine.config.items() if _is_kept(key)}


def _is_kept(key: str) -> bool:
    return key not in _NOT_KEPT and not key.startswith("unused")


def add(world: World, machine: Machine, snapshot: Snapshot) -> None:
    """Put the finished snapshot under the current state."""
    for _, volume in disks_of(world, snapshot.config):
        volume.marks[snapshot.name] = volume.fingerprint
    machine.snapshots[snapshot.name] = snapshot
    machine.config["parent"] = snapshot.name


async def save_memory(sim: Simulation, scope: Scope, machine: Machine, name: str) -> str:
    """Write the memory of a running machine to a volume of its own, and answer its name."""
    disks = disks_of(sim.world, machine.config)
    if disks:
        storage = sim.world.storages[disks[0][1].storage]
    else:
        able = (s for s in sim.world.storages.values() if "images" in s.content)
        storage = next(s for s in able if machine.node in s.nodes)
    scope.say(f"saving VM state and RAM using storage '{storage.name}'")
    volume = await volumes.allocate(
        sim,
        scope,
        storage=storage,
        node=machine.node,
        vmid=machine.vmid,
        size=2 * views.memory_of(machine) + _MEMORY_OVERHEAD,
        name=f"vm-{machine.vmid}-state-{name}",
        suffix="raw",
    )
    scope.say("completed saving the VM state in 1s")
    return volume.volid


def refuse_rollback(world: World, machine: Machine, snapshot: Snapshot) -> None:
    """Raise WorkError where the storage only goes back to the latest, or the machine cannot."""
    if machine.is_template:
        raise WorkError("you can't rollback if vm is a template")
    for _, volume in disks_of(world, snapshot.config):
        is_ordered = world.storages[volume.storage].kind == "zfspool"
        if is_ordered and list(volume.marks)[-1:] != [snapshot.name]:
            words = f"'{snapshot.name}' is not most recent snapshot on '{volume.volid}'"
            raise WorkError(f"can't rollback, {words}")


def restore(world: World, machine: Machine, snapshot: Snapshot) -> None:
    """Bring back configuration and bytes; a disk that came later is gone from sight."""
    stays = {
        key: value
        for key, value in machine.config.items()
        if key == "description" or key.startswith("unused")
    }
    machine.config = {**stays, **snapshot.config, "lock": "rollback", "parent": snapshot.name}
    machine.pending.clear()
    for _, volume in disks_of(world, snapshot.config):
        if snapshot.name in volume.marks:
            volume.fingerprint = volume.marks[snapshot.name]


def forget(world: World, machine: Machine, snapshot: Snapshot) -> None:
    """Take a snapshot out of the chain: its children hang on its parent now."""
    machine.snapshots.pop(snapshot.name, None)
    for other in machine.snapshots.values():
        if other.parent == snapshot.name:
            other.parent = snapshot.parent
    if machine.config.get("parent") == snapshot.name:
        machine.config.pop("parent")
        if snapshot.parent:
            machine.config["parent"] = snapshot.parent
    for volume in world.machine_volumes(machine.vmid):
        volume.marks.pop(snapshot.name, None)


def view(snapshot: Snapshot) -> dict[str, Any]:
    """Answer the section of the configuration file."""
    extra: dict[str, Any] = {"snaptime": snapshot.created}
    if snapshot.parent:
        extra["parent"] = snapshot.parent
    if snapshot.description:
        extra["description"] = snapshot.description
    if snapshot.vmstate:
        extra |= {"vmstate": snapshot.vmstate, "runningmachine": "pc-i440fx-10.1+pve0"}
    return {**settings.shown(snapshot.config), **extra}


def listing(machine: Machine) -> list[dict[str, Any]]:
    """Answer all of them and, always, the current state."""
    rows: list[dict[str, Any]] = []
    for snapshot in machine.snapshots.values():
        row: dict[str, Any] = {
            "name": snapshot.name,
            "snaptime": snapshot.created,
            "description": snapshot.description,
            "vmstate": int(bool(snapshot.vmstate)),
        }
        rows.append({**row, "parent": snapshot.parent} if snapshot.parent else row)
    current: dict[str, Any] = {
        "name": "current",
        "description": "You are here!",
        "digest": settings.digest(machine),
        "running": int(machine.is_running),
    }
    if parent := machine.config.get("parent"):
        current["parent"] = parent
    return [*rows, current]
