"""Running coroutines from tests: in a thread, since a browser of the same process keeps a loop of its own running."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Answer = TypeVar("Answer")


def run_async(wanted: Coroutine[Any, Any, Answer]) -> Answer:
    """What the coroutine answers, run to its end in a loop of its own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, wanted).result()
