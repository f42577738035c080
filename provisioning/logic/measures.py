"""What is measured, of whom, how long it is kept, and which figures answer which range."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class SubjectKind(models.TextChoices):
    """Of what a figure is: a machine, a node of a cluster, or a host outside the clusters."""

    DEPLOYMENT = "deployment", _("Machine")
    NODE = "node", _("Node")
    HOST = "host", _("Host")


class Metric(models.TextChoices):
    """What is measured: shares in percent, flows in bytes per second."""

    CPU = "cpu", _("CPU")
    MEMORY = "memory", _("Memory")
    DISK = "disk", _("Disk")
    DISK_READ = "disk_read", _("Disk reads")
    DISK_WRITE = "disk_write", _("Disk writes")
    NET_IN = "net_in", _("Network in")
    NET_OUT = "net_out", _("Network out")


METRICS: Final = tuple(str(metric.value) for metric in Metric)
SHARES: Final = frozenset({Metric.CPU, Metric.MEMORY, Metric.DISK})
FLOWS: Final = tuple(metric for metric in METRICS if metric not in SHARES)


class Span(StrEnum):
    """The part of the calendar one partition holds."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Resolution:
    """One table of figures: how wide a row is, how long rows are kept, what a partition holds."""

    table: str
    width_s: int
    kept: timedelta
    span: Span


RAW: Final = Resolution("provisioning_metricsample", 0, timedelta(hours=24), Span.DAY)
FIVE_MINUTES: Final = Resolution("provisioning_metric5m", 300, timedelta(days=14), Span.DAY)
ONE_HOUR: Final = Resolution("provisioning_metric1h", 3600, timedelta(days=400), Span.MONTH)
ROLLUPS: Final = (FIVE_MINUTES, ONE_HOUR)


@dataclass(frozen=True, slots=True)
class Range:
    """A range people choose: so many points of one width, read from one table."""

    code: str
    label: str | Promise
    points: int
    step_s: int
    source: Resolution

    @property
    def is_open(self) -> bool:
        """Whether the newest point is still being measured: rollups tell of what has ended."""
        return self.source is RAW

    def starts(self, now: datetime) -> list[datetime]:
        """The beginnings of its points, oldest first; the last one holds `now`."""
        last = floor(now, self.step_s)
        step = timedelta(seconds=self.step_s)
        return [last - step * back for back in range(self.points - 1, -1, -1)]


RANGES: Final = (
    Range("1h", _("1 hour"), 60, 60, RAW),
    Range("24h", _("24 hours"), 288, 300, FIVE_MINUTES),
    Range("7d", _("7 days"), 168, 3600, ONE_HOUR),
    Range("30d", _("30 days"), 720, 3600, ONE_HOUR),
    Range("400d", _("400 days"), 400, 86_400, ONE_HOUR),
)
RANGE_DEFAULT: Final = RANGES[0]


def range_of(code: str) -> Range | None:
    """The range of that name."""
    return next((one for one in RANGES if one.code == code), None)


def floor(moment: datetime, width_s: int) -> datetime:
    """The beginning of the stretch of time, counted from 1970 in UTC, that holds the moment."""
    seconds = int(moment.timestamp())
    return datetime.fromtimestamp(seconds - seconds % width_s, UTC)
