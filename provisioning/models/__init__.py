"""Tables of provisioning."""

from __future__ import annotations

from provisioning.models.alert import Alert, AlertRule
from provisioning.models.bootstrap import Bootstrap
from provisioning.models.cluster import Cluster, GuestObservation, VmidAllocation
from provisioning.models.console import ConsoleSession
from provisioning.models.copies import Backup, BackupSchedule, BackupStore, Snapshot
from provisioning.models.deployment import Deployment
from provisioning.models.dns import DnsRecord, DnsServer, DnsZone
from provisioning.models.finding import Finding
from provisioning.models.health import HealAttempt, HealthObservation, HealthState
from provisioning.models.hook import Hook, HookRun
from provisioning.models.host import HostKind, MonitoredHost
from provisioning.models.infrastructure import ApiHost, Node, NodeState, Slot, SlotKind, Storage
from provisioning.models.lease import ExtensionRequest, LeaseWarning
from provisioning.models.metric import (
    Metric1h,
    Metric5m,
    MetricDue,
    MetricSample,
    MetricSubject,
)
from provisioning.models.template import Template, TemplateCopy, TemplateType
from provisioning.models.transfer import OwnershipTransfer
from provisioning.models.volume import ShelfPurpose, Volume, VolumeShelf
from provisioning.models.webhook import Webhook, WebhookDelivery
from provisioning.models.window import MaintenanceWindow

__all__ = [
    "Alert",
    "AlertRule",
    "ApiHost",
    "Backup",
    "BackupSchedule",
    "BackupStore",
    "Bootstrap",
    "Cluster",
    "ConsoleSession",
    "Deployment",
    "DnsRecord",
    "DnsServer",
    "DnsZone",
    "ExtensionRequest",
    "Finding",
    "GuestObservation",
    "HealAttempt",
    "HealthObservation",
    "HealthState",
    "Hook",
    "HookRun",
    "HostKind",
    "LeaseWarning",
    "MaintenanceWindow",
    "Metric1h",
    "Metric5m",
    "MetricDue",
    "MetricSample",
    "MetricSubject",
    "MonitoredHost",
    "Node",
    "NodeState",
    "OwnershipTransfer",
    "ShelfPurpose",
    "Slot",
    "SlotKind",
    "Snapshot",
    "Storage",
    "Template",
    "TemplateCopy",
    "TemplateType",
    "VmidAllocation",
    "Volume",
    "VolumeShelf",
    "Webhook",
    "WebhookDelivery",
]
