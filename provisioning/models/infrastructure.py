"""What clusters are made of, as their last listing showed it, and who uses their slots."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.kernel.models import TimestampedModel
from provisioning.models.cluster import Cluster
from provisioning.models.maintenance import Maintainable


class NodeState(models.TextChoices):
    """What the cluster says of a node; unknown also covers one that is not listed any more."""

    ONLINE = "online", _("Online")
    OFFLINE = "offline", _("Offline")
    UNKNOWN = "unknown", _("Unknown")


class SlotKind(models.TextChoices):
    """Work that is hard on a storage: a copy of a whole disk, a change of volumes, a backup or a restore."""

    CLONE = "clone", _("Clone")
    DISK = "disk", _("Disk")
    COPY = "copy", _("Backup")


class Node(Maintainable, TimestampedModel):
    """A host of a cluster. State and sizes are the listing's; limits left empty are the settings'."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="nodes")
    name = models.CharField(max_length=63)
    state = models.CharField(max_length=8, choices=NodeState, default=NodeState.UNKNOWN)
    cpu_cores = models.PositiveIntegerField(null=True)
    memory_mb = models.PositiveIntegerField(null=True)
    clone_limit = models.PositiveSmallIntegerField(null=True, blank=True)
    cpu_overcommit = models.DecimalField(null=True, blank=True, max_digits=5, decimal_places=2)
    memory_overcommit = models.DecimalField(null=True, blank=True, max_digits=5, decimal_places=2)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("cluster", "name")
        constraints = [
            models.UniqueConstraint(fields=["cluster", "name"], name="node_once_per_cluster"),
            models.CheckConstraint(
                condition=models.Q(state__in=NodeState.values), name="node_state_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Storage(TimestampedModel):
    """A storage of a cluster: one row for a shared one, one per node for a local one."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="storages")
    node = models.ForeignKey(Node, null=True, on_delete=models.CASCADE, related_name="storages")
    name = models.CharField(max_length=60)
    node_names = models.JSONField(default=list)
    is_shared = models.BooleanField(default=False)
    is_active = models.BooleanField(default=False)
    is_enabled = models.BooleanField(
        default=True, help_text=_("Whether machines may be placed here.")
    )
    total_gb = models.PositiveIntegerField(null=True)
    used_gb = models.PositiveIntegerField(null=True)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("cluster", "name", "node")
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "name", "node"],
                name="storage_once_per_place",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return self.name


class ApiHost(TimestampedModel):
    """One API host of a cluster as it was last asked; `changed_at` says since when it is so.

    `latency_ms` is how long its last answer took.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="api_hosts")
    address = models.CharField(max_length=260)
    is_reachable = models.BooleanField(default=False)
    last_error = models.CharField(max_length=500, blank=True, default="")
    latency_ms = models.PositiveIntegerField(null=True)
    changed_at = models.DateTimeField()
    asked_at = models.DateTimeField()

    class Meta:
        ordering = ("cluster", "address")
        constraints = [
            models.UniqueConstraint(fields=["cluster", "address"], name="api_host_once_per_cluster")
        ]

    def __str__(self) -> str:
        return self.address


class Slot(TimestampedModel):
    """A deployment's slot on a storage and a node, held or waited for. Shared by all organisations.

    `waits_for` names what was full when it was asked for last; a waiting row keeps its age, and with it
    its turn.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="slots")
    deployment_id = models.UUIDField(unique=True)
    kind = models.CharField(max_length=5, choices=SlotKind)
    storage = models.CharField(max_length=130)
    node = models.CharField(max_length=63)
    is_held = models.BooleanField(default=False)
    waits_for = models.CharField(max_length=130, blank=True, default="")
    asked_at = models.DateTimeField()
    renewed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["cluster", "kind", "asked_at"], name="slot_queue")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=SlotKind.values), name="slot_kind_known"
            )
        ]
