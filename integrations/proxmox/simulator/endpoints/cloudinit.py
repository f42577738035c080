"""Cloud-init: what the disc says, what it should say, and writing it anew."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from integrations.proxmox.simulator import drives, schema, settings, volumes
from integrations.proxmox.simulator.routes import VM, route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.world import Machine, World

CLOUDINIT = f"{VM}/cloudinit"
_OPTION = re.compile(
    r"ci(user|password|type|custom|upgrade)|sshkeys|ipconfig\d+|nameserver|searchdomain|name|net\d+"
)

_READ = ("network", "user", "meta", "vendor")


def options(machine: Machine) -> dict[str, Any]:
    """Answer the options the disc is made of."""
    merged = {**machine.config, **machine.pending}
    return {k: v for k, v in merged.items() if _OPTION.fullmatch(k) and v is not None}


def has_disc(machine: Machine) -> bool:
    return any(drives.is_cloudinit(value) for value in drives.of(machine).values())


def write(world: World, machine: Machine) -> None:
    """Make the disc say what the options say, when there is one.

    Only now are the documents of `cicustom` read: a change of the option names whatever it likes. Raises
    WorkError for one that is not there.
    """
    if not has_disc(machine):
        return
    chosen = options(machine)
    custom = str(chosen.get("cicustom", ""))
    named = schema.parsed("pve-qm-cicustom", custom) if custom else {}
    for part in _READ:
        if part in named:
            volumes.snippet_demand(world, named[part], machine.node)
    machine.seed = chosen


@route("GET", CLOUDINIT)
async def listing(sim: Simulation, call: Call) -> list[dict[str, Any]]:
    """Answer option by option what is on the disc, and what would be with the next one."""
    machine = sim.machine(call.node, call.vmid)
    if not has_disc(machine):
        return []
    now, later = settings.shown(machine.seed), settings.shown(options(machine))
    rows: list[dict[str, Any]] = []
    for key in sorted({*now, *later}):
        row: dict[str, Any] = {"key": key}
        if key in now:
            row["value"] = now[key]
        if key not in later:
            row["delete"] = 1
        elif machine.seed.get(key) != options(machine)[key]:
            row["pending"] = later[key]
        rows.append(row)
    return rows


@route("PUT", CLOUDINIT)
async def regenerate(sim: Simulation, call: Call) -> None:
    async with sim.locks.machine(call.scope, call.node, call.vmid):
        machine = sim.machine(call.node, call.vmid)
        settings.check_lock(machine)
        write(sim.world, machine)
        sim.touch()


@route("GET", f"{CLOUDINIT}/dump")
async def dump(sim: Simulation, call: Call) -> str:
    machine = sim.machine(call.node, call.vmid)
    documents = {"user": _user, "network": _network, "meta": _meta}
    return documents[call.params["type"]](machine, options(machine))


def _user(machine: Machine, values: dict[str, Any]) -> str:
    lines = ["#cloud-config", f"hostname: {machine.name}", "manage_etc_hosts: true"]
    if domain := values.get("searchdomain"):
        lines.append(f"fqdn: {machine.name}.{domain}")
    lines.append(f"user: {values.get('ciuser', 'root')}")
    if password := values.get("cipassword"):
        lines.append(f"password: {password}")
    keys = [key for key in unquote(str(values.get("sshkeys", ""))).splitlines() if key.strip()]
    if keys:
        lines += ["ssh_authorized_keys:", *(f"  - {key}" for key in keys)]
    lines += ["chpasswd:", "  expire: False", "users:", "  - default"]
    if values.get("ciupgrade", 1):
        lines.append("package_upgrade: true")
    return "\n".join(lines) + "\n"


def _network(machine: Machine, values: dict[str, Any]) -> str:
    del machine
    lines = ["version: 1", "config:"]
    for key in sorted(name for name in values if settings.NET.fullmatch(name)):
        number = key.removeprefix("net")
        mac = schema.parsed("net[n]", str(values[key])).get("macaddr", "").lower()
        setting = str(values.get(f"ipconfig{number}", ""))
        address = schema.parsed("pve-qm-ipconfig", setting) if setting else {}
        lines += ["    - type: physical", f"      name: eth{number}"]
        lines += [f"      mac_address: '{mac}'", "      subnets:"]
        lines += _subnet(address)
    servers = str(values.get("nameserver", "")).split()
    if servers:
        lines += ["    - type: nameserver", "      address:"]
        lines += [f"      - '{server}'" for server in servers]
    return "\n".join(lines) + "\n"


def _subnet(address: dict[str, str]) -> list[str]:
    ip = address.get("ip", "")
    if ip == "dhcp":
        return ["      - type: dhcp4"]
    if not ip:
        return []
    lines = ["      - type: static", f"        address: '{ip}'"]
    return [*lines, f"        gateway: '{address['gw']}'"] if "gw" in address else lines


def _meta(machine: Machine, values: dict[str, Any]) -> str:
    del values
    uuid = schema.parsed("pve-qm-smbios1", str(machine.config.get("smbios1", ""))).get("uuid", "")
    return f"instance-id: {uuid.replace('-', '')}\n"
