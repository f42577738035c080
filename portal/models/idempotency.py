"""Answers that were given under an Idempotency-Key."""

from __future__ import annotations

from django.db import models

from portal.kernel.models import TimestampedModel


class IdempotencyRecord(TimestampedModel):
    """One answer, stored in the transaction of its effect: both are there or neither.

    `scope_hash` stands for tenant, method, path and key; `request_hash` for query and body, keyed, so
    that a stolen copy of the table says nothing about what was sent.
    """

    user = models.ForeignKey("portal.User", on_delete=models.PROTECT, related_name="+")
    scope_hash = models.CharField(max_length=64)
    request_hash = models.CharField(max_length=64)
    key = models.CharField(max_length=128)
    path = models.CharField(max_length=200)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "scope_hash"], name="idempotency_record_once_per_key"
            )
        ]
        indexes = [models.Index(fields=["expires_at"], name="idempotency_record_expiry")]

    def __str__(self) -> str:
        return self.key
