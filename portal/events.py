"""What happens in the platform that apps above it may care about."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class PlatformBootstrapped:
    """Roles, settings and a first administrator exist; apps add what they need from the first day."""

    admin_id: UUID
