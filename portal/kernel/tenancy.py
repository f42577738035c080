"""Tenant scopes: the only way application code says for whom it works.

Cross-tenant work never widens a scope. It uses the `platform` or `dispatch` alias, which are other
database roles with policies of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast
from uuid import UUID

from django.db import connections
from django.db.models import Model

from portal.kernel import scope
from portal.kernel.database.base import DatabaseWrapper

PLATFORM_TENANT_ID = UUID("00000000-0000-7000-8000-000000000000")
"""Owner of platform-wide rows in tables that need a tenant (audit entries, operations, secrets)."""

DEFAULT, PLATFORM, DISPATCH, OWNER = "default", "platform", "dispatch", "owner"


def current_tenant_id() -> UUID | None:
    """The tenant of the open scope, or None."""
    return scope.tenant_id.get()


@contextmanager
def tenant_scope(tenant_id: UUID | None, *, user_id: UUID | None = None) -> Iterator[None]:
    """Works for one tenant (and, for rows a user owns, one user) until the block ends.

    Inside an open transaction the change takes effect at once and is undone explicitly at the end,
    because a released savepoint would keep the inner value.
    """
    tenant_token = scope.tenant_id.set(tenant_id)
    user_token = scope.user_id.set(user_id if user_id is not None else scope.user_id.get())
    try:
        _reapply()
        yield
    finally:
        scope.tenant_id.reset(tenant_token)
        scope.user_id.reset(user_token)
        _reapply()


@contextmanager
def user_scope(user_id: UUID | None) -> Iterator[None]:
    """Works as one user without a tenant: sees that user's own rows (memberships, tokens) only."""
    token = scope.user_id.set(user_id)
    try:
        _reapply()
        yield
    finally:
        scope.user_id.reset(token)
        _reapply()


def rows_of_user(user_id: UUID, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
    """The rows of a prepared statement that sees what is the user's own, in one trip to the database."""
    with user_scope(user_id):
        connection = cast(DatabaseWrapper, connections[DEFAULT])
        return connection.prepared_rows(sql, parameters)


@contextmanager
def platform_alias() -> Iterator[None]:
    """Sends the ORM to the `platform` role until the block ends (Django admin, staff pages)."""
    token = scope.alias.set(PLATFORM)
    try:
        yield
    finally:
        scope.alias.reset(token)


def _reapply() -> None:
    connection = cast(DatabaseWrapper, connections[DEFAULT])
    if connection.connection is None or not connection.in_atomic_block:
        return
    if not connection.needs_rollback:
        connection.apply_scope()


class AliasRouter:
    """Everything goes to the alias of the current scope; migrations run as the owner only."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        return self._alias(hints)

    def db_for_write(self, model: type[Model], **hints: Any) -> str | None:
        return self._alias(hints)

    def _alias(self, hints: dict[str, Any]) -> str:
        instance = hints.get("instance")
        state = getattr(instance, "_state", None)
        return getattr(state, "db", None) or scope.alias.get()

    def allow_relation(self, obj1: Model, obj2: Model, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == OWNER
