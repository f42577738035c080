"""Waiting times between attempts."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential waiting time with full jitter in its upper half.

    The lower half is kept so that a wait is never zero; the upper half is random so that workers
    that failed together do not come back together.
    """

    first_s: float = 1.0
    limit_s: float = 60.0
    factor: float = 2.0

    def delay_s(self, attempt: int, *, dice: Callable[[], float] = random.random) -> float:
        """Return the wait before attempt number `attempt` (the first retry is 1)."""
        doublings = min(max(attempt, 1) - 1, 64)
        ceiling_s = min(self.limit_s, self.first_s * self.factor**doublings)
        return ceiling_s * (0.5 + 0.5 * dice())
