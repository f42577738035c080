"""Time zones to choose from: by region, with what they differ from UTC at present."""

from __future__ import annotations

import zoneinfo
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Final

from django.utils.translation import gettext as _

from portal.kernel import clock

Choices = list[tuple[str, str | list[tuple[str, str]]]]
_NOT_PLACES: Final = ("Etc", "SystemV", "US", "posix", "right")


def zone_choices(usual: str) -> Choices:
    """The platform's own zone first, then every place by region and name."""
    this_hour = clock.now().replace(minute=0, second=0, microsecond=0)
    label = _("As the platform: %(zone)s") % {"zone": f"{usual} ({offset(usual, this_hour)})"}
    return [("", label), *_places(this_hour)]


def is_offered(name: str) -> bool:
    """Whether the list holds the zone: abbreviations and old spellings are no places."""
    return name == "UTC" or ("/" in name and not name.startswith(_NOT_PLACES))


def offset(name: str, at: datetime) -> str:
    """What a zone differs from UTC: "UTC+05:30"."""
    difference = at.astimezone(zoneinfo.ZoneInfo(name)).utcoffset() or timedelta()
    minutes = round(difference.total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{sign}{hours:02}:{rest:02}"


@lru_cache(maxsize=2)
def _places(at: datetime) -> Choices:
    names = sorted(zoneinfo.available_timezones() - {"UTC"})
    places = filter(is_offered, names)
    grouped: Choices = [
        (region, [(name, f"{_city(name)} ({offset(name, at)})") for name in inside])
        for region, inside in groupby(places, key=lambda name: name.partition("/")[0])
    ]
    return [*grouped, ("UTC", [("UTC", "UTC")])]


def _city(name: str) -> str:
    return name.partition("/")[2].replace("_", " ")
