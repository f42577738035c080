"""Figures that processes count and add up here: totals for Prometheus, and how queues fared by minute."""

from __future__ import annotations

from django.db import models


class Tally(models.Model):
    """One total that only rises: `labels` is the JSON of its labels, sorted by name."""

    name = models.CharField(max_length=80)
    labels = models.CharField(max_length=400)
    value = models.FloatField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("name", "labels"), name="tally_once_per_labels")
        ]

    def __str__(self) -> str:
        return f"{self.name}{self.labels} {self.value}"


class QueueMinute(models.Model):
    """What ended in one queue in one minute."""

    queue = models.CharField(max_length=32)
    minute = models.DateTimeField()
    completed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    retried = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("minute", "queue"), name="queueminute_once")]

    def __str__(self) -> str:
        return f"{self.queue} {self.minute:%H:%M}"
