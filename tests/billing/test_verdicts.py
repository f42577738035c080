"""Quota arithmetic: 0 is none, None is unlimited, only growth is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.logic.quota import DIMENSIONS, Amounts, Verdict, verdicts

whole = st.integers(0, 10**9)
change = st.integers(-(10**9), 10**9)
limits = st.none() | whole


@pytest.mark.parametrize(
    ("limit", "used", "requested", "is_allowed"),
    [
        (0, 0, 1, False),
        (0, 0, 0, True),
        (None, 10**9, 10**9, True),
        (10, 9, 1, True),
        (10, 10, 1, False),
        (10, 9, 2, False),
        (5, 9, 0, True),
        (5, 9, -1, True),
        (5, 9, 1, False),
    ],
)
def test_verdict(limit: int | None, used: int, requested: int, is_allowed: bool) -> None:
    assert Verdict("cpu_cores", limit, used, requested).is_allowed is is_allowed


@given(limits, whole, change)
def test_only_growth_over_a_limit_is_refused(limit: int | None, used: int, requested: int) -> None:
    verdict = Verdict("disk_gb", limit, used, requested)
    assert verdict.is_allowed is not (
        limit is not None and requested > 0 and used + requested > limit
    )
    assert verdict.after == used + requested


@pytest.mark.parametrize(
    ("limit", "used", "requested", "percent"),
    [(None, 5, 5, None), (0, 0, 0, 100), (10, 4, 1, 50), (3, 0, 1, 33), (10, 9, 9, 100)],
)
def test_percent_after(limit: int | None, used: int, requested: int, percent: int | None) -> None:
    assert Verdict("memory_mb", limit, used, requested).percent_after == percent


def test_there_is_one_verdict_per_dimension_in_their_order() -> None:
    limits_ = dict.fromkeys(DIMENSIONS, 4)
    found = verdicts(limits_, Amounts(1, 2, 3, 4), Amounts(3, 3, 1, 0))
    assert [(v.dimension, v.is_allowed) for v in found] == [
        ("deployments", True),
        ("cpu_cores", False),
        ("memory_mb", True),
        ("disk_gb", True),
    ]


@given(st.lists(whole, min_size=8, max_size=8))
def test_a_difference_undoes_a_sum(numbers: list[int]) -> None:
    one, two = Amounts(*numbers[:4]), Amounts(*numbers[4:])
    total = Amounts(*(a + b for a, b in zip(numbers[:4], numbers[4:], strict=True)))
    assert total.minus(two) == one
    assert one.minus(one) == Amounts()
