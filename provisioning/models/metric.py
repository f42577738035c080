"""Figures over time, in partitions by time: raw, by five minutes, by the hour.

Only the platform role writes them. Their partitions are made and dropped by a function of the owner
(`metric_partitions_turn`), carry no grant and are reached through their parent alone.
"""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from portal.kernel.models import PlatformManager, TenantManager
from provisioning.logic.measures import SubjectKind
from provisioning.models.cluster import Cluster


class RealField(models.FloatField):  # type: ignore[type-arg]
    """A figure with six digits, which is more than was measured."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "real"


class MetricSubject(models.Model):
    """Of whom figures are kept, with the newest ones; its id is that of the machine, node or host.

    `*_total` are the counters as they were last read, from which the next reading makes a flow.
    """

    id = models.UUIDField(primary_key=True)
    tenant_id = models.UUIDField()
    kind = models.CharField(max_length=10, choices=SubjectKind)
    cluster = models.ForeignKey(Cluster, null=True, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=255)
    at = models.DateTimeField()
    interval_s = models.PositiveIntegerField()
    uptime_s = models.BigIntegerField(null=True)
    disk_read_total = models.BigIntegerField(null=True)
    disk_write_total = models.BigIntegerField(null=True)
    net_in_total = models.BigIntegerField(null=True)
    net_out_total = models.BigIntegerField(null=True)
    cpu_cores = models.PositiveIntegerField(null=True)
    memory_used = models.BigIntegerField(null=True)
    memory_size = models.BigIntegerField(null=True)
    disk_used = models.BigIntegerField(null=True)
    disk_size = models.BigIntegerField(null=True)
    cpu = RealField(null=True)
    memory = RealField(null=True)
    disk = RealField(null=True)
    disk_read = RealField(null=True)
    disk_write = RealField(null=True)
    net_in = RealField(null=True)
    net_out = RealField(null=True)

    objects: ClassVar[TenantManager[Self]] = TenantManager()
    across_tenants: ClassVar[PlatformManager[Self]] = PlatformManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=SubjectKind.values), name="metric_subject_kind_known"
            )
        ]
        indexes = [models.Index(fields=["tenant_id", "kind"], name="metric_subject_of_tenant")]

    def __str__(self) -> str:
        return self.name


class Figures(models.Model):
    """One reading of one subject, or the mean of many."""

    pk = models.CompositePrimaryKey("subject_id", "at")
    subject_id = models.UUIDField()
    at = models.DateTimeField()
    tenant_id = models.UUIDField()
    cpu = RealField(null=True)
    memory = RealField(null=True)
    disk = RealField(null=True)
    disk_read = RealField(null=True)
    disk_write = RealField(null=True)
    net_in = RealField(null=True)
    net_out = RealField(null=True)

    objects: ClassVar[TenantManager[Self]] = TenantManager()
    across_tenants: ClassVar[PlatformManager[Self]] = PlatformManager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.subject_id} {self.at:%Y-%m-%d %H:%M:%S}"


class Spread(Figures):
    """Means with how far the readings went, and how many there were."""

    samples = models.PositiveIntegerField()
    cpu_min = RealField(null=True)
    cpu_max = RealField(null=True)
    memory_min = RealField(null=True)
    memory_max = RealField(null=True)
    disk_min = RealField(null=True)
    disk_max = RealField(null=True)
    disk_read_min = RealField(null=True)
    disk_read_max = RealField(null=True)
    disk_write_min = RealField(null=True)
    disk_write_max = RealField(null=True)
    net_in_min = RealField(null=True)
    net_in_max = RealField(null=True)
    net_out_min = RealField(null=True)
    net_out_max = RealField(null=True)

    class Meta:
        abstract = True


class MetricSample(Figures):
    """What was read, for a day."""


class Metric5m(Spread):
    """Five minutes each, for two weeks."""


class Metric1h(Spread):
    """An hour each, for 400 days."""


class MetricDue(models.Model):
    """A stretch of time whose rollup is to be made (again), because readings of it were written."""

    pk = models.CompositePrimaryKey("width_s", "at")
    width_s = models.PositiveIntegerField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.width_s} {self.at:%Y-%m-%d %H:%M:%S}"
