"""What billing tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True, slots=True)
class QuotaNearlyFull:
    """A reservation brought a dimension of a quota to nine tenths of its limit or more."""

    tenant_id: UUID
    actor_id: UUID | None
    dimension: str
    used: int
    limit: int
    on: date
