"""All subjects together, in memory."""

from __future__ import annotations

from integrations.proxmox.fake.agents import FakeAgents
from integrations.proxmox.fake.consoles import FakeConsoles
from integrations.proxmox.fake.copies import FakeCopies
from integrations.proxmox.fake.core import FakeCore
from integrations.proxmox.fake.health import FakeHealth
from integrations.proxmox.fake.volumes import FakeVolumes
from integrations.proxmox.interface import Hypervisor


class FakeHypervisor(
    FakeCore, FakeCopies, FakeAgents, FakeConsoles, FakeHealth, FakeVolumes, Hypervisor
):
    """Implements `Hypervisor` in memory, with faults on demand and a log of every call."""
