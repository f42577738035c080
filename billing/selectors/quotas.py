"""Limits and usage of the tenant in scope."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Sum

from billing.logic.quota import DIMENSIONS, Amounts, Verdict, verdicts
from billing.models import Quota, QuotaReservation, QuotaUsage
from portal.services.settings import setting_get


def quota_limits(tenant_id: UUID) -> dict[str, int | None]:
    """The tenant's own row if there is one, else the platform's defaults."""
    row = Quota.objects.filter(tenant_id=tenant_id).first()
    if row is not None:
        return {name: getattr(row, name) for name in DIMENSIONS}
    return {name: int(setting_get(f"cloudpods.quota.default_{name}")) for name in DIMENSIONS}


def quota_used(tenant_id: UUID) -> Amounts:
    """What is reserved now."""
    row = QuotaUsage.objects.filter(tenant_id=tenant_id).first()
    return row.amounts if row else Amounts()


def quota_verdicts(tenant_id: UUID, requested: Amounts) -> tuple[Verdict, ...]:
    """How a request stands against the limits, without a lock: what a plan shows."""
    return verdicts(quota_limits(tenant_id), quota_used(tenant_id), requested)


def quota_recomputed(tenant_id: UUID) -> Amounts:
    """The sum of all held reservations: what the counters must equal."""
    held = QuotaReservation.objects.filter(tenant_id=tenant_id, released_at__isnull=True)
    sums = held.aggregate(**{name: Sum(name, default=0) for name in DIMENSIONS})
    return Amounts(**{name: int(sums[name]) for name in DIMENSIONS})
