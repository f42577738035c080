"""Tables of the money side."""

from __future__ import annotations

from billing.models.tenant import Tenant

__all__ = ["Tenant"]
