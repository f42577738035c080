"""What uHub wants from a hypervisor, in uHub's words: the calls of all subjects together.

Each subject has a protocol, an implementation over the API, and one in memory, in files of one name:
`interface/core.py`, `adapter/core.py`, `fake/core.py`.
"""

from __future__ import annotations

from typing import Protocol

from integrations.proxmox.interface.agents import AgentCalls
from integrations.proxmox.interface.consoles import ConsoleCalls
from integrations.proxmox.interface.copies import CopyCalls
from integrations.proxmox.interface.core import CoreCalls
from integrations.proxmox.interface.health import HealthCalls
from integrations.proxmox.interface.volumes import VolumeCalls


class Hypervisor(
    CoreCalls, CopyCalls, AgentCalls, ConsoleCalls, HealthCalls, VolumeCalls, Protocol
):
    """One cluster, seen through one API token."""
