"""What uHub wants from a hypervisor, and the words it is told in."""

from __future__ import annotations

from integrations.proxmox.interface.agents import AgentCalls
from integrations.proxmox.interface.consoles import ConsoleCalls, ConsoleTicket, Screen
from integrations.proxmox.interface.core import CoreCalls
from integrations.proxmox.interface.facts import (
    AgentRun,
    CloudInit,
    ClusterListing,
    Disk,
    GuestConfig,
    GuestIdentity,
    GuestStatus,
    GuestSummary,
    HostReport,
    NetworkCard,
    NodeSummary,
    PowerState,
    StorageSummary,
    TaskOutcome,
    TaskPhase,
    TaskRef,
    TaskState,
    Usage,
    Version,
)
from integrations.proxmox.interface.health import HealthCalls
from integrations.proxmox.interface.hypervisor import Hypervisor

__all__ = [
    "AgentCalls",
    "AgentRun",
    "CloudInit",
    "ClusterListing",
    "ConsoleCalls",
    "ConsoleTicket",
    "CoreCalls",
    "Disk",
    "GuestConfig",
    "GuestIdentity",
    "GuestStatus",
    "GuestSummary",
    "HealthCalls",
    "HostReport",
    "Hypervisor",
    "NetworkCard",
    "NodeSummary",
    "PowerState",
    "Screen",
    "StorageSummary",
    "TaskOutcome",
    "TaskPhase",
    "TaskRef",
    "TaskState",
    "Usage",
    "Version",
]
