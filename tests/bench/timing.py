"""Interleaved timing: subject and yardstick take turns, and only their ratio is compared with a goal."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

ROUNDS = 7
Act = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Measurement:
    """Medians in milliseconds per call, and the median of the ratios of all rounds."""

    name: str
    subject_ms: float
    yardstick: str
    yardstick_ms: float
    ratio: float
    goal: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether the ratio is within its goal; measurements without one always are."""
        return self.goal is None or self.ratio <= self.goal

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"is_met": self.is_met}


def compare(
    name: str,
    subject: Act,
    yardstick_name: str,
    yardstick: Act,
    *,
    calls: int = 20,
    rounds: int = ROUNDS,
    goal: float | None = None,
) -> Measurement:
    """Times both in turns after a warm-up that lets statements be prepared and caches fill."""
    for _ in range(min(calls, 8)):
        subject(), yardstick()
    pairs = [(_per_call_ms(subject, calls), _per_call_ms(yardstick, calls)) for _ in range(rounds)]
    return Measurement(
        name=name,
        subject_ms=round(statistics.median(pair[0] for pair in pairs), 3),
        yardstick=yardstick_name,
        yardstick_ms=round(statistics.median(pair[1] for pair in pairs), 3),
        ratio=round(statistics.median(a / b for a, b in pairs), 2),
        goal=goal,
    )


def _per_call_ms(act: Act, calls: int) -> float:
    gc.collect()
    began = time.perf_counter()
    for _ in range(calls):
        act()
    return (time.perf_counter() - began) / calls * 1000
