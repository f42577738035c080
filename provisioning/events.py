"""What provisioning tells the apps above."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class DeploymentChanged:
    """A deployment reached another state; `tag` is the audit's word for what happened, if it has one."""

    deployment_id: UUID
    tenant_id: UUID
    status: str
    tag: str = ""


@dataclass(frozen=True, slots=True)
class VolumeChanged:
    """A volume reached another state, or something else of it changed; `tag` as above."""

    volume_id: UUID
    tenant_id: UUID
    deployment_id: UUID | None
    status: str
    tag: str = ""


@dataclass(frozen=True, slots=True)
class LeaseWarned:
    """The end of a lease is near; its owner was or could not be sent a mail."""

    deployment_id: UUID
    tenant_id: UUID
    owner_id: UUID
    name: str
    end: str
    ends_at: datetime
    lease_version: int
    offset_hours: int


@dataclass(frozen=True, slots=True)
class LeaseEnded:
    """A lease came to one of its ends: the machine is stopped, or deleted."""

    deployment_id: UUID
    tenant_id: UUID
    owner_id: UUID
    name: str
    end: str
    lease_version: int


@dataclass(frozen=True, slots=True)
class ExtensionAsked:
    """Somebody wants more time than the rules give."""

    request_id: UUID
    deployment_id: UUID
    tenant_id: UUID
    requester_id: UUID
    requester: str
    name: str
    hours: int
    reason: str


@dataclass(frozen=True, slots=True)
class ExtensionDecided:
    """Somebody else granted or denied it, or nobody did in time."""

    request_id: UUID
    deployment_id: UUID
    tenant_id: UUID
    requester_id: UUID
    name: str
    hours: int
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class BackupDone:
    """A backup ended, well or not: `status` is complete or failed. `deployment_id` may be gone by now."""

    deployment_id: UUID | None
    tenant_id: UUID
    backup_id: UUID
    status: str


@dataclass(frozen=True, slots=True)
class FindingOpened:
    """A cluster shows something else than our rows, often enough to bother people with it.

    `episode` tells one opening of a finding from the next.
    """

    finding_id: UUID
    tenant_id: UUID
    kind: str
    vmid: int
    node: str
    cluster: str
    episode: int


@dataclass(frozen=True, slots=True)
class AddressesFound:
    """A machine told its addresses; there is at least one."""

    deployment_id: UUID
    tenant_id: UUID
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AlertChanged:
    """A threshold is broken for long enough, or no longer; `status` is firing or resolved."""

    alert_id: UUID
    tenant_id: UUID
    status: str
    severity: str
    rule: str
    metric: str
    threshold: float
    value: float
    subject_kind: str
    subject_id: UUID
    subject: str
    owner_id: UUID | None


@dataclass(frozen=True, slots=True)
class HealthChanged:
    """A machine's health is another one; `reason` is a stored text."""

    deployment_id: UUID
    tenant_id: UUID
    owner_id: UUID
    name: str
    before: str
    health: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class HealEnded:
    """A healing ended: `status` done or failed, or exhausted where no further one will come."""

    deployment_id: UUID
    tenant_id: UUID
    owner_id: UUID
    attempt_id: UUID
    name: str
    action: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class HealPaused:
    """So many machines of a cluster are unwell at once that none of them is healed."""

    cluster_id: UUID
    cluster: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OwnershipOffered:
    """Somebody offers a machine to a colleague."""

    transfer_id: UUID
    deployment_id: UUID
    tenant_id: UUID
    receiver_id: UUID
    requester: str
    name: str


@dataclass(frozen=True, slots=True)
class OwnershipSettled:
    """An offer came to its end, or a machine was handed over without one; `told` are those to be told."""

    deployment_id: UUID
    tenant_id: UUID
    told: tuple[UUID, ...]
    name: str
    owner: str
    status: str
    cause: str
