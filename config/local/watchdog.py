"""The process that ends a supervisor's children when the supervisor could not do it itself.

It reads lines from its standard input: `+N` names a child (negative: a process group), `-N`
forgets it again, `bye` means that everything was stopped in order. End of input without `bye` is
the death of the supervisor, by `kill -9` or worse.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress

GRACE_S = 8.0


def exists(target: int) -> bool:
    """Tell whether the process, or any process of the group, is there."""
    try:
        os.kill(target, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def end(targets: list[int]) -> None:
    """End all targets, the youngest first, politely for GRACE_S seconds and then by force."""
    for number in (signal.SIGTERM, signal.SIGINT):  # PostgreSQL ends at once on SIGINT only
        for target in reversed(targets):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(target, number)
    deadline = time.monotonic() + GRACE_S
    while any(exists(target) for target in targets) and time.monotonic() < deadline:
        time.sleep(0.05)
    for target in reversed(targets):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(target, signal.SIGKILL)


def watch(lines: Iterable[str]) -> list[int]:
    """Follow the supervisor's lines to their end and return the children it left behind."""
    targets: list[int] = []
    for line in lines:
        word = line.strip()
        if word == "bye":
            return []
        target = int(word[1:])
        if word.startswith("+"):
            targets.append(target)
        elif target in targets:
            targets.remove(target)
    return targets


def main() -> None:
    """Watch until the supervisor is gone; signals meant for the terminal's group are not ours."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    end(watch(sys.stdin))


if __name__ == "__main__":
    main()
