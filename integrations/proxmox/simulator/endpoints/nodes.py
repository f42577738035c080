"""Nodes, their storages and their bridges."""

from __future__ import annotations

from typing import Any

from integrations.proxmox.simulator import access, views, volumes
from integrations.proxmox.simulator.routes import NODE, route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.world import GIB

ROOTFS = 252 * GIB


@route("GET", "/nodes")
async def nodes(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    del call
    return [
        {**views.node_resource(sim, node), "ssl_fingerprint": sim.fingerprint}
        for node in sim.world.nodes.values()
    ]


@route("GET", "/nodes/{node}/status")
async def status(sim: Simulation, call: Call) -> dict[str, Any]:
    node = sim.node(call.node)
    memory = views.node_memory(sim, node)
    kernel = "6.17.4-2-pve"
    free = node.memory - memory
    return {
        "pveversion": "pve-manager/9.2.11/14a22df35955d97d",
        "kversion": f"Linux {kernel} #1 SMP PREEMPT_DYNAMIC @0",
        "current-kernel": {
            "sysname": "Linux",
            "release": kernel,
            "version": "#1 SMP PREEMPT_DYNAMIC @0",
            "machine": "x86_64",
        },
        "boot-info": {"mode": "efi"},
        "cpu": views.node_cpu(sim, node),
        "wait": 0,
        "idle": 0,
        "loadavg": ["0.42", "0.37", "0.31"],
        "uptime": int(sim.clock.now() - node.started) if node.started else 0,
        "cpuinfo": {
            "model": "AMD EPYC",
            "vendor": "AuthenticAMD",
            "family": "26",
            "flags": "fpu vme de pse tsc msr pae mce cx8 apic sep aes avx avx2",
            "hvm": "1",
            "mhz": "2599.998",
            "sockets": 1,
            "cores": node.cpus,
            "cpus": node.cpus,
            "user_hz": 100,
        },
        "memory": {"total": node.memory, "used": memory, "free": free, "available": free},
        "swap": {"total": 0, "used": 0, "free": 0},
        "rootfs": {
            "total": ROOTFS,
            "used": ROOTFS // 8,
            "free": ROOTFS - ROOTFS // 8,
            "avail": ROOTFS // 2,
        },
        "ksm": {"shared": 0},
    }


@route("GET", "/nodes/{node}/storage")
async def storages(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    """Only what the caller may see; nothing at all for a token without rights."""
    rows = []
    for storage in sim.world.storages.values():
        path = f"/storage/{storage.name}"
        wanted = call.params.get("storage", storage.name)
        may = access.has(
            sim.world, call.identity, path, "Datastore.Audit", "Datastore.AllocateSpace"
        )
        content = set(call.params.get("content", "").split(",")) - {""}
        fits = not content or not content.isdisjoint(storage.content.split(","))
        if may and fits and wanted == storage.name and call.node in storage.nodes:
            row = views.storage_status(sim, storage, call.node)
            share = row["used"] / row["total"]
            rows.append({**row, "storage": storage.name, "used_fraction": share})
    return rows


@route("GET", "/nodes/{node}/storage/{storage}/status")
async def storage_status(sim: Simulation, call: Call) -> dict[str, Any]:
    storage = volumes.storage_named(sim.world, call.params["storage"], call.node)
    return views.storage_status(sim, storage, call.node)


@route("GET", f"{NODE}/network")
async def network(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    node = sim.node(call.node)
    bridges: list[dict[str, Any]] = [
        {
            "iface": bridge,
            "type": "bridge",
            "autostart": 1,
            **({"active": 1} if sim.world.has_pvestatd else {}),
            "bridge_fd": 0,
            "bridge_ports": "" if number else "eth0",
            "bridge_stp": "off",
            "method": "static",
            "method6": "manual",
            "families": ["inet"],
            "address": f"10.0.{number}.2",
            "netmask": "24",
            "cidr": f"10.0.{number}.2/24",
            "priority": 3 + number,
        }
        for number, bridge in enumerate(node.bridges)
    ]
    port = {
        "iface": "eth0",
        "type": "eth",
        "active": 1,
        "exists": 1,
        "method": "manual",
        "method6": "manual",
        "families": ["inet"],
    }
    wanted = call.params.get("type", "")
    is_bridge = wanted in ("bridge", "any_bridge", "any_local_bridge", "include_sdn")
    return [
        row
        for row in [*bridges, port]
        if not wanted or row["type"] == ("bridge" if is_bridge else wanted)
    ]
