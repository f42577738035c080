"""What was measured: of machines, nodes and storages."""

from __future__ import annotations

from typing import Any

from integrations.proxmox.simulator import metrics, views, volumes
from integrations.proxmox.simulator.metrics import wave
from integrations.proxmox.simulator.routes import NODE, VM, route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.world import GIB

ROOTFS = 252 * GIB


def _points(sim: Simulation, call: Call, *, born: float, seed: int, figures: Any) -> Any:
    return metrics.points(
        sim.clock.now(),
        call.params["timeframe"],
        born=born,
        seed=seed,
        figures=figures,
        is_peak=call.params.get("cf", "AVERAGE") == "MAX",
    )


@route("GET", f"{VM}/rrddata")
async def machine(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    """A machine that is off measures nothing."""
    found = sim.machine(call.node, call.vmid)
    memory, cpus = views.memory_of(found), views.cpus_of(found)
    disk, vmid = views.disk_of(sim, found), found.vmid

    def figures(moment: int) -> dict[str, Any]:
        used = wave(moment, vmid, low=0.3, high=0.7)
        return {
            "cpu": wave(moment, vmid, low=0.01, high=0.35),
            "maxcpu": cpus,
            "mem": memory * used,
            "memhost": memory * used,
            "maxmem": memory,
            "disk": 0,
            "maxdisk": disk,
            "netin": wave(moment, vmid + 1, low=500, high=90_000),
            "netout": wave(moment, vmid + 2, low=300, high=60_000),
            "diskread": wave(moment, vmid + 3, low=0, high=400_000),
            "diskwrite": wave(moment, vmid + 4, low=1000, high=250_000),
        }

    born = found.started if found.is_running else float("inf")
    return list(_points(sim, call, born=born, seed=vmid, figures=figures))


@route("GET", f"{NODE}/rrddata")
async def node(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    found = sim.node(call.node)
    seed = sum(found.name.encode())
    memory, load = views.node_memory(sim, found), views.node_cpu(sim, found)

    def figures(moment: int) -> dict[str, Any]:
        return {
            "cpu": wave(moment, seed, low=load / 2, high=load * 2 + 0.02),
            "maxcpu": found.cpus,
            "iowait": wave(moment, seed + 1, low=0, high=0.02),
            "loadavg": wave(moment, seed, low=0.1, high=found.cpus / 4),
            "memtotal": found.memory,
            "memused": memory,
            "memavailable": found.memory - memory,
            "swaptotal": 0,
            "swapused": 0,
            "roottotal": ROOTFS,
            "rootused": ROOTFS // 8,
            "netin": wave(moment, seed + 2, low=1000, high=9_000_000),
            "netout": wave(moment, seed + 3, low=1000, high=7_000_000),
        }

    return list(_points(sim, call, born=found.started, seed=seed, figures=figures))


@route("GET", f"{NODE}/storage/{{storage}}/rrddata")
async def storage(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    found = volumes.storage_named(sim.world, call.params["storage"], call.node)
    used, born = volumes.used(sim.world, found, call.node), sim.node(call.node).started
    row = {"total": found.total, "used": used}
    seed = sum(found.name.encode())
    return list(_points(sim, call, born=born, seed=seed, figures=lambda _: dict(row)))


async def _picture(sim: Simulation, call: Call) -> dict[str, str]:
    """Answer where a picture would be: nothing is drawn."""
    del sim
    about = call.params.get("vmid", call.node)
    sources = call.params["ds"].replace(",", "_")
    cf = call.params.get("cf", "AVERAGE")
    frame = call.params["timeframe"]
    return {"filename": f"/var/lib/rrdcached/db/pve/{about}_{sources}.{frame}.{cf}.png"}


for _path in (VM, NODE):
    route("GET", f"{_path}/rrd")(_picture)
