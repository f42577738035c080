"""What a node says about itself, and what it does to all its machines at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from integrations.proxmox.simulator import access, switching, views
from integrations.proxmox.simulator.endpoints import access as versions
from integrations.proxmox.simulator.errors import WorkError
from integrations.proxmox.simulator.formats import split_list
from integrations.proxmox.simulator.routes import NODE, VM, route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.tasks import Worker
from integrations.proxmox.simulator.world import Machine

ZONES = "timezones"
_SERVICES = ("corosync", "cron", "pve-cluster", "pvedaemon", "pveproxy", "pvestatd", "sshd")
_PACKAGES = (("pve-manager", "9.2.11"), ("qemu-server", "9.1.9"), ("pve-qemu-kvm", "10.1.2-3"))


@route("GET", f"{NODE}/version")
async def version(sim: Simulation, call: Call) -> dict[str, str]:
    return dict(await versions.version(sim, call))


@route("GET", f"{NODE}/time")
async def clock(sim: Simulation, call: Call) -> dict[str, Any]:
    now = int(sim.clock.now())
    zone = sim.world.collection(ZONES).get(call.node, {}).get("zone", "Etc/UTC")
    return {"time": now, "localtime": now, "timezone": zone}


@route("PUT", f"{NODE}/time")
async def set_zone(sim: Simulation, call: Call) -> None:
    sim.world.collection(ZONES)[call.node] = {"zone": call.params["timezone"]}
    sim.touch()


@route("GET", f"{NODE}/dns")
async def dns(sim: Simulation, call: Call) -> dict[str, str]:
    del sim, call
    return {"search": "example.com", "dns1": "10.0.0.53", "dns2": "10.0.0.54"}


@route("GET", f"{NODE}/hosts")
async def hosts(sim: Simulation, call: Call) -> dict[str, str]:
    del call
    lines = [f"{n.ip} {n.name}.example.com {n.name}" for n in sim.world.nodes.values()]
    return {"data": "127.0.0.1 localhost\n" + "\n".join(lines) + "\n", "digest": "0" * 40}


@route("GET", f"{NODE}/subscription")
async def subscription(sim: Simulation, call: Call) -> dict[str, str]:
    del sim, call
    words = "There is no subscription key"
    url = "https://www.proxmox.com/proxmox-ve/pricing"
    return {"status": "notfound", "message": words, "serverid": "0" * 32, "url": url}


@route("GET", f"{NODE}/report")
async def report(sim: Simulation, call: Call) -> str:
    node = sim.node(call.node)
    stamp = time.strftime("%a %d %b %Y %H:%M:%S", time.localtime(sim.clock.now()))
    machines = [m for m in sim.world.machines.values() if m.node == node.name]
    listed = [f"{m.vmid} {m.name} {m.status}" for m in machines]
    head = ["==== general system info ====", f"# hostname\n{node.name}", f"# date\n{stamp}"]
    return "\n".join([*head, "# qm list", *listed]) + "\n"


@route("GET", f"{NODE}/services")
async def services(sim: Simulation, call: Call) -> list[dict[str, str]]:
    del sim, call
    return [
        {
            "service": name,
            "name": name,
            "desc": f"{name} service",
            "state": "running",
            "active-state": "active",
            "unit-state": "enabled",
        }
        for name in _SERVICES
    ]


@route("GET", f"{NODE}/apt/versions")
async def packages(sim: Simulation, call: Call) -> list[dict[str, str]]:
    del sim, call
    return [
        {"Package": name, "Version": version, "OldVersion": version, "CurrentState": "Installed"}
        for name, version in _PACKAGES
    ]


def _chosen(sim: Simulation, call: Call) -> list[Machine]:
    """Answer the machines a mass action is for.

    Raises ApiError(403) without the right to switch all of them.
    """
    vmids = [int(part) for part in split_list(str(call.params.get("vms", "")))]
    paths = [f"/vms/{vmid}" for vmid in vmids] or ["/"]
    for path in paths:
        access.require(sim.world, call.identity, path, "VM.PowerMgmt")
    own = [m for m in sim.world.machines.values() if m.node == call.node and not m.is_template]
    return [machine for machine in own if not vmids or machine.vmid in vmids]


async def _each(
    sim: Simulation, chosen: list[Machine], act: Callable[..., None], word: str, worker: Worker
) -> None:
    for machine in chosen:
        worker.say(f"{word} VM {machine.vmid}")
        async with sim.locks.machine(worker, machine.node, machine.vmid):
            await sim.clock.sleep(switching.BOOT_S)
            if "lock" in machine.config:
                worker.warn(f"VM {machine.vmid}: VM is locked ({machine.config['lock']})")
            else:
                act(sim, machine)


@route("POST", f"{NODE}/startall")
async def start_all(sim: Simulation, call: Call) -> str:
    """Start what starts with the node, or everything by force."""
    forced = call.flag("force")
    chosen = [
        machine
        for machine in _chosen(sim, call)
        if not machine.is_running and (forced or machine.config.get("onboot"))
    ]
    return sim.spawn(call, "startall", "", partial(_each, sim, chosen, switching.boot, "Starting"))


@route("POST", f"{NODE}/stopall")
async def stop_all(sim: Simulation, call: Call) -> str:
    chosen = [machine for machine in _chosen(sim, call) if machine.is_running]
    return sim.spawn(call, "stopall", "", partial(_each, sim, chosen, switching.halt, "Stopping"))


@route("POST", f"{VM}/monitor")
async def monitor(sim: Simulation, call: Call) -> str:
    """Understand one question: how the machine is."""
    machine = sim.machine(call.node, call.vmid)
    if not machine.is_running:
        raise WorkError(f"VM {call.vmid} not running")
    command = str(call.params["command"]).strip()
    if command.split(" ")[0] not in ("?", "help", "info"):
        access.require(sim.world, call.identity, "/", "Sys.Modify")
    if command == "info status":
        return f"VM status: {views.qmp_status(machine)}\r\n"
    return f"unknown command: '{command}'\r\n"


@route("PUT", f"{VM}/sendkey")
async def send_key(sim: Simulation, call: Call) -> None:
    machine = sim.machine(call.node, call.vmid)
    if not machine.is_running:
        raise WorkError(f"VM {call.vmid} not running")
