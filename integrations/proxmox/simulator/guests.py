"""What goes on inside a guest: its files, its users, and the commands somebody runs in it."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

from integrations.proxmox.simulator.world import Machine

KEPT = 500
KEPT_EXECUTIONS = 50
FIRST_PID = 1234
SCRIPT_S = 2.0
_SHELLS = ("sh", "bash", "dash", "powershell", "powershell.exe", "cmd", "cmd.exe")
_EXIT = re.compile(r"(?:^|[;&\s])exit\s+(\d+)\s*;?\s*$")
_LEFT = re.compile(r"exit\s+\d+")
_ECHO = re.compile(r"^\s*echo\s+(?P<text>[^;&|>]*)$")
_KNOWN = ("echo", "true", "false", "hostname", "whoami", "uname", "uptime", "date", "env", "ls")


class GuestError(Exception):
    """The agent in the guest refused: its words reach the caller as they are."""


@dataclass(slots=True)
class Execution:
    """A command that was started; it has ended `duration_s` after it `started`."""

    pid: int
    started: float
    duration_s: float
    exitcode: int
    out: str = ""
    err: str = ""


@dataclass(slots=True)
class Guest:
    files: dict[str, bytes] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    executions: dict[int, Execution] = field(default_factory=dict)
    next_pid: int = FIRST_PID
    is_frozen: bool = False


class GuestTable:
    """One guest per machine and identity: a machine made anew begins with nothing."""

    def __init__(self) -> None:
        self._guests: dict[tuple[int, str], Guest] = {}

    def of(self, machine: Machine) -> Guest:
        key = (machine.vmid, str(machine.config.get("smbios1", "")))
        if key not in self._guests and len(self._guests) >= KEPT:
            del self._guests[next(iter(self._guests))]
        return self._guests.setdefault(key, Guest())

    def clear(self) -> None:
        self._guests.clear()


def users(machine: Machine) -> set[str]:
    own = str(machine.config.get("ciuser", ""))
    builtin = {"Administrator"} if machine.guest == "windows" else {"root"}
    return builtin | ({own} if own else set())


def run(guest: Guest, machine: Machine, command: list[str], stdin: str, now: float) -> Execution:
    """Start a command.

    Raises GuestError for a program the guest does not have.
    """
    exitcode, out, err, duration_s = _outcome(guest, machine, command, stdin)
    execution = Execution(guest.next_pid, now, duration_s, exitcode, out, err)
    guest.executions[execution.pid] = execution
    guest.next_pid += 1
    while len(guest.executions) > KEPT_EXECUTIONS:
        del guest.executions[next(iter(guest.executions))]
    return execution


def _outcome(
    guest: Guest, machine: Machine, command: list[str], stdin: str
) -> tuple[int, str, str, float]:
    program, arguments = command[0].rpartition("/")[2], command[1:]
    if program in _SHELLS:
        return _script(guest, machine, arguments, stdin)
    if program == "cat":
        return _cat(guest, arguments, stdin)
    if program == "cloud-init":
        return 0, "status: done\n", "", SCRIPT_S if "--wait" in arguments else 0.0
    if command[0] in guest.files:
        text = guest.files[command[0]].decode("utf-8", "replace")
        return _interpreted(machine, text)
    if program not in _KNOWN:
        raise GuestError(
            f'Failed to execute child process "{command[0]}" (No such file or directory)'
        )
    return (*_spoken(machine, program, arguments), 0.0)


def _spoken(machine: Machine, program: str, arguments: list[str]) -> tuple[int, str, str]:
    texts = {
        "hostname": machine.name,
        "whoami": "root",
        "uname": "Linux",
        "uptime": "up 1 minute",
    }
    if program in ("true", "false"):
        return int(program == "false"), "", ""
    return 0, texts.get(program, " ".join(arguments)) + "\n", ""


def _cat(guest: Guest, arguments: list[str], stdin: str) -> tuple[int, str, str, float]:
    if not arguments:
        return 0, stdin, "", 0.0
    missing = [name for name in arguments if name not in guest.files]
    out = "".join(guest.files[n].decode("utf-8", "replace") for n in arguments if n in guest.files)
    err = "".join(f"cat: {name}: No such file or directory\n" for name in missing)
    return int(bool(missing)), out, err, 0.0


def _script(
    guest: Guest, machine: Machine, arguments: list[str], stdin: str
) -> tuple[int, str, str, float]:
    """Read the script from the arguments, from a file of the guest, or from standard input."""
    named = [word for word in arguments if not word.startswith(("-", "/c", "/C"))]
    if not named:
        return _interpreted(machine, stdin)
    if named[0] in guest.files:
        return _interpreted(machine, guest.files[named[0]].decode("utf-8", "replace"))
    is_inline = len(named) < len(arguments)
    if not is_inline:
        return 127, "", f"sh: 0: cannot open {named[0]}: No such file\n", 0.0
    return _interpreted(machine, named[0])


def _interpreted(machine: Machine, text: str) -> tuple[int, str, str, float]:
    """Do what little of a script can be told from outside: what it says, and how it ends."""
    lines = [line for part in text.splitlines() for line in part.split("&&")]
    ends = [number for number, line in enumerate(lines) if _LEFT.fullmatch(line.strip())]
    if ends:
        lines, text = lines[: ends[0]], lines[ends[0]]
    echoed = (found["text"] for line in lines if (found := _ECHO.fullmatch(line.strip())))
    said = [_unquoted(words).replace("$(hostname)", machine.name) for words in echoed]
    ending = _EXIT.search(text.strip())
    exitcode = int(ending[1]) if ending else 0
    out = "".join(f"{line}\n" for line in said)
    err = f"script failed with status {exitcode}\n" if exitcode else ""
    return exitcode, out, err, SCRIPT_S


def _unquoted(text: str) -> str:
    try:
        return " ".join(shlex.split(text))
    except ValueError:
        return text
