"""Counting in memory: what a process did since it last added its figures to the totals.

Counting costs a dictionary entry and never touches the database. `portal.services.tallies` adds the
figures to the tables every few seconds, so that totals are those of all processes, also of those that
ended (ADR figures-are-added-up-in-postgresql).
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import defaultdict
from datetime import datetime
from typing import Final

from portal.kernel import clock

Labels = tuple[tuple[str, str], ...]
BUCKETS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0)
"""Upper bounds of every histogram, in seconds; the last one of all is infinity."""
_MOST: Final = 5_000


class Tallies:
    """Figures of one process since the last `taken`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals: dict[tuple[str, Labels], float] = {}
        self._minutes: dict[tuple[str, datetime], dict[str, int]] = {}

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Adds to a total. A process that meets more labels than it can hold counts no new ones."""
        key = (name, tuple(sorted(labels.items())))
        with self._lock:
            self._add(key, amount)

    def observe(self, name: str, seconds: float, **labels: str) -> None:
        """Adds a duration to a histogram: its bucket, its sum."""
        place = bisect_left(BUCKETS, seconds)
        bound = "+Inf" if place == len(BUCKETS) else f"{BUCKETS[place]:g}"
        plain = tuple(sorted(labels.items()))
        with self._lock:
            self._add((f"{name}_bucket", tuple(sorted((*plain, ("le", bound))))), 1)
            self._add((f"{name}_sum", plain), seconds)

    def ended(self, queue: str, word: str) -> None:
        """Counts what ended in a queue this minute; `word` is completed, failed or retried."""
        minute = clock.now().replace(second=0, microsecond=0)
        with self._lock:
            held = self._minutes.setdefault((queue, minute), defaultdict(int))
            held[word] += 1

    def taken(
        self,
    ) -> tuple[dict[tuple[str, Labels], float], dict[tuple[str, datetime], dict[str, int]]]:
        """What was counted, and begins anew."""
        with self._lock:
            totals, self._totals = self._totals, {}
            minutes, self._minutes = self._minutes, {}
        return totals, minutes

    def give_back(
        self,
        totals: dict[tuple[str, Labels], float],
        minutes: dict[tuple[str, datetime], dict[str, int]],
    ) -> None:
        """What the tables did not take waits for the next time."""
        with self._lock:
            for key, amount in totals.items():
                self._add(key, amount)
            for place, words in minutes.items():
                held = self._minutes.setdefault(place, defaultdict(int))
                for word, amount in words.items():
                    held[word] += amount

    def _add(self, key: tuple[str, Labels], amount: float) -> None:
        if key in self._totals or len(self._totals) < _MOST:
            self._totals[key] = self._totals.get(key, 0) + amount


TALLIES: Final = Tallies()
