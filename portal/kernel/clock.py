"""The clock: aware UTC everywhere. Tests move it; nothing else may call datetime.now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

_offset = timedelta(0)


def now() -> datetime:
    """The current moment in UTC, shifted by `travelled` in tests."""
    return datetime.now(UTC) + _offset


@contextmanager
def travelled(offset: timedelta) -> Iterator[None]:
    """Moves the clock by `offset` for all threads of this process until the block ends."""
    global _offset  # noqa: PLW0603 - one clock per process is the point
    previous = _offset
    _offset = previous + offset
    try:
        yield
    finally:
        _offset = previous
