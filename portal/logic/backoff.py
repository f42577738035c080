"""How long to wait before the next try."""

from __future__ import annotations

import random

_LARGEST_EXPONENT = 60


def backoff_s(attempt: int, *, base_s: float, cap_s: float, jitter: float | None = None) -> float:
    """`min(cap, base·2^(attempt-1))`, spread by ±50 % so that what failed together does not return together.

    `jitter` replaces the random factor, for tests.
    """
    spread = random.uniform(0.5, 1.5) if jitter is None else jitter  # noqa: S311 - no secret
    exponent = min(max(attempt, 1) - 1, _LARGEST_EXPONENT)
    return min(cap_s, base_s * 2.0**exponent) * spread
