"""All subjects together, in memory."""

from __future__ import annotations

from integrations.proxmox.fake.agents import FakeAgents
from integrations.proxmox.fake.core import FakeCore
from integrations.proxmox.interface import Hypervisor


class FakeHypervisor(FakeCore, FakeAgents, Hypervisor):
    """Implements `Hypervisor` in memory, with faults on demand and a log of every call."""
