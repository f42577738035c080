"""Filters and tags of the components: exact texts, in English and with French numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import lucide
import pytest
from django.utils import timezone, translation

from portal.kernel import clock
from portal.templatetags import ui, ui_charts


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "—"),
        (0, "0 s"),
        (59.9, "59 s"),
        (72, "1 min 12 s"),
        (3_900, "1 h 05 min"),
        (timedelta(days=2, hours=4), "2 d 4 h"),
        (-5, "0 s"),
    ],
)
def test_durations_show_their_two_largest_units(value: object, text: str) -> None:
    assert ui.duration(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "—"), (512, "512 MiB"), (1024, "1 GiB"), (1536, "1.5 GiB"), (2_097_152, "2 TiB")],
)
def test_memory_is_shown_in_the_unit_it_fits(value: int | None, text: str) -> None:
    assert ui.mib(value) == text


@pytest.mark.parametrize(("value", "text"), [(None, "—"), (20, "20 GiB"), (1536, "1.5 TiB")])
def test_disks_are_shown_in_the_unit_they_fit(value: int | None, text: str) -> None:
    assert ui.gib(value) == text


def test_sizes_follow_the_language() -> None:
    with translation.override("fr"):
        assert ui.mib(1536).startswith("1,5")


@pytest.mark.parametrize(
    ("amount", "places", "text"),
    [("84.2", 2, "€84.20"), ("0.115342", 4, "€0.1153"), ("1234.5", 2, "€1,234.50")],
)
def test_money_has_a_symbol_and_groups(amount: str, places: int, text: str) -> None:
    assert ui.money(Decimal(amount), "EUR", places) == text


def test_an_unknown_amount_is_a_dash() -> None:
    assert ui.money(None) == "—"


@pytest.mark.parametrize(
    ("shift", "text"),
    [
        (timedelta(seconds=-20), "just now"),
        (timedelta(seconds=20), "in a moment"),
        (timedelta(minutes=-3, seconds=-5), "3\xa0minutes ago"),
        (timedelta(hours=2, seconds=5), "in 2\xa0hours"),
    ],
)
def test_relative_times_say_how_long_ago(shift: timedelta, text: str) -> None:
    assert f">{text}</time>" in ui.relative_time(clock.now() + shift)


def test_times_carry_the_exact_moment_in_the_readers_zone() -> None:
    moment = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    with timezone.override("Europe/Paris"):
        drawn = ui.clock_time(moment)
    assert drawn == (
        '<time datetime="2026-07-01T22:30:00+00:00" title="2 July 2026, 00:30:00 (UTC+02:00)">'
        "2 Jul 2026, 00:30</time>"
    )


def test_the_time_a_step_took_is_read_from_its_record() -> None:
    step = {"started_at": "2026-07-01T10:00:00+00:00", "finished_at": "2026-07-01T10:01:12+00:00"}
    assert ui.elapsed(step) == "1 min 12 s"


def test_a_step_that_has_not_begun_took_no_time() -> None:
    assert ui.elapsed({"started_at": None}) == ""


@pytest.mark.parametrize(
    ("value", "maximum", "percent"),
    [(None, 10, 0), (5, None, 0), (5, 0, 0), (60, 96, 62), (12, 10, 100), (-1, 10, 0)],
)
def test_shares_stay_between_nothing_and_all(value: object, maximum: object, percent: int) -> None:
    assert ui.percent_of(value, maximum) == percent


@pytest.mark.parametrize(
    ("percent", "tone"), [(None, ""), (84, ""), (85, "warn"), (99, "warn"), (100, "danger")]
)
def test_bars_warn_before_they_are_full(percent: int | None, tone: str) -> None:
    assert ui.fullness(percent) == tone


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Amélie Morel", "AM"), ("Jean-Luc de la Tour", "JT"), ("nordbank", "N"), ("", "?")],
)
def test_avatars_show_the_first_and_last_initial(name: str, letters: str) -> None:
    assert ui.initials(name) == letters


def test_numbers_in_attributes_ignore_the_language() -> None:
    with translation.override("fr"):
        assert ui.plain_number(1234.5) == "1234.5"


def test_icons_are_hidden_from_screen_readers() -> None:
    assert 'aria-hidden="true"' in ui.icon("server")


def test_an_unknown_icon_is_an_error() -> None:
    with pytest.raises(lucide.IconDoesNotExist):
        ui.icon("no-such-icon")


def test_an_unregistered_state_is_an_error() -> None:
    with pytest.raises(KeyError):
        ui.status_badge("deployment", "no-such-state")


def test_a_row_of_figures_becomes_a_line() -> None:
    drawn = ui_charts.sparkline([1, 3, 2])
    assert (
        'class="line" d="M0.0,37.0C25.0,37.0 25.0,3.0 50.0,3.0C75.0,3.0 75.0,20.0 100.0,20.0"'
        in drawn
    )


def test_a_single_figure_draws_nothing() -> None:
    assert ui_charts.sparkline([1]) == ""
