"""When a window of planned maintenance is open, pure. A weekly one keeps the wall clock's hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time that a window is open."""

    starts_at: datetime
    ends_at: datetime

    def is_open(self, at: datetime) -> bool:
        """Whether it is open at that moment; the end no longer belongs to it."""
        return self.starts_at <= at < self.ends_at


@dataclass(frozen=True, slots=True)
class Plan:
    """A window as it was planned; `time_zone` matters to a weekly one alone."""

    starts_at: datetime
    ends_at: datetime
    time_zone: str = "UTC"
    is_weekly: bool = False
    repeats_until: datetime | None = None

    def occurrence(self, at: datetime) -> Occurrence | None:
        """The one that is open then, or the next to come; None when there is none any more."""
        if not self.is_weekly:
            return Occurrence(self.starts_at, self.ends_at) if at < self.ends_at else None
        number = max(0, (at - self.ends_at) // WEEK - 1)
        while True:
            found = self._number(number)
            if self.repeats_until is not None and found.starts_at >= self.repeats_until:
                return None
            if at < found.ends_at:
                return found
            number += 1

    def _number(self, number: int) -> Occurrence:
        """The n-th week's: the same wall-clock times, whatever the clocks were put to meanwhile."""
        zone = ZoneInfo(self.time_zone)
        begin = _moved(self.starts_at, zone, number)
        end = _moved(self.ends_at, zone, number)
        return Occurrence(begin, max(end, begin + timedelta(minutes=1)))


def _moved(moment: datetime, zone: ZoneInfo, weeks: int) -> datetime:
    """The same time of day so many weeks later; one that a clock change leaves out is the hour after."""
    wall = moment.astimezone(zone).replace(tzinfo=None) + weeks * WEEK
    return wall.replace(tzinfo=zone).astimezone(UTC)
