"""One clock for every duration, so that ratios hold when a test runs fifty times faster."""

from __future__ import annotations

import asyncio
import time

_SHARES = 5


class Clock:
    """Timestamps are real; durations are divided by the scale, also while they are waited for."""

    def __init__(self, *, scale: float = 1.0) -> None:
        self._scale = scale
        self._changed = asyncio.Event()

    @property
    def scale(self) -> float:
        return self._scale

    def rescale(self, scale: float) -> None:
        """Change the pace at once, also for those who are already waiting."""
        self._scale = scale
        self._changed.set()
        self._changed = asyncio.Event()

    def now(self) -> float:
        return time.time()

    def elapsed_s(self, since: float) -> float:
        """Answer simulated seconds since a timestamp."""
        return (self.now() - since) * self._scale

    async def sleep(self, duration_s: float) -> None:
        remaining_s = duration_s
        while remaining_s > 0:
            started, scale = time.monotonic(), self._scale
            try:
                await asyncio.wait_for(self._changed.wait(), remaining_s / scale)
            except TimeoutError:
                return
            remaining_s -= (time.monotonic() - started) * scale

    async def patience(self, duration_s: float) -> None:
        """Wait that long for others to do their work here.

        Where this process itself is held up, their work is as well: that costs one share, not all.
        """
        for _ in range(_SHARES):
            await self.sleep(duration_s / _SHARES)
