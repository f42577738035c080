"""All subjects together, over one cluster's API."""

from __future__ import annotations

from integrations.proxmox.adapter.agents import ProxmoxAgents
from integrations.proxmox.adapter.consoles import ProxmoxConsoles
from integrations.proxmox.adapter.copies import ProxmoxCopies
from integrations.proxmox.adapter.core import ProxmoxCore
from integrations.proxmox.adapter.health import ProxmoxHealth
from integrations.proxmox.adapter.volumes import ProxmoxVolumes
from integrations.proxmox.interface import Hypervisor


class ProxmoxHypervisor(
    ProxmoxCore,
    ProxmoxCopies,
    ProxmoxAgents,
    ProxmoxConsoles,
    ProxmoxHealth,
    ProxmoxVolumes,
    Hypervisor,
):
    """Implements `Hypervisor` over one cluster's API."""
