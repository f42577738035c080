"""Periods as the first page shows them: hours or days of the reader's zone, and as many before. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Final


class PeriodKey(StrEnum):
    """How far one looks back; the values stand in addresses."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"


DEFAULT: Final = PeriodKey.WEEK
_HOURS, _DAYS = 24, {PeriodKey.WEEK: 7, PeriodKey.MONTH: 30}


@dataclass(frozen=True, slots=True)
class Period:
    """`edges` are the beginnings of its hours or days, in UTC; the last one is going on.

    `before` is where the period before begins, which ends at the first edge.
    """

    key: PeriodKey
    before: datetime
    edges: tuple[datetime, ...]
    now: datetime

    @property
    def begins(self) -> datetime:
        return self.edges[0]

    @property
    def is_hourly(self) -> bool:
        return self.key is PeriodKey.DAY


def period_key(text: str | None) -> PeriodKey | None:
    """What an address or a cookie names, None for anything else."""
    return next((key for key in PeriodKey if key == text), None)


def period_of(key: PeriodKey, now: datetime, zone: tzinfo) -> Period:
    """The period that ends now, as people in the zone count its hours or days."""
    if key is PeriodKey.DAY:
        first = _hour(now, zone) - timedelta(hours=_HOURS - 1)
        edges = tuple(first + timedelta(hours=number) for number in range(_HOURS))
        return Period(key, first - timedelta(hours=_HOURS), edges, now)
    days = _DAYS[key]
    today = now.astimezone(zone).date()
    midnights = [_midnight(today - timedelta(days=back), zone) for back in range(days - 1, -1, -1)]
    before = _midnight(today - timedelta(days=2 * days - 1), zone)
    return Period(key, before, tuple(midnights), now)


def _hour(now: datetime, zone: tzinfo) -> datetime:
    """The beginning of the hour on the clocks of the zone, which may differ by 30 or 45 minutes."""
    local = now.astimezone(zone)
    into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    return now.astimezone(UTC) - into


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
