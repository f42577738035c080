"""Worker processes as they last reported."""

from __future__ import annotations

from django.db import models

from portal.kernel.models import TimestampedModel
from portal.states import WorkerStatus


class Worker(TimestampedModel):
    """One worker process; `queue` names the queues it serves."""

    name = models.CharField(max_length=120, unique=True)
    queue = models.CharField(max_length=200)
    last_heartbeat_at = models.DateTimeField()
    status = models.CharField(
        max_length=16, choices=WorkerStatus.choices, default=WorkerStatus.ONLINE
    )
    host = models.CharField(max_length=120)
    pid = models.PositiveIntegerField()
    version = models.CharField(max_length=40, default="", blank=True)
    running = models.PositiveIntegerField(default=0)
    drain_requested = models.BooleanField(default=False, db_default=False)

    class Meta:
        ordering = ("name",)
        constraints = [
            models.CheckConstraint(
                name="worker_status_known", condition=models.Q(status__in=WorkerStatus.values)
            )
        ]

    def __str__(self) -> str:
        return self.name
