"""The rows in which nodes, storages and machines are shown."""

from __future__ import annotations

from typing import Any

from integrations.proxmox.simulator import drives, ha, schema, volumes
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.world import GIB, MIB, Machine, Node, Storage

OVERHEAD = 2 * GIB


def memory_of(machine: Machine) -> int:
    return int(schema.parsed("memory", str(machine.config.get("memory", "512")))["current"]) * MIB


def cpus_of(machine: Machine) -> int:
    config = machine.config
    return int(config.get("vcpus") or int(config.get("cores", 1)) * int(config.get("sockets", 1)))


def disk_of(sim: Simulation, machine: Machine) -> int:
    """Answer the size of the boot disk."""
    for value in drives.of(machine).values():
        volume = sim.world.volumes.get(drives.volume_of(value))
        if volume and "media=cdrom" not in value:
            return volume.size
    return 0


def load_of(machine: Machine) -> float:
    """Make up a figure, the same for the same machine at the same age."""
    return round(0.01 + machine.vmid % 17 / 100, 4) if machine.is_running else 0


def uptime_of(sim: Simulation, machine: Machine) -> int:
    return int(sim.clock.now() - machine.started) if machine.is_running else 0


def _figures(sim: Simulation, machine: Machine) -> dict[str, Any]:
    memory, is_up = memory_of(machine), machine.is_running
    age_s = uptime_of(sim, machine)
    return {
        "cpu": load_of(machine),
        "mem": memory * (30 + machine.vmid % 40) // 100 if is_up else 0,
        "maxmem": memory,
        "disk": 0,
        "maxdisk": disk_of(sim, machine),
        "uptime": age_s,
        "netin": age_s * 1500,
        "netout": age_s * 900,
        "diskread": age_s * 4096,
        "diskwrite": age_s * 2048,
    }


def machine_resource(sim: Simulation, machine: Machine) -> dict[str, Any]:
    """Answer the cluster-wide row: tags and lock at once, name and state with a delay."""
    row: dict[str, Any] = {
        "id": f"qemu/{machine.vmid}",
        "type": "qemu",
        "vmid": machine.vmid,
        "node": machine.node,
        "status": "unknown",
    }
    for key in ("tags", "lock"):
        if value := machine.config.get(key):
            row[key] = value
    if pool := sim.world.pool_of(machine.vmid):
        row["pool"] = pool
    if ha.is_managed(sim.world, machine.vmid):
        row["hastate"] = ha.status(sim.world, machine.vmid)["state"]
    if machine.observed and sim.is_up(machine.node):
        row |= {**_figures(sim, machine), "maxcpu": cpus_of(machine), "template": 0}
        row |= machine.observed
    return row


def listed_machine(sim: Simulation, machine: Machine) -> dict[str, Any]:
    """Answer the row of the node's own list, always fresh."""
    figures = _figures(sim, machine)
    row: dict[str, Any] = {
        **{key: figures[key] for key in ("cpu", "mem", "maxmem", "disk", "maxdisk")},
        **{key: figures[key] for key in ("uptime", "netin", "netout")},
        "vmid": machine.vmid,
        "status": machine.status,
        "cpus": cpus_of(machine),
        "memhost": figures["mem"],
    }
    for key in ("name", "tags", "lock"):
        if value := machine.config.get(key):
            row[key] = value
    if "serial0" in machine.config:
        row["serial"] = 1
    if machine.is_running:
        row["pid"] = machine.pid
    return {**row, "template": 1} if machine.is_template else row


def qmp_status(machine: Machine) -> str:
    return "paused" if machine.is_paused and machine.is_running else machine.status


def current(sim: Simulation, machine: Machine) -> dict[str, Any]:
    """`status/current`."""
    row = listed_machine(sim, machine)
    row |= {"ha": ha.status(sim.world, machine.vmid), "qmpstatus": qmp_status(machine)}
    if agent_enabled(machine):
        row["agent"] = 1
    if machine.is_running:
        memory = memory_of(machine)
        pressures = ("cpufull", "cpusome", "iofull", "iosome", "memoryfull", "memorysome")
        row |= {
            "balloon": memory,
            "ballooninfo": {"actual": memory, "max_mem": memory, "last_update": 0},
            "running-machine": "pc-i440fx-10.1+pve0",
            "running-qemu": "10.1.2",
            "diskread": uptime_of(sim, machine) * 4096,
            "diskwrite": uptime_of(sim, machine) * 2048,
            "proxmox-support": {},
            **{f"pressure{name}": 0 for name in pressures},
        }
    return row


def agent_enabled(machine: Machine) -> bool:
    enabled = schema.parsed("agent", str(machine.config.get("agent", "0"))).get("enabled", "0")
    return enabled.lower() in ("1", "on", "yes", "true")


def _running(sim: Simulation, node: Node) -> list[Machine]:
    return [m for m in sim.world.machines.values() if m.node == node.name and m.is_running]


def node_memory(sim: Simulation, node: Node) -> int:
    return OVERHEAD + sum(memory_of(machine) for machine in _running(sim, node)) // 2


def node_cpu(sim: Simulation, node: Node) -> float:
    return round(sum(load_of(m) * cpus_of(m) for m in _running(sim, node)) / node.cpus, 4)


def node_resource(sim: Simulation, node: Node) -> dict[str, Any]:
    row: dict[str, Any] = {"id": f"node/{node.name}", "type": "node", "node": node.name}
    if not sim.is_up(node.name):
        return {**row, "status": "offline"}
    if not node.observed:
        return {**row, "status": "unknown"}
    return {
        **row,
        "status": "online",
        "level": "",
        "cpu": node_cpu(sim, node),
        "maxcpu": node.cpus,
        "mem": node_memory(sim, node),
        "maxmem": node.memory,
        "disk": 32 * GIB,
        "maxdisk": 252 * GIB,
        "uptime": int(sim.clock.now() - node.started),
    }


def storage_status(sim: Simulation, storage: Storage, node: str) -> dict[str, Any]:
    used = volumes.used(sim.world, storage, node)
    is_active = not storage.is_offline
    return {
        "type": storage.kind,
        "content": storage.content,
        "shared": int(storage.shared),
        "enabled": 1,
        "active": int(is_active),
        "total": storage.total,
        "used": used,
        "avail": 0 if storage.is_full else max(storage.total - used, 0),
    }


def storage_resource(sim: Simulation, storage: Storage, node: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": f"storage/{node}/{storage.name}",
        "type": "storage",
        "node": node,
        "storage": storage.name,
        "plugintype": storage.kind,
        "content": storage.content,
        "shared": int(storage.shared),
        "status": "unknown",
    }
    if sim.is_up(node) and sim.world.nodes[node].observed:
        used = volumes.used(sim.world, storage, node)
        row |= {"status": "available", "disk": used, "maxdisk": storage.total}
    return row
