"""Operations: the ledger of everything that takes time, and the tries each one took."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.db.models.functions import Now

from portal.kernel.models import TenantForeignKey, TenantManager, TenantModel
from portal.states import OPEN_STATUSES, RETRYABLE_STATUSES, AttemptOutcome, OperationStatus

_PENDING = models.Q(status=OperationStatus.PENDING)
_RUNNING = models.Q(status=OperationStatus.RUNNING)
_OPEN = models.Q(status__in=OPEN_STATUSES)
_FAILED = models.Q(status__in=RETRYABLE_STATUSES)
_KEYED = ~models.Q(concurrency_key="")


class Operation(TenantModel):
    """One piece of work, inserted in the transaction of the change it belongs to.

    The engine alone moves it, through guarded statements (`services/claims.py`); the runtime role may
    only insert, read, cancel a pending one and ask a running one to stop. The platform's own operations
    belong to the platform tenant, which has no row, hence no constraint on `tenant`.
    """

    tenant = models.ForeignKey(
        "billing.Tenant",
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    queue = models.CharField(max_length=32)
    type = models.CharField(max_length=80)
    payload = models.JSONField(default=dict)
    payload_schema = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(
        max_length=16, choices=OperationStatus.choices, default=OperationStatus.PENDING
    )
    priority = models.SmallIntegerField(default=0)
    fair_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveIntegerField(default=0)
    max_attempts = models.PositiveIntegerField(default=5)
    scheduled_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    last_error = models.TextField(null=True)
    attention = models.JSONField(null=True)
    step = models.CharField(max_length=80, default="", blank=True)
    steps = models.JSONField(default=list)
    state = models.JSONField(default=dict)
    log = models.JSONField(default=list)
    result = models.JSONField(null=True)
    fence = models.BigIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True)
    worker = models.CharField(max_length=120, default="", blank=True)
    try_started_at = models.DateTimeField(null=True)
    is_continued = models.BooleanField(default=False)
    ending = models.JSONField(null=True)
    concurrency_key = models.CharField(max_length=120, default="", blank=True)
    cancel_requested = models.BooleanField(default=False)
    retry_of = TenantForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="retries", db_index=False
    )
    target_type = models.CharField(max_length=64, default="", blank=True)
    target_id = models.UUIDField(null=True)
    actor_id = models.UUIDField(null=True)
    actor_label = models.CharField(max_length=160, default="", blank=True)
    request_id = models.CharField(max_length=64, default="", blank=True)

    class Meta:
        indexes = [
            models.Index(
                "queue",
                models.F("priority").desc(),
                "fair_at",
                "id",
                name="operation_ready",
                condition=_PENDING,
            ),
            models.Index(
                fields=("queue", "scheduled_at"), name="operation_due", condition=_PENDING
            ),
            models.Index(
                fields=("tenant", "queue", "fair_at"), name="operation_fair", condition=_PENDING
            ),
            models.Index(fields=("lease_expires_at",), name="operation_lease", condition=_RUNNING),
            models.Index(
                fields=("concurrency_key", "id"), name="operation_key", condition=_OPEN & _KEYED
            ),
            models.Index(fields=("tenant", "-created_at", "-id"), name="operation_recent"),
            models.Index(
                fields=("tenant", "-completed_at"), name="operation_failed", condition=_FAILED
            ),
            models.Index(
                fields=("tenant", "actor_id", "-created_at", "-id"),
                name="operation_of_actor",
                condition=models.Q(actor_id__isnull=False),
            ),
            models.Index(
                fields=("tenant", "target_id", "-created_at"),
                name="operation_of_target",
                condition=models.Q(target_id__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="operation_status_known", condition=models.Q(status__in=OperationStatus.values)
            ),
            models.UniqueConstraint(
                fields=("concurrency_key",),
                name="operation_one_begun_per_key",
                condition=_OPEN & _KEYED & models.Q(started_at__isnull=False),
            ),
            models.UniqueConstraint(
                fields=("tenant", "retry_of"),
                name="operation_retried_once",
                condition=models.Q(retry_of__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class OperationAttempt(models.Model):
    """One try of an operation, written once when the try ends and never changed."""

    id = models.UUIDField(primary_key=True, editable=False)
    tenant = models.ForeignKey(
        "billing.Tenant",
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    operation = TenantForeignKey(
        Operation, on_delete=models.CASCADE, related_name="tries", db_index=False
    )
    attempt = models.PositiveIntegerField()
    fence = models.BigIntegerField()
    worker = models.CharField(max_length=120)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    outcome = models.CharField(max_length=16, choices=AttemptOutcome.choices)
    error = models.TextField(null=True)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        ordering = ("attempt",)
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "operation", "attempt"), name="operationattempt_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.operation_id} try {self.attempt}"
