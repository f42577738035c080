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
    Drive,
    DriveState,
    GuestConfig,
    GuestIdentity,
    GuestStatus,
    GuestSummary,
    HostReport,
    NetworkCard,
    NodeSummary,
    PowerState,
    StorageSummary,
    StoredVolume,
    TaskOutcome,
    TaskPhase,
    TaskRef,
    TaskState,
    Usage,
    Version,
)
from integrations.proxmox.interface.health import HealthCalls
from integrations.proxmox.interface.hypervisor import Hypervisor
from integrations.proxmox.interface.volumes import VolumeCalls

__all__ = [
    "AgentCalls",
    "AgentRun",
    "CloudInit",
    "ClusterListing",
    "ConsoleCalls",
    "ConsoleTicket",
    "CoreCalls",
    "Disk",
    "Drive",
    "DriveState",
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
    "StoredVolume",
    "TaskOutcome",
    "TaskPhase",
    "TaskRef",
    "TaskState",
    "Usage",
    "Version",
    "VolumeCalls",
]
