"""Prices are exact decimals, rounded once, half up."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.logic.pricing import HourlyRates, amount, cost, hourly_price

rates = st.decimals(min_value=0, max_value=100, places=6)
figures = st.integers(min_value=0, max_value=4_000_000)


def test_the_price_of_an_hour_is_the_sum_of_its_parts() -> None:
    price = hourly_price(
        HourlyRates(Decimal("0.012"), Decimal("0.0085"), Decimal("0.0042"), Decimal("0.00012")),
        cpu_cores=2,
        memory_mb=2048,
        disk_gb=20,
    )
    assert price == Decimal("0.039800")


def test_memory_is_counted_in_binary_gigabytes() -> None:
    only_memory = HourlyRates(Decimal(0), Decimal(0), Decimal("0.001"), Decimal(0))
    prices = [
        hourly_price(only_memory, cpu_cores=9, memory_mb=mb, disk_gb=9) for mb in (512, 1024, 1536)
    ]
    assert prices == [Decimal("0.000500"), Decimal("0.001000"), Decimal("0.001500")]


@pytest.mark.parametrize(
    ("per_hour", "hours", "cents"),
    [
        ("0.005", 1, "0.01"),
        ("0.004999", 1, "0.00"),
        ("0.015", 1, "0.02"),
        ("0.025", 1, "0.03"),
        ("0.0398", 730, "29.05"),
        ("0.333333", 3, "1.00"),
        ("0", 8760, "0.00"),
    ],
)
def test_an_amount_is_rounded_half_up_to_the_cent(per_hour: str, hours: int, cents: str) -> None:
    assert amount(Decimal(per_hour), hours) == Decimal(cents)


def test_a_cost_names_day_month_and_the_planned_life() -> None:
    found = cost(Decimal("0.039800"), hours=72, currency="EUR")
    assert (found.per_hour, found.per_day, found.per_month, found.total, found.currency) == (
        Decimal("0.039800"),
        Decimal("0.96"),
        Decimal("29.05"),
        Decimal("2.87"),
        "EUR",
    )


def test_without_a_planned_end_there_is_no_total() -> None:
    assert cost(Decimal(1), hours=None, currency="EUR").total is None


@given(rates, rates, rates, rates, figures, figures, figures)
def test_the_price_of_an_hour_equals_exact_arithmetic(
    base: Decimal, cpu: Decimal, memory: Decimal, disk: Decimal, cores: int, mb: int, gb: int
) -> None:
    exact = (
        Fraction(base)
        + Fraction(cpu) * cores
        + Fraction(memory) * Fraction(mb, 1024)
        + Fraction(disk) * gb
    )
    found = hourly_price(
        HourlyRates(base, cpu, memory, disk), cpu_cores=cores, memory_mb=mb, disk_gb=gb
    )
    assert -Fraction(1, 2_000_000) < Fraction(found) - exact <= Fraction(1, 2_000_000)


@given(rates, st.integers(0, 100_000))
def test_an_amount_is_off_by_half_a_cent_at_most(per_hour: Decimal, hours: int) -> None:
    exact = per_hour * hours
    found = amount(per_hour, hours)
    assert found == exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    assert abs(found - exact) <= Decimal("0.005")
