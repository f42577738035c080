"""An in-memory hypervisor with the same contract, for tests that need no wire."""

from __future__ import annotations

from integrations.proxmox.fake.hypervisor import FakeHypervisor
from integrations.proxmox.fake.inventory import FakeCall

__all__ = ["FakeCall", "FakeHypervisor"]
