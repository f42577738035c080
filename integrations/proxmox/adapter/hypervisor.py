"""All subjects together, over one cluster's API."""

from __future__ import annotations

from integrations.proxmox.adapter.agents import ProxmoxAgents
from integrations.proxmox.adapter.core import ProxmoxCore
from integrations.proxmox.interface import Hypervisor


class ProxmoxHypervisor(ProxmoxCore, ProxmoxAgents, Hypervisor):
    """Implements `Hypervisor` over one cluster's API."""
