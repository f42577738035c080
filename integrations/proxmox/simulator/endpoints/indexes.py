"""Directories: what lies one level deeper, told the way each level tells it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from integrations.proxmox.simulator.routes import NODE, VM, route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation

# path: (name of the member, its values)
_INDEXES: dict[str, tuple[str, tuple[str, ...]]] = {
    "/access": ("subdir", (
        "acl", "domains", "groups", "openid", "password", "permissions", "roles", "tfa",
        "ticket", "users",
    )),
    "/cluster": ("name", (
        "backup", "config", "firewall", "ha", "log", "nextid", "options", "replication",
        "resources", "sdn", "status", "tasks",
    )),
    "/cluster/firewall": ("name", (
        "aliases", "groups", "ipset", "macros", "options", "refs", "rules",
    )),
    NODE: ("name", (
        "apt", "dns", "hosts", "lxc", "network", "qemu", "report", "rrd", "rrddata", "services",
        "startall", "status", "stopall", "storage", "subscription", "tasks", "time", "version",
        "vzdump",
    )),
    VM: ("subdir", (
        "agent", "clone", "cloudinit", "config", "feature", "firewall", "migrate", "monitor",
        "move_disk", "pending", "resize", "rrd", "rrddata", "sendkey", "snapshot", "spiceproxy",
        "status", "template", "termproxy", "unlink", "vncproxy", "vncwebsocket",
    )),
    f"{VM}/status": ("subdir", (
        "current", "reboot", "reset", "resume", "shutdown", "start", "stop", "suspend",
    )),
    f"{VM}/firewall": ("name", ("aliases", "ipset", "log", "options", "refs", "rules")),
    f"{NODE}/storage/{{storage}}": ("subdir", (
        "content", "download-url", "prunebackups", "rrd", "rrddata", "status", "upload",
    )),
    f"{NODE}/tasks/{{upid}}": ("name", ("log", "status")),
}  # fmt: skip


def _handler(
    member: str, names: tuple[str, ...]
) -> Callable[[Simulation, Call], Awaitable[list[dict[str, Any]]]]:
    async def index(sim: Simulation, call: Call) -> list[dict[str, Any]]:
        del sim, call
        return [{member: name} for name in names]

    return index


for _path, (_member, _names) in _INDEXES.items():
    route("GET", _path)(_handler(_member, _names))
