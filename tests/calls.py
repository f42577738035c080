"""Calls to the hypervisor that this process makes, for tests that say nothing was sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from integrations.proxmox.transport import ProxmoxTransport, SilentObserver


class Witness:
    """Writes down every call before it is sent."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def before(self, method: str, path: str) -> None:
        self.calls.append(f"{method} {path}")

    def after(self, method: str, path: str, outcome: str) -> None:
        """The beginning was enough."""


@contextmanager
def witnessed() -> Iterator[Witness]:
    """Watches all calls until the block ends."""
    witness = Witness()
    ProxmoxTransport.observer = witness
    try:
        yield witness
    finally:
        ProxmoxTransport.observer = SilentObserver()
