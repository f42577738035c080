"""Backing up: one task for any number of machines, one job at a time on a node."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

from integrations.proxmox.simulator import (
    access,
    backups,
    settings,
    snapshots,
    switching,
    views,
    volumes,
)
from integrations.proxmox.simulator.endpoints import agent
from integrations.proxmox.simulator.errors import WorkError, invalid
from integrations.proxmox.simulator.routes import NODE, route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.tasks import Worker
from integrations.proxmox.simulator.world import GIB, Machine, Storage, Volume

_ROOT_ONLY = ("dumpdir", "job-id", "script", "tmpdir")
_SECONDS_PER_MINUTE = 60.0
_LOCKWAIT_MIN = 180
PROGRESS = (10, 50, 100)


@dataclass(frozen=True, slots=True)
class Job:
    """What one call of vzdump asked for, checked."""

    vmids: list[int]
    storage: Storage
    params: dict[str, Any]

    @property
    def compress(self) -> str:
        return str(self.params.get("compress", "0"))

    @property
    def mode(self) -> str:
        return str(self.params.get("mode", "snapshot"))


@route("POST", f"{NODE}/vzdump")
async def vzdump(sim: Simulation, call: Call) -> str:
    """Answer `OK` instead of a task when all the machines are on other nodes."""
    job = _planned(sim, call)
    if not job.vmids and not call.flag("all"):
        return "OK"
    about = str(job.vmids[0]) if len(job.vmids) == 1 else ""
    return sim.spawn(call, "vzdump", about, partial(_run, sim, call, job))


def _planned(sim: Simulation, call: Call) -> Job:
    params = call.params
    refused = {key: "Only root may set this option." for key in _ROOT_ONLY if key in params}
    if refused and not call.identity.is_root:
        raise invalid(**{key.replace("-", "__"): words for key, words in refused.items()})
    for name in ("all", "exclude", "pool"):
        if params.get(name) and "vmid" in params:
            raise invalid(**{name: "option conflicts with option 'vmid'"})
    if not any(params.get(name) for name in ("all", "exclude", "pool", "vmid", "stop")):
        raise invalid(vmid="property is missing")
    name = str(params.get("storage", "local"))
    access.require(sim.world, call.identity, f"/storage/{name}", "Datastore.AllocateSpace")
    if "prune-backups" in params:
        access.require(sim.world, call.identity, f"/storage/{name}", "Datastore.Allocate")
        backups.retention(params["prune-backups"])
    storage = volumes.storage_named(sim.world, name, call.node)
    if "backup" not in storage.content.split(","):
        words = f"can't use storage '{name}' for backups - wrong content type"
        raise WorkError(f"could not get storage information for '{name}': {words}")
    return Job(_included(sim, call), storage, params)


def numbers(text: str) -> list[int]:
    return [int(part) for part in re.split(r"[,;\s\0]+", text) if part]


def _included(sim: Simulation, call: Call) -> list[int]:
    """Answer the machines of this node; an unknown one is looked for, and missed, by the task."""
    world, params = sim.world, call.params
    if "vmid" in params:
        asked = numbers(params["vmid"])
        return [v for v in asked if v not in world.machines or _is_here(sim, call, v)]
    spared = set(numbers(params.get("exclude", "")))
    pool = world.pools.get(params["pool"], []) if "pool" in params else list(world.machines)
    wanted = [v for v in sorted(pool) if v not in spared and _is_here(sim, call, v)]
    return [v for v in wanted if access.has(world, call.identity, f"/vms/{v}", "VM.Backup")]


def _is_here(sim: Simulation, call: Call, vmid: int) -> bool:
    machine = sim.world.machines.get(vmid)
    return machine is not None and machine.node == call.node


async def _run(sim: Simulation, call: Call, job: Job, worker: Worker) -> None:
    options = ("storage", "mode", "compress", "remove", "protected", "notes-template")
    spelled = [f"--{name} {call.params[name]}" for name in options if name in call.params]
    names = " ".join(str(vmid) for vmid in job.vmids)
    wait_s = call.params.get("lockwait", _LOCKWAIT_MIN) * _SECONDS_PER_MINUTE
    async with sim.locks.backup(worker, call.node, wait_s=wait_s):
        worker.point("locked")
        worker.say(f"INFO: starting new backup job: vzdump {names} {' '.join(spelled)}".rstrip())
        failed = 0
        for vmid in job.vmids:
            if not access.has(sim.world, call.identity, f"/vms/{vmid}", "VM.Backup"):
                raise WorkError(f"403 Permission check failed (/vms/{vmid}, VM.Backup)")
        for vmid in job.vmids:
            failed += not await _one(sim, call, job, worker, vmid)
        if failed:
            worker.say("INFO: Backup job finished with errors")
            raise WorkError("job errors")
        worker.say("INFO: Backup job finished successfully")


def _stamp(now: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))


async def _one(sim: Simulation, call: Call, job: Job, worker: Worker, vmid: int) -> bool:
    """Back up one machine; its failure does not keep the others from theirs."""
    started = sim.clock.now()
    worker.say(f"INFO: Starting Backup of VM {vmid} (qemu)")
    worker.say(f"INFO: Backup started at {_stamp(started)}")
    try:
        await _save(sim, call, job, worker, vmid)
    except WorkError as error:
        worker.say(f"ERROR: Backup of VM {vmid} failed - {error}")
        worker.say(f"INFO: Failed at {_stamp(sim.clock.now())}")
        return False
    lasted = time.strftime("%H:%M:%S", time.gmtime(sim.clock.elapsed_s(started)))
    worker.say(f"INFO: Finished Backup of VM {vmid} ({lasted})")
    worker.say(f"INFO: Backup finished at {_stamp(sim.clock.now())}")
    return True


async def _save(sim: Simulation, call: Call, job: Job, worker: Worker, vmid: int) -> None:
    if vmid not in sim.world.machines:
        raise WorkError(f"unable to find VM '{vmid}'")
    async with sim.locks.machine(worker, call.node, vmid):
        machine = sim.machine(call.node, vmid)
        settings.check_lock(machine)
        machine.config["lock"] = "backup"
        sim.touch()
    volume = backups.begun(sim.world, job.storage, machine, sim.clock.now(), job.compress)
    was_running = machine.is_running
    try:
        await _archive(sim, job, worker, machine, volume)
    except (WorkError, asyncio.CancelledError):
        if not worker.is_killed:
            sim.world.volumes.pop(volume.volid, None)
            _release(sim, machine, was_running=was_running)
        raise
    _release(sim, machine, was_running=was_running)
    await _prune(sim, job, worker, machine)


def _release(sim: Simulation, machine: Machine, *, was_running: bool) -> None:
    machine.config.pop("lock", None)
    if was_running and not machine.is_running:
        switching.boot(sim, machine)
    sim.touch()


async def _archive(
    sim: Simulation, job: Job, worker: Worker, machine: Machine, volume: Volume
) -> None:
    """The bytes are those of the moment in which the copy begins."""
    worker.say(f"INFO: status = {machine.status}")
    worker.say(f"INFO: VM Name: {machine.name}")
    for key, disk in snapshots.disks_of(sim.world, machine.config):
        size = volumes.text_of(disk.size)
        worker.say(f"INFO: include disk '{key}' '{disk.volid}' {size}")
    worker.say(f"INFO: backup mode: {job.mode}")
    worker.say(f"INFO: creating vzdump archive '{volumes.path_of(job.storage, volume.volid)}'")
    if not machine.is_running:
        worker.say("INFO: starting kvm to execute backup task")
    elif job.mode == "stop":
        worker.say("INFO: stopping virtual guest")
        await sim.clock.sleep(switching.STOP_S)
        switching.halt(sim, machine)
    elif job.mode == "snapshot" and views.agent_enabled(machine):
        if agent.is_agent_up(sim, machine):
            worker.say("INFO: issuing guest-agent 'fs-freeze' command")
            worker.say("INFO: issuing guest-agent 'fs-thaw' command")
        else:
            worker.say("INFO: skipping guest-agent 'fs-freeze', agent configured but not running?")
    backups.fill(sim.world, machine, volume, compress=job.compress)
    volumes.refuse_full(sim, worker, job.storage, machine.node, volume.size)
    sim.world.volumes[volume.volid] = volume
    sim.touch()
    whole = sum(disk["size"] for disk in volume.archive["disks"].values())
    await _transfer(sim, job.storage, worker, whole)
    worker.say(f"INFO: archive file size: {volume.size / GIB:.2f}GB")
    if template := job.params.get("notes-template"):
        worker.say("INFO: adding notes to backup")
        volume.notes = backups.note(template, cluster=sim.world.name, machine=machine)
    if job.params.get("protected"):
        worker.say("INFO: marking backup as protected")
        volume.is_protected = True


async def _transfer(sim: Simulation, storage: Storage, worker: Worker, size: int) -> None:
    duration_s, done = backups.copy_s(storage, size), 0
    for percent in PROGRESS:
        await sim.clock.sleep(duration_s * (percent - done) / 100)
        gib = size * percent / 100 / GIB
        worker.say(f"INFO: {percent:>3}% ({gib:.1f} GiB of {size / GIB:.1f} GiB)")
        worker.point("half")
        done = percent


async def _prune(sim: Simulation, job: Job, worker: Worker, machine: Machine) -> None:
    """Remove what the retention no longer covers, unless told to keep."""
    wanted = job.params.get("prune-backups")
    if not job.params.get("remove", 1) or not wanted:
        return
    keep = backups.retention(wanted)
    spelled = ", ".join(f"{key}={value}" for key, value in sorted(keep.items()))
    worker.say(f"INFO: prune older backups with retention: {spelled}")
    rows = backups.marked(backups.of(sim.world, job.storage.name, machine.vmid), keep)
    doomed = [volume for volume, mark in rows if mark == "remove"]
    for volume in doomed:
        worker.say(f"INFO: removing backup '{volume.volid}'")
        await volumes.free(sim, worker, volume.volid)
    if doomed:
        worker.say(f"INFO: pruned {len(doomed)} backup(s) not covered by keep-retention policy")


@route("GET", f"{NODE}/vzdump/defaults")
async def defaults(sim: Simulation, call: Call) -> dict[str, Any]:
    del sim, call
    return {"mode": "snapshot", "compress": "zstd", "remove": 1, "lockwait": _LOCKWAIT_MIN}


@route("GET", f"{NODE}/vzdump/extractconfig")
async def extract(sim: Simulation, call: Call) -> str:
    volume = backups.found(sim.world, call.params["volume"])
    access.require(sim.world, call.identity, f"/vms/{volume.vmid}", "VM.Backup")
    path = f"/storage/{volume.storage}"
    access.require(sim.world, call.identity, path, "Datastore.AllocateSpace")
    return backups.text(volume.archive)
