"""What one can ask a guest to do: run something, read and write files, freeze, change a word."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Any

from integrations.proxmox.simulator import guests, snapshots, switching, volumes
from integrations.proxmox.simulator.endpoints import agent
from integrations.proxmox.simulator.endpoints.agent import AGENT, awake
from integrations.proxmox.simulator.errors import WorkError
from integrations.proxmox.simulator.guests import Guest, GuestError
from integrations.proxmox.simulator.routes import route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.world import Machine

SHUTDOWN_S = 3.0
MAX_READ = 16 * 1024 * 1024
_NANOSECONDS = 1_000_000_000
COMMANDS = (
    "exec", "exec-status", "file-read", "file-write", "fsfreeze-freeze", "fsfreeze-status",
    "fsfreeze-thaw", "fstrim", "get-fsinfo", "get-host-name", "get-osinfo", "get-time",
    "get-timezone", "get-users", "get-vcpus", "info", "network-get-interfaces", "ping",
    "set-user-password", "shutdown",
)  # fmt: skip
Answer = Callable[[Simulation, Machine], Any]


async def _guest(sim: Simulation, call: Call) -> tuple[Machine, Guest]:
    """Raise WorkError while the file systems are frozen: files and processes need them."""
    machine = await awake(sim, call)
    guest = sim.guests.of(machine)
    if guest.is_frozen:
        words = "the command is not allowed while the file systems are frozen"
        raise WorkError(f"Agent error: Command has been disabled: {words}")
    return machine, guest


def _wrote(sim: Simulation, machine: Machine) -> None:
    for _, volume in snapshots.disks_of(sim.world, machine.config)[:1]:
        volumes.scribble(volume)
    sim.touch()


@route("POST", f"{AGENT}/exec")
async def execute(sim: Simulation, call: Call) -> dict[str, int]:
    """Start a command and answer its number; scripts take a moment."""
    machine, guest = await _guest(sim, call)
    command, stdin = [str(part) for part in call.params["command"]], call.params.get("input-data")
    try:
        execution = guests.run(guest, machine, command, str(stdin or ""), sim.clock.now())
    except GuestError as error:
        raise WorkError(f"Agent error: Guest agent command failed, error was '{error}'") from error
    _wrote(sim, machine)
    return {"pid": execution.pid}


@route("GET", f"{AGENT}/exec-status")
async def execution(sim: Simulation, call: Call) -> dict[str, Any]:
    machine = await awake(sim, call)
    found = sim.guests.of(machine).executions.get(call.params["pid"])
    if found is None:
        raise WorkError(f"Agent error: PID {call.params['pid']} does not exist")
    if sim.clock.elapsed_s(found.started) < found.duration_s:
        return {"exited": 0}
    row: dict[str, Any] = {"exited": 1, "exitcode": found.exitcode}
    if found.out:
        row["out-data"] = found.out
    if found.err:
        row["err-data"] = found.err
    return row


@route("GET", f"{AGENT}/file-read")
async def read(sim: Simulation, call: Call) -> dict[str, Any]:
    _, guest = await _guest(sim, call)
    path = call.params["file"]
    if path not in guest.files:
        words = f"failed to open file '{path}' (mode: 'r'): No such file or directory"
        raise WorkError(f"can't open file: Agent error: {words}")
    offset, count = call.params.get("offset", 0), call.params.get("count", MAX_READ)
    whole = guest.files[path]
    part = whole[offset : offset + count]
    is_text = bool(call.params.get("decode", 1))
    text = part.decode("utf-8", "replace") if is_text else base64.b64encode(part).decode()
    answer: dict[str, Any] = {"content": text, "bytes-read": len(part)}
    return {**answer, "truncated": 1} if offset + count < len(whole) else answer


@route("POST", f"{AGENT}/file-write")
async def write(sim: Simulation, call: Call) -> None:
    machine, guest = await _guest(sim, call)
    content = str(call.params["content"]).encode()
    if not call.params.get("encode", 1):
        try:
            content = base64.b64decode(content, validate=True)
        except binascii.Error as error:
            raise WorkError("Agent error: Base64 data is invalid") from error
    guest.files[call.params["file"]] = content
    _wrote(sim, machine)


@route("POST", f"{AGENT}/set-user-password")
async def set_password(sim: Simulation, call: Call) -> dict[str, Any]:
    """The guest's own refusal comes as a result, not as an error status."""
    machine, guest = await _guest(sim, call)
    name = call.params["username"]
    if name not in guests.users(machine):
        words = f"child process has failed to set user password: user '{name}' does not exist"
        return {"result": {"error": {"class": "GenericError", "desc": words}}}
    guest.passwords[name] = call.params["password"]
    _wrote(sim, machine)
    return {"result": {}}


def _freeze(sim: Simulation, machine: Machine) -> int:
    sim.guests.of(machine).is_frozen = True
    return len(snapshots.disks_of(sim.world, machine.config))


