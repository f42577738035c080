"""Quota against what it is the sum of: counters, reservations, and the machines and disks that hold them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Aggregate, Count, QuerySet, Sum
from django.db.models.functions import Coalesce, Greatest

from billing.logic.quota import DIMENSIONS, Amounts
from billing.models import QuotaReservation, QuotaUsage, Tenant
from billing.services.quotas import quota_repair
from portal.kernel.authz import Actor
from portal.kernel.tenancy import PLATFORM, tenant_scope
from provisioning.models import Deployment, Volume
from provisioning.states import DeploymentStatus, VolumeStatus

_FIGURES = ("cpu_cores", "memory_mb", "disk_gb")


@dataclass(frozen=True, slots=True)
class QuotaGap:
    """A tenant whose counters, reservations and live deployments do not say the same."""

    tenant_id: UUID
    slug: str
    counted: Amounts
    reserved: Amounts
    lived: Amounts

    @property
    def text(self) -> str:
        """Dimension by dimension, where they differ."""
        return "; ".join(
            f"{name}: counted {self.counted.of(name)}, reserved {self.reserved.of(name)}, "
            f"deployments {self.lived.of(name)}"
            for name in DIMENSIONS
            if len({self.counted.of(name), self.reserved.of(name), self.lived.of(name)}) > 1
        )


def quota_gaps() -> list[QuotaGap]:
    """All tenants whose books do not balance, in five questions however many there are."""
    counted = {row.tenant_id: row.amounts for row in QuotaUsage.across_tenants.all()}
    reserved = _sums(
        QuotaReservation.across_tenants.filter(released_at=None).order_by(), Sum("deployments")
    )
    live = Deployment.across_tenants.exclude(status=DeploymentStatus.DELETED).order_by()
    lived = _sums(live, Count("id"))
    for tenant_id, volume_gb in _volumes_gb().items():
        held = lived.get(tenant_id, Amounts())
        lived[tenant_id] = held.minus(Amounts(0, 0, 0, -volume_gb))
    gaps = []
    for tenant in Tenant.objects.using(PLATFORM).order_by("slug"):
        books = [table.get(tenant.pk, Amounts()) for table in (counted, reserved, lived)]
        if len(set(books)) > 1:
            gaps.append(QuotaGap(tenant.pk, tenant.slug, *books))
    return gaps


def _sums(rows: QuerySet[Any], count: Aggregate) -> dict[UUID, Amounts]:
    """The amounts that rows of all tenants add up to, by tenant."""
    sums = {f"total_{name}": Sum(name) for name in _FIGURES}
    return {
        line["tenant_id"]: Amounts(
            line["number"], *(int(line[f"total_{name}"]) for name in _FIGURES)
        )
        for line in rows.values("tenant_id").annotate(number=count, **sums)
    }


def _volumes_gb() -> dict[UUID, int]:
    """What the disks of all tenants hold, growths under way included, by tenant."""
    live = Volume.across_tenants.exclude(status=VolumeStatus.DELETED).order_by()
    held = Greatest("size_gb", Coalesce("wanted_gb", 0))
    rows = live.values("tenant_id").annotate(total=Sum(held))
    return {row["tenant_id"]: int(row["total"]) for row in rows}


def quota_gaps_repair(*, actor: Actor, gaps: Iterable[QuotaGap]) -> list[str]:
    """Sets counters to the sum of the reservations; answers the tenants where that balanced the books."""
    repaired = []
    for gap in gaps:
        with tenant_scope(gap.tenant_id):
            quota_repair(actor=actor, tenant_id=gap.tenant_id)
        if gap.reserved == gap.lived:
            repaired.append(gap.slug)
    return repaired
