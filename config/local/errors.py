"""What can go wrong while the local stack is brought up, said in one sentence."""

from __future__ import annotations


class LocalError(Exception):
    """The local stack cannot go on; the message is meant for the person at the terminal."""


class ProgramError(LocalError):
    """A supervised program ended, or did not become ready, when it should have run."""


class StateBusyError(LocalError):
    """Another process holds the state directory."""


class StopRequestedError(LocalError):
    """SIGINT or SIGTERM arrived while something was being started or run."""
