"""Tables of the money side."""

from __future__ import annotations

from billing.models.quota import Quota, QuotaReservation, QuotaUsage
from billing.models.tenant import Tenant

__all__ = ["Quota", "QuotaReservation", "QuotaUsage", "Tenant"]
