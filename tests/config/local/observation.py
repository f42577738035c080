"""What tests of processes share: waiting for a condition, environments, looking at processes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def wait_until(condition: Callable[[], object], *, timeout_s: float = 60) -> None:
    """Return once `condition` holds; fail when it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.02)


def bare_environment() -> dict[str, str]:
    """Return our environment without the services that this very test run was given."""
    given = ("DATABASE_", "BROKER_", "CACHE_", "UHUB_", "STATE_DIR", "SECRET_KEY", "DJANGO_")
    return {name: value for name, value in os.environ.items() if not name.startswith(given)}


def processes_with(word: str) -> list[int]:
    """Return the ids of all processes whose command line contains `word`, zombies left out."""
    return _processes(lambda folder: word.encode() in (folder / "cmdline").read_bytes())


def processes_given(variable: str, value: str) -> list[int]:
    """Return the ids of all processes that were started with `variable` set to `value`."""
    entry = f"{variable}={value}".encode()
    return _processes(lambda folder: entry in (folder / "environ").read_bytes().split(b"\0"))


def _processes(matches: Callable[[Path], bool]) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdigit() and matches(folder):
                found.append(int(folder.name))
    return found