def _thaw(sim: Simulation, machine: Machine) -> int:
    guest = sim.guests.of(machine)
    was_frozen, guest.is_frozen = guest.is_frozen, False
    return len(snapshots.disks_of(sim.world, machine.config)) if was_frozen else 0


def _freeze_status(sim: Simulation, machine: Machine) -> str:
    return "frozen" if sim.guests.of(machine).is_frozen else "thawed"


def _filesystems(sim: Simulation, machine: Machine) -> list[dict[str, Any]]:
    is_windows = machine.guest == "windows"
    disks = snapshots.disks_of(sim.world, machine.config)
    return [
        {
            "name": f"sd{chr(ord('a') + number)}1",
            "mountpoint": ("C:\\" if is_windows else "/") if number == 0 else f"/mnt/{key}",
            "type": "NTFS" if is_windows else "ext4",
            "total-bytes": volume.size,
            "used-bytes": volume.size * (20 + machine.vmid % 30) // 100,
            "disk": [{"bus-type": "scsi", "bus": 0, "target": 0, "unit": number}],
        }
        for number, (key, volume) in enumerate(disks)
    ]


def _host_name(sim: Simulation, machine: Machine) -> dict[str, str]:
    del sim
    return {"host-name": machine.name}


def _time(sim: Simulation, machine: Machine) -> int:
    del machine
    return int(sim.clock.now() * _NANOSECONDS)


def _zone(sim: Simulation, machine: Machine) -> dict[str, Any]:
    del sim, machine
    return {"zone": "UTC", "offset": 0}


def _people(sim: Simulation, machine: Machine) -> list[dict[str, Any]]:
    del sim, machine
    return []


def _processors(sim: Simulation, machine: Machine) -> list[dict[str, Any]]:
    del sim
    count = int(machine.config.get("cores", 1)) * int(machine.config.get("sockets", 1))
    return [{"logical-id": n, "online": True, "can-offline": n > 0} for n in range(count)]


def _info(sim: Simulation, machine: Machine) -> dict[str, Any]:
    del sim, machine
    commands = [{"name": f"guest-{name}", "enabled": 1, "success-response": 1} for name in COMMANDS]
    return {"version": "9.2.0", "supported_commands": commands}


def _trim(sim: Simulation, machine: Machine) -> dict[str, Any]:
    found = _filesystems(sim, machine)
    return {"paths": [{"path": row["mountpoint"], "trimmed": 0, "minimum": 0} for row in found]}


def _power_off(sim: Simulation, machine: Machine) -> dict[str, Any]:
    sim.background(_leave(sim, machine))
    return {}


async def _leave(sim: Simulation, machine: Machine) -> None:
    await sim.clock.sleep(SHUTDOWN_S)
    if sim.world.machines.get(machine.vmid) is machine:
        switching.halt(sim, machine)


def _pong(sim: Simulation, machine: Machine) -> dict[str, Any]:
    del sim, machine
    return {}


_ANSWERS: dict[str, tuple[str, Answer]] = {
    "ping": ("POST", _pong),
    "fsfreeze-freeze": ("POST", _freeze),
    "fsfreeze-status": ("POST", _freeze_status),
    "fsfreeze-thaw": ("POST", _thaw),
    "fstrim": ("POST", _trim),
    "shutdown": ("POST", _power_off),
    "get-fsinfo": ("GET", _filesystems),
    "get-host-name": ("GET", _host_name),
    "get-time": ("GET", _time),
    "get-timezone": ("GET", _zone),
    "get-users": ("GET", _people),
    "get-vcpus": ("GET", _processors),
    "info": ("GET", _info),
}


def _handler(answer: Answer) -> Callable[[Simulation, Call], Awaitable[dict[str, Any]]]:
    async def handle(sim: Simulation, call: Call) -> dict[str, Any]:
        return {"result": answer(sim, await awake(sim, call))}

    return handle


for _name, (_method, _answer) in _ANSWERS.items():
    route(_method, f"{AGENT}/{_name}")(_handler(_answer))


@route("GET", AGENT)
async def commands(sim: Simulation, call: Call) -> list[dict[str, str]]:
    del sim, call
    return [{"name": name} for name in COMMANDS]


@route("POST", AGENT)
async def command(sim: Simulation, call: Call) -> dict[str, Any]:
    """Do the older way: the command as a parameter."""
    name = call.params["command"]
    if name == "network-get-interfaces":
        return dict(await agent.interfaces(sim, call))
    if name == "get-osinfo":
        return dict(await agent.os_info(sim, call))
    machine = await awake(sim, call)
    if name not in _ANSWERS:
        words = f"The command guest-{name} has not been found"
        return {"result": {"error": {"class": "CommandNotFound", "desc": words}}}
    return {"result": _ANSWERS[name][1](sim, machine)}
