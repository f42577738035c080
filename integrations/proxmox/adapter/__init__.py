"""The hypervisor behind a real Proxmox VE API, one file per subject."""

from __future__ import annotations

from integrations.proxmox.adapter.hypervisor import ProxmoxHypervisor

__all__ = ["ProxmoxHypervisor"]
