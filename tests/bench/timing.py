"""Interleaved timing: subject and yardstick take turns, and only their ratio is reported."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Measurement:
    """Medians in milliseconds per call, and the median of the ratios of all rounds."""

    name: str
    subject_ms: float
    yardstick: str
    yardstick_ms: float
    ratio: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare(
    name: str,
    subject: Callable[[], object],
    yardstick_name: str,
    yardstick: Callable[[], object],
    *,
    calls: int = 20,
) -> Measurement:
    """Times both in turns after a warm-up."""
    subject(), yardstick()
    pairs = [(_per_call_ms(subject, calls), _per_call_ms(yardstick, calls)) for _ in range(ROUNDS)]
    return Measurement(
        name=name,
        subject_ms=round(statistics.median(pair[0] for pair in pairs), 3),
        yardstick=yardstick_name,
        yardstick_ms=round(statistics.median(pair[1] for pair in pairs), 3),
        ratio=round(statistics.median(a / b for a, b in pairs), 2),
    )


def _per_call_ms(act: Callable[[], object], calls: int) -> float:
    gc.collect()
    began = time.perf_counter()
    for _ in range(calls):
        act()
    return (time.perf_counter() - began) / calls * 1000
