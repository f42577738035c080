"""Seals: each closes a range of entries and points to the seal before it."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models

from portal.kernel import clock
from portal.kernel.models import PlatformManager, TenantManager, uuid7


class Seal(models.Model):
    """A tenant's entries of one closed range of transactions, in their order.

    `members` lists `[entry id, row hash]` in order, so that a later look can name the entry that was
    changed, removed, added or moved; `digest` is the hash over it and `seal_hash` binds the whole seal
    to the previous one.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    number = models.BigIntegerField()
    from_xid = models.BigIntegerField()
    to_xid = models.BigIntegerField(db_index=True)
    entry_count = models.IntegerField()
    members = models.JSONField()
    digest = models.CharField(max_length=64)
    previous_hash = models.CharField(max_length=64, blank=True)
    seal_hash = models.CharField(max_length=64)
    sealed_at = models.DateTimeField(default=clock.now)

    objects: ClassVar[TenantManager[Self]] = TenantManager()
    across_tenants: ClassVar[PlatformManager[Self]] = PlatformManager()

    class Meta:
        ordering = ("tenant_id", "number")
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "number"], name="audit_seal_number_once")
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} · {self.number}"
