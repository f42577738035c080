"""System events: what processes of the platform report about themselves, for its administrators alone."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.kernel import clock
from portal.kernel.models import uuid7


class Level(models.TextChoices):
    """How serious it is (seed 003 §5.2)."""

    INFO = "info", _("Info")
    WARN = "warn", _("Warning")
    ERROR = "error", _("Error")


class SystemEvent(models.Model):
    """One line of a web process, worker or scheduler; secrets are masked before it is stored.

    Rows are written by `services.event_writer` in transactions of their own and removed by the hourly
    cleanup. They belong to no tenant: `context` may name one.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    service = models.CharField(max_length=40)
    level = models.CharField(max_length=5, choices=Level.choices)
    message = models.CharField(max_length=500)
    context = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)
    operation_id = models.UUIDField(null=True)
    process = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = _("system event")
        verbose_name_plural = _("system events")
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="systemevent_newest"),
            models.Index(
                fields=["level", "-created_at", "-id"],
                name="systemevent_serious",
                condition=~models.Q(level=Level.INFO),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(level__in=Level.values), name="systemevent_level_is_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.level} {self.message}"
