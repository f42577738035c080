"""Consoles that wait for a viewer: a port, a ticket for it, and ten seconds to come."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from dataclasses import dataclass, field

from integrations.proxmox.simulator.errors import WorkError
from integrations.proxmox.simulator.world import Machine

FIRST_PORT = 5900
LAST_PORT = 5999


@dataclass(slots=True)
class Console:
    """`seen` is set when a viewer comes, `ended` when it has left."""

    port: int
    ticket: str
    password: str
    machine: Machine
    is_text: bool
    seen: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class ConsoleTable:
    """A port belongs to one console until its task has ended."""

    def __init__(self) -> None:
        self._open: dict[int, Console] = {}

    def open(self, machine: Machine, password: str, *, is_text: bool) -> Console:
        """Raise WorkError when every port is taken."""
        free = (port for port in range(FIRST_PORT, LAST_PORT + 1) if port not in self._open)
        port = next(free, None)
        if port is None:
            raise WorkError("unable to find free port (5900-6000)")
        secret = secrets.token_bytes(32)
        ticket = f"PVEVNC:{secret[:4].hex().upper()}::{hashlib.sha256(secret).hexdigest()}"
        console = Console(port, ticket, password or ticket, machine, is_text)
        self._open[port] = console
        return console

    def find(self, port: int, ticket: str, machine: Machine) -> Console | None:
        """Answer the console somebody has the ticket for, as long as nobody has used it."""
        console = self._open.get(port)
        if console is None or console.machine is not machine or console.seen.is_set():
            return None
        return console if secrets.compare_digest(console.ticket, ticket) else None

    def close(self, console: Console) -> None:
        self._open.pop(console.port, None)
        console.ended.set()
