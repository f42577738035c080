"""The guest agent: absent at first, talkative later."""

from __future__ import annotations

from typing import Any

from integrations.proxmox.simulator import schema, settings, views
from integrations.proxmox.simulator.errors import WorkError
from integrations.proxmox.simulator.routes import VM, route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.world import Machine

PING_S = 3.0
AGENT = f"{VM}/agent"
_OS = {
    "linux": {
        "id": "debian",
        "name": "Debian GNU/Linux",
        "version": "12 (bookworm)",
        "version-id": "12",
        "pretty-name": "Debian GNU/Linux 12 (bookworm)",
        "kernel-release": "6.1.0",
        "kernel-version": "#1 SMP",
        "machine": "x86_64",
    },
    "windows": {
        "id": "mswindows",
        "name": "Microsoft Windows",
        "version": "Microsoft Windows 11",
        "version-id": "11",
        "pretty-name": "Windows 11 Pro",
        "kernel-release": "26100",
        "kernel-version": "10.0",
        "machine": "x86_64",
        "variant": "client",
        "variant-id": "client",
    },
}


def is_agent_up(sim: Simulation, machine: Machine) -> bool:
    return machine.is_running and sim.clock.elapsed_s(machine.started) >= machine.agent_delay_s


async def awake(sim: Simulation, call: Call) -> Machine:
    """Raise WorkError in the three ways in which there is no agent to talk to."""
    machine = sim.machine(call.node, call.vmid)
    if not views.agent_enabled(machine):
        raise WorkError("No QEMU guest agent configured")
    if not machine.is_running:
        raise WorkError(f"VM {call.vmid} is not running")
    if not is_agent_up(sim, machine) or sim.faults.take("agent_down", call.scope.facts):
        await sim.clock.sleep(PING_S)
        raise WorkError("QEMU guest agent is not running")
    return machine


@route("GET", f"{AGENT}/get-osinfo")
async def os_info(sim: Simulation, call: Call) -> dict[str, Any]:
    machine = await awake(sim, call)
    return {"result": _OS[machine.guest]}


def address_of(machine: Machine, number: int) -> tuple[str, int]:
    """Answer the static address of cloud-init, else one that follows from the VMID."""
    setting = str(machine.config.get(f"ipconfig{number}", ""))
    static = schema.parsed("pve-qm-ipconfig", setting).get("ip", "dhcp") if setting else "dhcp"
    if "/" in static:
        address, _, prefix = static.partition("/")
        return address, int(prefix)
    return f"10.{20 + number}.{machine.vmid // 250 % 250}.{machine.vmid % 250 + 2}", 16


@route("GET", f"{AGENT}/network-get-interfaces")
async def interfaces(sim: Simulation, call: Call) -> dict[str, Any]:
    machine = await awake(sim, call)
    is_windows = machine.guest == "windows"
    found: list[dict[str, Any]] = [
        {
            "name": "Loopback Pseudo-Interface 1" if is_windows else "lo",
            "hardware-address": "00:00:00:00:00:00",
            "ip-addresses": [
                {"ip-address": "127.0.0.1", "ip-address-type": "ipv4", "prefix": 8},
            ],
        }
    ]
    cards = sorted(key for key in machine.config if settings.NET.fullmatch(key))
    for number, key in enumerate(cards):
        mac = schema.parsed("net[n]", str(machine.config[key])).get("macaddr", "").lower()
        found.append(_interface(machine, number, mac, is_windows=is_windows))
    return {"result": found}


def _interface(machine: Machine, number: int, mac: str, *, is_windows: bool) -> dict[str, Any]:
    address, prefix = address_of(machine, number)
    last = ":".join(mac.replace(":", "")[i : i + 4] for i in (4, 8))
    windows = "Ethernet" if number == 0 else f"Ethernet {number + 1}"
    return {
        "name": windows if is_windows else f"eth{number}",
        "hardware-address": mac,
        "ip-addresses": [
            {"ip-address": address, "ip-address-type": "ipv4", "prefix": prefix},
            {"ip-address": f"fe80::{last}", "ip-address-type": "ipv6", "prefix": 64},
        ],
        "statistics": {
            f"{way}-{what}": 0 if what in ("dropped", "errs") else 1
            for way in ("rx", "tx")
            for what in ("bytes", "dropped", "errs", "packets")
        },
    }
