"""What reconciliation found: one row per thing that is not as it should be."""

from __future__ import annotations

from django.db import models

from portal.kernel.models import TenantForeignKey, TenantModel
from provisioning.models.cluster import Cluster
from provisioning.models.deployment import Deployment
from provisioning.states import FindingKind, FindingStatus, Resolution

CLUSTER_ITSELF = 0
"""The `vmid` of a finding about a whole cluster."""


class Finding(TenantModel):
    """A difference between a cluster and our rows; once per (cluster, vmid, kind) while it stands.

    It belongs to the tenant whose deployment it concerns, else to the platform tenant, which has no row,
    hence no constraint on `tenant`. `expected` and `found` hold the values side by side under the same
    names.
    """

    tenant = models.ForeignKey(
        "billing.Tenant",
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="findings")
    vmid = models.PositiveIntegerField()
    node = models.CharField(max_length=63, blank=True, default="")
    kind = models.CharField(max_length=20, choices=FindingKind)
    status = models.CharField(max_length=10, choices=FindingStatus, default=FindingStatus.SUSPECTED)
    deployment = TenantForeignKey(
        Deployment, on_delete=models.PROTECT, related_name="findings", null=True
    )
    expected = models.JSONField(default=dict)
    found = models.JSONField(default=dict)
    count = models.PositiveIntegerField(default=1)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    resolution = models.CharField(max_length=10, choices=Resolution, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="")
    decided_by = models.CharField(max_length=160, blank=True, default="")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "finding"
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "vmid", "kind"],
                name="finding_once_while_it_stands",
                condition=models.Q(status__in=["suspected", "open", "closed"]),
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=FindingKind.values), name="finding_kind_known"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=FindingStatus.values), name="finding_status_known"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="finding_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.vmid}" if self.vmid else str(self.kind)
