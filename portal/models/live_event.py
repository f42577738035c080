"""What changed a moment ago, for the pages that show it."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models.functions import Cast, Now

from portal.kernel.models import TenantManager


def _number_of(function: str, *arguments: models.Func) -> Cast:
    """A transaction number as PostgreSQL answers it, as a plain number."""
    answer: models.Func = models.Func(*arguments, function=function)
    return Cast(Cast(answer, models.TextField()), models.BigIntegerField())


class LiveEvent(models.Model):
    """One change of one tenant's objects; the key is its `seq`, the `Last-Event-ID` of streams.

    Keys are not committed in their order. `xid` says which transaction wrote the row, and `horizon` below
    which number every transaction had ended when it did: nothing older than that can still turn up.
    """

    id = models.BigAutoField(primary_key=True)
    tenant = models.ForeignKey(
        "billing.Tenant",
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    topics: models.JSONField[Any, Any] = models.JSONField()
    xid = models.BigIntegerField(db_default=_number_of("pg_current_xact_id"), db_index=True)
    horizon = models.BigIntegerField(
        db_default=_number_of("pg_snapshot_xmin", models.Func(function="pg_current_snapshot"))
    )
    created_at = models.DateTimeField(db_default=Now())

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    def __str__(self) -> str:
        return f"{self.id} {self.topics}"
