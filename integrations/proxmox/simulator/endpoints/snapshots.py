"""Taking, reading, rolling back to and deleting snapshots."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from integrations.proxmox.simulator import settings, snapshots, switching, volumes
from integrations.proxmox.simulator.errors import WorkError
from integrations.proxmox.simulator.routes import VM, route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.tasks import Worker
from integrations.proxmox.simulator.world import Machine, Snapshot

SNAPSHOTS = f"{VM}/snapshot"
SNAPSHOT = f"{SNAPSHOTS}/{{snapname}}"
SNAPSHOT_S = 0.5
ROLLBACK_S = 1.0


@route("GET", SNAPSHOTS)
async def listing(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    return snapshots.listing(sim.machine(call.node, call.vmid))


@route("GET", SNAPSHOT)
async def parts(sim: Simulation, call: Call) -> list[dict[str, str]]:
    del sim, call
    return [{"cmd": "config"}, {"cmd": "rollback"}]


@route("GET", f"{SNAPSHOT}/config")
async def config(sim: Simulation, call: Call) -> dict[str, Any]:
    machine = sim.machine(call.node, call.vmid)
    return snapshots.view(snapshots.found(machine, call.params["snapname"]))


@route("PUT", f"{SNAPSHOT}/config")
async def describe(sim: Simulation, call: Call) -> None:
    async with sim.locks.machine(call.scope, call.node, call.vmid):
        machine = sim.machine(call.node, call.vmid)
        settings.check_lock(machine)
        snapshot = snapshots.found(machine, call.params["snapname"])
        if "description" in call.params:
            snapshot.description = call.params["description"]
        sim.touch()


@route("POST", SNAPSHOTS)
async def create(sim: Simulation, call: Call) -> str:
    """Check only that the machine is there: a name in use fails the task."""
    sim.machine(call.node, call.vmid)
    name = call.params["snapname"]
    if name.lower() in snapshots.RESERVED:
        raise WorkError(f"unable to use snapshot name '{name.lower()}' (reserved name)")
    return sim.spawn(call, "qmsnapshot", call.vmid, partial(_create, sim, call))


async def _create(sim: Simulation, call: Call, worker: Worker) -> None:
    name = call.params["snapname"]
    async with sim.locks.machine(worker, call.node, call.vmid):
        machine = sim.machine(call.node, call.vmid)
        snapshots.refuse(sim.world, machine, name)
        snapshot = Snapshot(
            name,
            int(sim.clock.now()),
            snapshots.kept(machine),
            parent=str(machine.config.get("parent", "")),
            description=call.params.get("description", ""),
        )
        machine.config["lock"] = "snapshot"
        sim.touch()
        worker.point("locked")
        try:
            await _commit(sim, worker, machine, snapshot, with_memory=call.flag("vmstate"))
        except (WorkError, asyncio.CancelledError):
            if not worker.is_killed:
                await _revoke(sim, worker, machine, snapshot)
            raise


async def _commit(
    sim: Simulation, worker: Worker, machine: Machine, snapshot: Snapshot, *, with_memory: bool
) -> None:
    if with_memory and machine.is_running:
        snapshot.vmstate = await snapshots.save_memory(sim, worker, machine, snapshot.name)
    for key, volume in snapshots.disks_of(sim.world, snapshot.config):
        worker.say(f"snapshotting 'drive-{key}' ({volume.volid})")
        await sim.clock.sleep(SNAPSHOT_S)
        worker.point("half")
    snapshots.add(sim.world, machine, snapshot)
    machine.config.pop("lock", None)
    sim.touch()


async def _revoke(sim: Simulation, worker: Worker, machine: Machine, snapshot: Snapshot) -> None:
    """Leave nothing of a snapshot that did not come to its end."""
    if snapshot.vmstate:
        await volumes.free(sim, worker, snapshot.vmstate)
    snapshots.forget(sim.world, machine, snapshot)
    machine.config.pop("lock", None)
    sim.touch()


@route("POST", f"{SNAPSHOT}/rollback")
async def rollback(sim: Simulation, call: Call) -> str:
    return sim.spawn(call, "qmrollback", call.vmid, partial(_rollback, sim, call))


async def _rollback(sim: Simulation, call: Call, worker: Worker) -> None:
    """Stop the machine, go back, and run again when the snapshot ran or when asked to.

    A failure half-way leaves `lock: rollback`: nobody can tell what the disks hold.
    """
    async with sim.locks.machine(worker, call.node, call.vmid):
        machine = sim.machine(call.node, call.vmid)
        snapshot = snapshots.found(machine, call.params["snapname"])
        snapshots.refuse_rollback(sim.world, machine, snapshot)
        settings.check_lock(machine)
        machine.config["lock"] = "rollback"
        if machine.is_running:
            switching.halt(sim, machine)
        sim.touch()
        worker.point("locked")
        for key, volume in snapshots.disks_of(sim.world, snapshot.config):
            worker.say(f"rolling back 'drive-{key}' ({volume.volid})")
            await sim.clock.sleep(ROLLBACK_S)
            worker.point("half")
        snapshots.restore(sim.world, machine, snapshot)
        machine.config.pop("lock", None)
        sim.touch()
        if snapshot.vmstate or call.flag("start"):
            await sim.clock.sleep(switching.BOOT_S)
            switching.boot(sim, machine)


@route("DELETE", SNAPSHOT)
async def delete(sim: Simulation, call: Call) -> str:
    return sim.spawn(call, "qmdelsnapshot", call.vmid, partial(_delete, sim, call))


async def _delete(sim: Simulation, call: Call, worker: Worker) -> None:
    async with sim.locks.machine(worker, call.node, call.vmid):
        machine = sim.machine(call.node, call.vmid)
        if machine.is_template:
            raise WorkError("you can't delete a snapshot if vm is a template")
        snapshot = snapshots.found(machine, call.params["snapname"])
        if not call.flag("force"):
            settings.check_lock(machine)
        machine.config["lock"] = "snapshot-delete"
        sim.touch()
        worker.point("locked")
        for key, volume in snapshots.disks_of(sim.world, snapshot.config):
            worker.say(f"delete snapshot '{snapshot.name}' of 'drive-{key}' ({volume.volid})")
            await sim.clock.sleep(SNAPSHOT_S)
            worker.point("half")
        if snapshot.vmstate:
            await volumes.free(sim, worker, snapshot.vmstate)
        snapshots.forget(sim.world, machine, snapshot)
        machine.config.pop("lock", None)
        sim.touch()
