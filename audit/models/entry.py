"""Audit entries: written once, never changed, each with its own hash."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.kernel import clock
from portal.kernel.audit_tags import Category
from portal.kernel.models import PlatformManager, TenantManager, uuid7


class Outcome(models.TextChoices):
    """How an attempt ended."""

    SUCCESS = "success", _("Success")
    REFUSED = "refused", _("Refused")
    FAILED = "failed", _("Failed")


class Entry(models.Model):
    """What happened, who did it, from where, and what it changed.

    `seq`, `xid` and `row_hash` are set by the database on insert and by nobody else: an entry in memory
    does not know them. There is no foreign key to the tenant: platform-wide entries belong to the
    platform's own id, which has no row.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    seq = models.BigIntegerField(default=0, unique=True)
    xid = models.BigIntegerField(default=0, db_index=True)
    category = models.CharField(
        max_length=16, choices=[(category.value, category.value) for category in Category]
    )
    tag = models.CharField(max_length=80)
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    actor_kind = models.CharField(max_length=16)
    actor_id = models.UUIDField(null=True)
    actor_label = models.CharField(max_length=200)
    target_type = models.CharField(max_length=80, blank=True)
    target_id = models.CharField(max_length=80, blank=True)
    target_label = models.CharField(max_length=200, blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    detail = models.JSONField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    operation_id = models.UUIDField(null=True)
    address = models.CharField(max_length=45, blank=True)
    channel = models.CharField(max_length=16)
    created_at = models.DateTimeField(default=clock.now)
    row_hash = models.CharField(max_length=64, default="")

    objects: ClassVar[TenantManager[Self]] = TenantManager()
    across_tenants: ClassVar[PlatformManager[Self]] = PlatformManager()

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        indexes = [
            models.Index(fields=["tenant_id", "-created_at", "-id"], name="audit_entry_newest"),
            models.Index(
                fields=["tenant_id", "target_type", "target_id"], name="audit_entry_target"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(outcome__in=Outcome.values), name="audit_entry_outcome_is_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.tag} {self.target_type} {self.target_id}".strip()
