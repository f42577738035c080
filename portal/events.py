"""What happens in the platform that apps above it may care about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class PlatformBootstrapped:
    """Roles, settings and a first administrator exist; apps add what they need from the first day."""

    admin_id: UUID


@dataclass(frozen=True, slots=True)
class MailDelivered:
    """A mail server took a mail; the reference is the one it was asked for with."""

    reference_type: str
    reference_id: UUID
    to: str
    at: datetime


@dataclass(frozen=True, slots=True)
class MailUndelivered:
    """A mail will not be sent by itself any more."""

    reference_type: str
    reference_id: UUID
    to: str
    reason: str


@dataclass(frozen=True, slots=True)
class OperationEnded:
    """An operation that people had to wait for is done, or its end was decided for good.

    Told just before the engine writes it down, hence again when a worker is lost in between.
    """

    operation_id: UUID
    tenant_id: UUID
    actor_id: UUID | None
    type: str
    queue: str
    target_type: str
    target_id: UUID | None
    status: str
    message: str = ""
    needs_operator: bool = False
