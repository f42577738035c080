"""What people are told of, and what they do not want to be told of."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from portal.kernel.models import TimestampedModel


class Notification(TimestampedModel):
    """One notice of one person in one organisation, or in none (the platform tenant has no row).

    `words` is what the kind makes its sentence of, `path` the page of what happened. `cause` names what
    happened: nobody is told of the same cause twice.
    """

    tenant = models.ForeignKey(
        "billing.Tenant",
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=63)
    cause = models.CharField(max_length=200)
    words: models.JSONField[Any, Any] = models.JSONField(default=dict)
    path = models.CharField(max_length=200, blank=True, default="")
    read_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=["user", "tenant", "cause"], name="notification_once_per_cause"
            )
        ]
        indexes = [
            models.Index(fields=["user", "-id"], name="notification_newest"),
            models.Index(
                fields=["user", "tenant"],
                name="notification_unread",
                condition=models.Q(read_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.cause}"


class NoticeChoice(TimestampedModel):
    """Whether a person wants a kind of notices; without a row the kind's own default holds."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=63)
    is_on = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "kind"], name="noticechoice_once_per_kind")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.is_on}"
