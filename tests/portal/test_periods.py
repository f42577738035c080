"""A period is what people in a zone call their hours and days, also where clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal.logic.periods import DEFAULT, PeriodKey, period_key, period_of

PARIS, KOLKATA, HONOLULU = (
    ZoneInfo(n) for n in ("Europe/Paris", "Asia/Kolkata", "Pacific/Honolulu")
)
NOON = datetime(2026, 11, 19, 12, 34, 56, tzinfo=UTC)


def test_a_week_begins_with_a_midnight_of_the_zone_and_today_is_its_last_day() -> None:
    period = period_of(PeriodKey.WEEK, NOON, PARIS)
    assert len(period.edges) == 7
    assert period.edges[0] == datetime(2026, 11, 12, 23, tzinfo=UTC)
    assert period.edges[-1] == datetime(2026, 11, 18, 23, tzinfo=UTC)
    assert period.before == datetime(2026, 11, 5, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "today_begins"),
    [
        (PARIS, datetime(2026, 11, 18, 23, tzinfo=UTC)),
        (KOLKATA, datetime(2026, 11, 18, 18, 30, tzinfo=UTC)),
        (HONOLULU, datetime(2026, 11, 19, 10, tzinfo=UTC)),
    ],
)
def test_the_zone_of_the_reader_decides_what_a_day_is(
    zone: ZoneInfo, today_begins: datetime
) -> None:
    assert period_of(PeriodKey.MONTH, NOON, zone).edges[-1] == today_begins


def test_a_day_in_which_clocks_go_back_has_twenty_five_hours() -> None:
    after = datetime(2026, 10, 26, 12, tzinfo=UTC)
    edges = period_of(PeriodKey.WEEK, after, PARIS).edges
    assert edges[-1] - edges[-2] == timedelta(hours=25)


def test_hours_are_those_on_the_clocks_of_the_zone() -> None:
    period = period_of(PeriodKey.DAY, NOON, KOLKATA)
    assert len(period.edges) == 24
    assert period.edges[-1] == datetime(2026, 11, 19, 12, 30, tzinfo=UTC)
    assert period.begins - period.before == timedelta(hours=24)


@pytest.mark.parametrize(
    ("text", "key"),
    [("24h", PeriodKey.DAY), ("30d", PeriodKey.MONTH), ("1y", None), ("", None), (None, None)],
)
def test_an_address_names_a_period_or_none(text: str | None, key: PeriodKey | None) -> None:
    assert period_key(text) is key
    assert DEFAULT is PeriodKey.WEEK
