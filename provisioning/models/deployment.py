"""The deployment: one provisioned VM and its life."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from billing.logic.quota import Amounts
from portal.kernel.models import TenantModel
from provisioning.models.cluster import Cluster
from provisioning.models.template import Template
from provisioning.states import BUSY, DeploymentStatus, DesiredPower, Health


class Deployment(TenantModel):
    """One VM. `marker` and `guest_uuid` prove its identity before anything is changed on the hypervisor.

    `guest_facts` is what the machine looked like when it was last known to be right, beyond our figures:
    {name, disk_gb, nets}; None while nobody has looked. `clone_requested_at` is set before the first clone
    call and tells later runs to look before they ask again; `expires_at` ends the running, `delete_after`
    the existing. `lease_version` counts the changes of these ends; warnings belong to a version.
    `is_protected` says that the hypervisor may have been told to refuse a deletion. `desired_power` is what
    people last asked for, empty while nobody knows; only a machine that is to run is ever healed.
    `health_probe` replaces the template's.
    `watched_until` is set on what was forgotten: till then its machine may come back, and that is told.
    `restored_from_id` is the backup it is made from, instead of a template's copy.
    """

    name = models.CharField(max_length=63)
    hostname = models.CharField(max_length=253)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="+")
    template_version = models.PositiveIntegerField(default=1)
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="+")
    node = models.CharField(max_length=63)
    storage = models.CharField(max_length=60, blank=True, default="", db_default="")
    source_node = models.CharField(max_length=63, blank=True, default="", db_default="")
    source_vmid = models.PositiveIntegerField(null=True)
    restored_from_id = models.UUIDField(null=True)
    placement = models.JSONField(null=True)
    vmid = models.PositiveIntegerField()
    marker = models.CharField(max_length=120)
    guest_uuid = models.CharField(max_length=36, blank=True, default="")
    guest_facts = models.JSONField(null=True)
    clone_requested_at = models.DateTimeField(null=True)
    status = models.CharField(
        max_length=12, choices=DeploymentStatus, default=DeploymentStatus.PROVISIONING
    )
    health = models.CharField(max_length=8, choices=Health, default=Health.UNKNOWN)
    desired_power = models.CharField(
        max_length=7, choices=DesiredPower, blank=True, default="", db_default=""
    )
    auto_heal = models.BooleanField(default=True, db_default=True)
    health_probe = models.JSONField(null=True)
    attention = models.JSONField(null=True)
    cpu_cores = models.PositiveIntegerField()
    memory_mb = models.PositiveIntegerField()
    disk_gb = models.PositiveIntegerField()
    price_hour = models.DecimalField(max_digits=12, decimal_places=6)
    ip_addresses = models.JSONField(default=list)
    parameters = models.JSONField(default=dict)
    tags = models.JSONField(default=list)
    hold = models.BooleanField(default=False)
    hold_reason = models.CharField(max_length=200, blank=True, default="", db_default="")
    held_at = models.DateTimeField(null=True)
    is_protected = models.BooleanField(default=False, db_default=False)
    ttl_hours = models.PositiveIntegerField()
    expires_at = models.DateTimeField()
    expired_at = models.DateTimeField(null=True)
    delete_after = models.DateTimeField(null=True)
    lease_version = models.PositiveIntegerField(default=1, db_default=1)
    lease_set_at = models.DateTimeField(null=True)
    ready_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    watched_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "deployment"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"],
                name="deployment_name_once_while_live",
                condition=~models.Q(status="deleted"),
            ),
            models.UniqueConstraint(
                fields=["cluster", "vmid"],
                name="deployment_vmid_once_while_live",
                condition=~models.Q(status="deleted"),
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=DeploymentStatus.values),
                name="deployment_status_known",
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "-created_at", "-id"],
                include=["status", "ready_at", "price_hour"],
                name="deployment_newest",
            ),
            models.Index(
                fields=["tenant", "expires_at"],
                include=["status", "price_hour", "hold"],
                name="deployment_live",
                condition=~models.Q(status="deleted"),
            ),
            models.Index(
                fields=["tenant", "deleted_at"],
                include=["price_hour"],
                name="deployment_gone",
                condition=models.Q(deleted_at__isnull=False),
            ),
            models.Index(
                fields=["tenant", "-updated_at"],
                name="deployment_troubled",
                condition=models.Q(models.Q(attention__isnull=False) | models.Q(status="error"))
                & ~models.Q(status="deleted"),
            ),
            models.Index(
                fields=["tenant", "-updated_at"],
                name="deployment_unwell",
                condition=models.Q(health="failed", attention__isnull=True)
                & ~models.Q(status__in=("deleted", "error")),
            ),
            models.Index(
                fields=["cluster", "watched_until"],
                name="deployment_watched",
                condition=models.Q(watched_until__isnull=False),
            ),
            models.Index(
                fields=["expires_at"],
                name="deployment_expiring",
                condition=~models.Q(status="deleted"),
            ),
            models.Index(
                fields=["delete_after"],
                name="deployment_delete_after",
                condition=models.Q(delete_after__isnull=False) & ~models.Q(status="deleted"),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def clone_source(self) -> tuple[str, int]:
        """Node and VMID it is cloned from; the template's own place for rows older than placement."""
        if self.source_vmid is None:
            return self.template.default_node, self.template.proxmox_template_vmid
        return self.source_node, self.source_vmid

    @property
    def storage_pool(self) -> str:
        """The storage its disks are on."""
        return self.storage or self.template.storage_pool

    @property
    def is_busy(self) -> bool:
        """Whether an action is under way."""
        return self.status in BUSY

    @property
    def amounts(self) -> Amounts:
        """What it holds of the quota."""
        return Amounts(1, self.cpu_cores, self.memory_mb, self.disk_gb)
