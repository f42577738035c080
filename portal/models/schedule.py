"""Periodic work and the moments it was started."""

from __future__ import annotations

from django.db import models

from portal.kernel.models import TimestampedModel


class Schedule(TimestampedModel):
    """Periodic work by name; what it does is registered in code."""

    name = models.CharField(max_length=80, unique=True)
    every_s = models.PositiveIntegerField()
    is_enabled = models.BooleanField(default=True)
    last_due_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class ScheduleFire(models.Model):
    """One due moment of a schedule: the unique row is what makes any number of schedulers harmless."""

    id = models.UUIDField(primary_key=True, editable=False)
    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="fires")
    due_at = models.DateTimeField()
    worker = models.CharField(max_length=120)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    error = models.TextField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("schedule", "due_at"), name="schedulefire_once")
        ]

    def __str__(self) -> str:
        return f"{self.schedule_id} {self.due_at:%Y-%m-%d %H:%M:%S}"
