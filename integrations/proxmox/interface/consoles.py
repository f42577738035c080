"""What uHub wants of a guest's screen: a ticket for it, and the way to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ConsoleTicket:
    """The right to look at one guest's screen once, within seconds. It never leaves the server."""

    node: str
    vmid: int
    port: int
    ticket: str = field(repr=False)
    password: str = field(repr=False)


class Screen(Protocol):
    """A remote framebuffer (RFB 3.8) that we are let in to: what follows is the client's init message.

    All methods may raise ScreenGone.
    """

    async def read(self) -> bytes:
        """Return what came next, at most one message of the wire."""
        ...

    async def write(self, data: bytes) -> None:
        """Send, and wait while the other side takes no more."""
        ...

    async def close(self) -> None:
        """End it; once is as good as twice."""
        ...


class ConsoleCalls(Protocol):
    """The screens of guests."""

    def console_open(self, node: str, vmid: int) -> ConsoleTicket:
        """Let the node open a guest's screen for one viewer, who must come within ten seconds.

        Raises: GuestAbsent, GuestNotRunning, AccessRefused without the right to consoles,
        Unavailable, NodeUnreachable, Ambiguous.
        """
        ...

    async def console_enter(self, ticket: ConsoleTicket) -> Screen:
        """Connect with a ticket and pass the screen's own security; the password stays here.

        Raises: Unavailable, AccessRefused for a ticket that was used or is too old, ScreenGone.
        """
        ...
