"""The current tenant and user of this thread or task; only `tenancy` writes them."""

from __future__ import annotations

from contextvars import ContextVar
from uuid import UUID

tenant_id: ContextVar[UUID | None] = ContextVar("tenant_id", default=None)
user_id: ContextVar[UUID | None] = ContextVar("user_id", default=None)
alias: ContextVar[str] = ContextVar("database_alias", default="default")


def is_set() -> bool:
    """Whether any scope is open."""
    return tenant_id.get() is not None or user_id.get() is not None
