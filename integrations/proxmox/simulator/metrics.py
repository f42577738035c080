"""Figures of the past: made up, but the same for the same thing at the same moment."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

# seconds between two points, and how many there are
FRAMES = {
    "hour": (60, 60),
    "day": (60, 1440),
    "week": (1800, 336),
    "month": (1800, 1440),
    "year": (21_600, 1460),
    "decade": (604_800, 520),
}
DAY_S = 86_400
GAP_EVERY = 211
PEAK = 1.3
Row = dict[str, Any]


def wave(moment: int, seed: int, *, low: float, high: float) -> float:
    """Answer a figure that goes up and down once a day."""
    angle = 2 * math.pi * ((moment + seed * 997) % DAY_S) / DAY_S
    return low + (high - low) * (1 + math.sin(angle)) / 2


def points(
    now: float,
    timeframe: str,
    *,
    born: float,
    seed: int,
    figures: Callable[[int], Row],
    is_peak: bool = False,
) -> list[Row]:
    """Answer a row per moment; where nothing was measured only the time is there."""
    step, count = FRAMES[timeframe]
    last = int(now) // step * step
    rows: list[Row] = []
    for moment in range(last - (count - 1) * step, last + 1, step):
        row: Row = {"time": moment}
        is_gap = (moment // step + seed) % GAP_EVERY == 0
        if moment >= born and not is_gap:
            found = figures(moment)
            row |= {key: _peak(key, value) for key, value in found.items()} if is_peak else found
        rows.append(row)
    return rows


def _peak(key: str, value: float) -> float:
    return (
        value if key.startswith(("max", "mem", "root", "swap", "total", "used")) else value * PEAK
    )
