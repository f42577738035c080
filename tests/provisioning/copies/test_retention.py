"""What is kept, against a second reading of the same rules; what schedules make of clock changes."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioning.logic.cron import cron_fault, next_moment
from provisioning.logic.retention import Kept, Retention, retained

START = datetime(2026, 1, 1, tzinfo=UTC)
ZONES = ("Europe/Paris", "America/New_York", "Asia/Kathmandu", "UTC")


def reference(backups: list[Kept], rules: Retention, zone: ZoneInfo) -> set[UUID]:
    """The same in another way: each period sorted into drawers, the newest drawers emptied of all but one."""
    everything = {one.key for one in backups}
    if (rules.last, rules.daily, rules.weekly, rules.monthly) == (0, 0, 0, 0):
        return everything
    order = sorted(backups, key=lambda one: (one.made_at, one.key))
    able = [one for one in order if one.is_good and not one.is_protected]
    keep = {one.key for one in order if one.is_protected}
    keep |= {one.key for one in able[max(0, len(able) - rules.last) :]}
    for spelled, limit in (
        ("%Y-%m-%d", rules.daily),
        ("%G-W%V", rules.weekly),
        ("%Y-%m", rules.monthly),
    ):
        drawers: dict[str, list[Kept]] = defaultdict(list)
        for one in able:
            drawers[one.made_at.astimezone(zone).strftime(spelled)].append(one)
        for drawer in sorted(drawers, reverse=True)[:limit]:
            keep.add(drawers[drawer][-1].key)
    good = [index for index, one in enumerate(order) if one.is_good]
    floor = good[-1] if good else 0
    return keep | {one.key for one in order[floor:]}


@st.composite
def histories(draw: st.DrawFn) -> list[Kept]:
    """Backups of up to 400 days, every few hours or days, some broken, some protected."""
    minutes = draw(st.lists(st.integers(0, 400 * 24 * 60), max_size=120, unique=True))
    flags = st.lists(st.booleans(), min_size=len(minutes), max_size=len(minutes))
    good, protected = draw(flags), draw(flags)
    rare = draw(st.booleans())
    return [
        Kept(
            key=UUID(int=index + 1),
            made_at=START + timedelta(minutes=minute),
            is_good=good[index] or rare,
            is_protected=protected[index] and not rare,
        )
        for index, minute in enumerate(minutes)
    ]


RULES = st.builds(
    Retention,
    last=st.integers(0, 10),
    daily=st.integers(0, 31),
    weekly=st.integers(0, 12),
    monthly=st.integers(0, 14),
)


@settings(max_examples=150, deadline=None)
@given(histories(), RULES, st.sampled_from(ZONES))
def test_kept_is_what_the_reference_keeps(backups: list[Kept], rules: Retention, zone: str) -> None:
    assert retained(backups, rules, ZoneInfo(zone)) == reference(backups, rules, ZoneInfo(zone))


@settings(max_examples=100, deadline=None)
@given(histories(), RULES)
def test_the_last_good_one_and_protected_ones_stay(backups: list[Kept], rules: Retention) -> None:
    kept = retained(backups, rules, ZoneInfo("Europe/Paris"))

    good = [one for one in backups if one.is_good]
    if good:
        assert max(good, key=lambda one: (one.made_at, one.key)).key in kept
    assert {one.key for one in backups if one.is_protected} <= kept


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.integers(0, 7), st.integers(0, 5), st.integers(0, 6))
def test_a_year_of_nights_ends_at_the_rules(
    last: int, daily: int, weekly: int, monthly: int
) -> None:
    """Pruned after each of 400 nights, the same is left as when all are looked at in the end."""
    rules, zone = Retention(last, daily, weekly, monthly), ZoneInfo("Europe/Paris")
    nights = [
        Kept(UUID(int=night + 1), START + timedelta(days=night, hours=2)) for night in range(400)
    ]
    held: list[Kept] = []
    for night in nights:
        held.append(night)
        kept = retained(held, rules, zone)
        held = [one for one in held if one.key in kept]

    assert len(held) <= last + daily + weekly + monthly
    assert nights[-1] in held


@pytest.mark.parametrize(
    ("cron", "after", "expected"),
    [
        ("30 2 * * *", "2026-03-28T12:00", "2026-03-29T01:00"),  # 02:30 does not exist that night
        ("30 2 * * *", "2026-10-24T12:00", "2026-10-25T00:30"),  # 02:30 happens twice, it runs once
        ("30 2 * * *", "2026-10-25T00:30", "2026-10-26T01:30"),
        ("0 4 * * 0", "2026-03-28T12:00", "2026-03-29T02:00"),
    ],
)
def test_clock_changes_neither_lose_nor_repeat_a_night(
    cron: str, after: str, expected: str
) -> None:
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)

    found = next_moment(cron, "Europe/Paris", after=moment)

    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "zone", "field"),
    [
        ("30 2 * *", "UTC", "cron"),
        ("99 2 * * *", "UTC", "cron"),
        ("* * * * *", "UTC", "cron"),
        ("0 0 30 2 *", "UTC", "cron"),
        ("30 2 * * *", "Mars/Olympus", "time_zone"),
        ("30 2 * * *", "../etc/passwd", "time_zone"),
    ],
)
def test_what_is_no_time_is_refused_at_its_field(cron: str, zone: str, field: str) -> None:
    fault = cron_fault(cron, zone, now=START)

    assert fault is not None
    assert fault.field == field
