"""`make clean`: end the demo that runs on a state directory and remove what it kept."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from config.local.errors import LocalError, StateBusyError
from config.local.privileges import shelter_of
from config.local.state import StateLock, is_alive, state_dir

MARKS = ("lock", "secrets", "testing", "demo.stamp")


def state_remove(folder: Path) -> None:
    """End whoever holds the state directory, and the test services below it, and remove it all.

    Raises LocalError when the holder does not end, or when the folder is not one of ours.
    """
    if not folder.exists():
        return
    if any(folder.iterdir()) and not any((folder / mark).exists() for mark in MARKS):
        raise LocalError(f"{folder} does not look like a state directory of uHub: left alone.")
    for place in (folder / "testing", folder):
        if (place / "lock").exists():
            _holder_end(place)
    for place in (folder / "testing", folder):
        shutil.rmtree(shelter_of(place), ignore_errors=True)
    shutil.rmtree(folder)


def _holder_end(folder: Path) -> None:
    lock = StateLock(folder)
    pid, _ = lock.holder()
    try:
        lock.acquire("make clean", patience_s=0)
    except StateBusyError:
        if is_alive(pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        _wait_for(lock, pid)
    lock.release()


def _wait_for(lock: StateLock, pid: int) -> None:
    """Take the lock once its holder and its watchdog are gone. Raises StateBusyError."""
    deadline = time.monotonic() + 60
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    lock.acquire("make clean")


def main() -> int:
    """Clean STATE_DIR and return the exit code."""
    try:
        state_remove(state_dir())
    except LocalError as error:
        print(f"uHub: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
