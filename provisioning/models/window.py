"""Maintenance that is known beforehand."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from portal.kernel.models import TimestampedModel
from provisioning.models.cluster import Cluster
from provisioning.states import Recurrence


class MaintenanceWindow(TimestampedModel):
    """A cluster is in maintenance from `starts_at` to `ends_at`, once or each week at the same hour.

    A weekly one keeps its wall-clock times in `time_zone`, and ends with `repeats_until`. `begun_for` is
    the occurrence it last began, so that a person who ends it early is not overruled; `is_begun` says that
    the cluster's maintenance of now is this window's.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="windows")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    time_zone = models.CharField(max_length=60, default="UTC")
    recurrence = models.CharField(max_length=6, choices=Recurrence, default=Recurrence.NONE)
    repeats_until = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    canceled_at = models.DateTimeField(null=True)
    begun_for = models.DateTimeField(null=True)
    is_begun = models.BooleanField(default=False)

    class Meta:
        verbose_name = "maintenance window"
        ordering = ("starts_at", "id")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(starts_at__lt=models.F("ends_at")), name="window_ends_later"
            ),
            models.CheckConstraint(
                condition=models.Q(recurrence__in=Recurrence.values),
                name="window_recurrence_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cluster_id} {self.starts_at:%Y-%m-%d %H:%M}"
