from __future__ import annotations

import pytest

from integrations.base.retry import Backoff


@pytest.mark.parametrize(
    ("attempt", "dice", "delay_s"),
    [
        (1, 1.0, 2.0),
        (1, 0.0, 1.0),
        (2, 1.0, 4.0),
        (3, 0.5, 6.0),
        (9, 1.0, 30.0),
        (10_000, 1.0, 30.0),
    ],
)
def test_delay_doubles_up_to_the_limit_and_keeps_its_lower_half(
    attempt: int, dice: float, delay_s: float
) -> None:
    assert Backoff(first_s=2.0, limit_s=30.0).delay_s(attempt, dice=lambda: dice) == delay_s


def test_delay_of_attempt_zero_is_that_of_the_first() -> None:
    assert Backoff(first_s=2.0).delay_s(0, dice=lambda: 1.0) == 2.0
