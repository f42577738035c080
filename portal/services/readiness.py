"""Whether the platform serves: the parts of this process, and the processes beside it."""

from __future__ import annotations

import threading
import time
from typing import Final

from django.db import DatabaseError

from portal.selectors.liveness import liveness
from portal.selectors.readiness import UNKNOWN, readiness
from portal.services.settings import setting_get

SILENCE: Final = "platform.health.silence_seconds"
_KEPT_S: Final = 10.0


def platform_checks() -> dict[str, str]:
    """What each part says: ok, or in one word what is wrong. Silence is judged by a setting."""
    return {**readiness(), **_lives()}


def _lives() -> dict[str, str]:
    try:
        return liveness().checks(silence_s=float(setting_get(SILENCE)))
    except DatabaseError:
        return {"workers": UNKNOWN, "scheduler": UNKNOWN}


def _fallen_silent() -> tuple[str, ...]:
    try:
        return liveness().fallen_silent(silence_s=float(setting_get(SILENCE)))
    except DatabaseError:
        return ()


class _Memory:
    """Who was silent when this process last asked: every page of staff shows it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: tuple[str, ...] = ()
        self._until = 0.0

    def found(self) -> tuple[str, ...]:
        with self._lock:
            if time.monotonic() >= self._until:
                self._found = _fallen_silent()
                self._until = time.monotonic() + _KEPT_S
            return self._found

    def forget(self) -> None:
        with self._lock:
            self._until = 0.0


_memory = _Memory()


def silent_parts() -> tuple[str, ...]:
    """workers, scheduler, or both; at most ten seconds old."""
    return _memory.found()


def silent_parts_forget() -> None:
    """Drops what this process remembers, for tests that empty the tables under it."""
    _memory.forget()
