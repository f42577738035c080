"""Abstract models: UUIDv7 keys, timestamps, tenants."""

from __future__ import annotations

from typing import Any, ClassVar, Self, TypeVar
from uuid import UUID

import uuid_utils.compat
from django.db import models

from portal.kernel import scope
from portal.kernel.tenancy import DEFAULT, PLATFORM

T = TypeVar("T", bound=models.Model)


def uuid7() -> UUID:
    """A time-ordered key: it is the public id, there is no integer twin."""
    value: UUID = uuid_utils.compat.uuid7()
    return value


def mask_secret(_value: str) -> str:
    """What an audit of configuration shows instead of a masked value: nothing of it."""
    return "***"


class TimestampedModel(models.Model):
    """A row with a public id and its times."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class TenantManager(models.Manager[T]):
    """Filters by the tenant in scope, beside what the database does: the planner's help and a second net."""

    def get_queryset(self) -> models.QuerySet[T]:
        queryset = super().get_queryset()
        tenant_id = scope.tenant_id.get()
        if tenant_id is not None and scope.alias.get() == DEFAULT:
            queryset = queryset.filter(tenant_id=tenant_id)
        return queryset


class PlatformManager(models.Manager[T]):
    """All tenants' rows, through the platform role: staff views, sweeps, billing runs."""

    def get_queryset(self) -> models.QuerySet[T]:
        return super().get_queryset().using(PLATFORM)


class TenantModel(TimestampedModel):
    """A row that belongs to one tenant; its table needs `TenantTable` in the migration."""

    tenant = models.ForeignKey("billing.Tenant", on_delete=models.PROTECT, related_name="+")

    objects: ClassVar[TenantManager[Self]] = TenantManager()
    across_tenants: ClassVar[PlatformManager[Self]] = PlatformManager()

    class Meta:
        abstract = True


class TenantForeignKey(models.ForeignKey):  # type: ignore[type-arg]
    """A reference between two tenant tables.

    Row-level security does not guard foreign keys, so the plain constraint is left out and the migration
    operation `TenantReference` writes the composite one, `(tenant_id, x_id) → (tenant_id, id)`.
    """

    def __init__(self, to: Any, on_delete: Any, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        super().__init__(to, on_delete, **kwargs)
