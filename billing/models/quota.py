"""Quota limits, usage counters and the reservations they are the sum of."""

from __future__ import annotations

from django.db import models

from billing.logic.quota import Amounts
from portal.kernel.models import TenantModel


class Quota(TenantModel):
    """A tenant's own limits. NULL is unlimited, 0 is none; without a row the settings' defaults apply."""

    deployments = models.PositiveIntegerField(null=True, blank=True)
    cpu_cores = models.PositiveIntegerField(null=True, blank=True)
    memory_mb = models.PositiveIntegerField(null=True, blank=True)
    disk_gb = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant"], name="quota_once_per_tenant")]


class QuotaUsage(TenantModel):
    """What is reserved now. Its row is the lock that makes reserving atomic."""

    deployments = models.IntegerField(default=0)
    cpu_cores = models.IntegerField(default=0)
    memory_mb = models.IntegerField(default=0)
    disk_gb = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant"], name="quota_usage_once_per_tenant"),
            models.CheckConstraint(
                condition=models.Q(
                    deployments__gte=0, cpu_cores__gte=0, memory_mb__gte=0, disk_gb__gte=0
                ),
                name="quota_usage_never_negative",
            ),
        ]

    @property
    def amounts(self) -> Amounts:
        return Amounts(self.deployments, self.cpu_cores, self.memory_mb, self.disk_gb)


class QuotaReservation(TenantModel):
    """What one subject (a deployment) holds until it is confirmed gone."""

    subject_id = models.UUIDField()
    deployments = models.PositiveIntegerField(default=1)
    cpu_cores = models.PositiveIntegerField()
    memory_mb = models.PositiveIntegerField()
    disk_gb = models.PositiveIntegerField()
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "subject_id"], name="quota_reservation_once_per_subject"
            )
        ]
        indexes = [
            models.Index(
                fields=["tenant"],
                name="quota_reservation_held",
                condition=models.Q(released_at__isnull=True),
            )
        ]

    @property
    def amounts(self) -> Amounts:
        return Amounts(self.deployments, self.cpu_cores, self.memory_mb, self.disk_gb)
