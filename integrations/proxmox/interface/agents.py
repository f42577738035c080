"""What uHub asks of the agent inside a guest: whether it is there, and to run something."""

from __future__ import annotations

from typing import Protocol

from integrations.proxmox.interface.facts import AgentRun


class AgentCalls(Protocol):
    """The guest's agent. It is never there for certain, and nothing may depend on it."""

    def agent_ping(self, node: str, vmid: int) -> bool:
        """Return whether an agent answers now.

        Raises: Unavailable (not the agent's absence), AccessRefused.
        """
        ...

    def agent_exec_submit(
        self, *, node: str, vmid: int, command: tuple[str, ...], stdin: str = ""
    ) -> int:
        """Start a program in the guest, with `stdin` as its input; return its number there.

        Raises: AgentAbsent, GuestNotRunning, NotExecuted, Ambiguous, Failed: the guest has no such program.
        """
        ...

    def agent_exec_state(self, node: str, vmid: int, pid: int) -> AgentRun:
        """Return how a program that was started stands, and what it said by its end.

        Raises: RunUnknown, AgentAbsent, GuestNotRunning, Unavailable.
        """
        ...
