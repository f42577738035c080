"""Moments of a cron expression in a time zone; clock changes are handled as Debian's cron does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from django.utils.translation import gettext as _

from portal.kernel.errors import Fault

_LEAST_APART: Final = timedelta(hours=1)
_LOOKED_AT: Final = 30


def next_moment(cron: str, zone: str, *, after: datetime) -> datetime | None:
    """The first moment after `after`, in UTC; None where there is none within fifty years.

    Raises:
        ValueError: the expression or the zone is none.
    """
    try:
        moments = CronSim(cron, after.astimezone(ZoneInfo(zone)))
        return next(moments).astimezone(UTC)
    except StopIteration:
        return None
    except (CronSimError, ZoneInfoNotFoundError) as error:
        raise ValueError(str(error)) from error


def cron_fault(cron: str, zone: str, *, now: datetime) -> Fault | None:
    """What is wrong with a schedule, and what a right one looks like."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        return Fault("time_zone", "invalid", _("There is no such time zone. Try Europe/Paris."))
    if len(cron.split()) != 5:
        return Fault("cron", "invalid", _("A time has five fields, such as 30 2 * * * for 02:30."))
    try:
        moments = _some(cron, zone, now)
    except ValueError:
        return Fault("cron", "invalid", _("This is no time. Try 30 2 * * * for 02:30 every day."))
    if not moments:
        return Fault("cron", "invalid", _("This time never comes."))
    if any(b - a < _LEAST_APART for a, b in pairwise(moments)):
        return Fault("cron", "too_often", _("At most one backup an hour."))
    return None


def _some(cron: str, zone: str, now: datetime) -> list[datetime]:
    found: list[datetime] = []
    moment = next_moment(cron, zone, after=now)
    while moment is not None and len(found) < _LOOKED_AT:
        found.append(moment)
        moment = next_moment(cron, zone, after=moment)
    return found
