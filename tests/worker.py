"""A worker for tests: a drain loop in a process of its own that can be killed at an exact point.

`FAILPOINT=before:POST /clone$:1` ends the process with 137 before the first matching call to the
hypervisor, `after:…` after it; `FAILPOINT=engine:claimed:2`, `engine:settling`, `engine:settled` and
`engine:saved` do so around the engine's own statements. The number counts matches and defaults to 1.
"""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable
from typing import Any

import django

KILLED = 137


class Failpoint:
    """Counts what passes by and ends the process at the wanted one."""

    def __init__(self, text: str) -> None:
        self.when, _, rest = text.partition(":")
        pattern, _, count = rest.rpartition(":")
        if not count.isdigit():
            pattern, count = rest, "1"
        self._pattern = re.compile(pattern)
        self._left = int(count or 1)
        self._lock = threading.Lock()

    def passes(self, when: str, what: str) -> None:
        if when != self.when or not self._pattern.search(what):
            return
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os._exit(KILLED)


FAILPOINT = Failpoint(os.environ.get("FAILPOINT", ""))


class CallObserver:
    """Named by `settings.CALL_OBSERVER`: sees every call to a hypervisor before and after."""

    def before(self, method: str, path: str) -> None:
        FAILPOINT.passes("before", f"{method} {path}")

    def after(self, method: str, path: str, outcome: str) -> None:
        FAILPOINT.passes("after", f"{method} {path}")


def observed(
    function: Callable[..., Any], *, before: str = "", after: str = ""
) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        FAILPOINT.passes("engine", before)
        result = function(*args, **kwargs)
        if after != "claimed" or result.claims:
            FAILPOINT.passes("engine", after)
        return result

    return wrapper


def engine_observe() -> None:
    """Puts the engine's failpoints around its statements."""
    from portal.services import drains, runs

    drains.claims_take = observed(drains.claims_take, after="claimed")
    drains.claims_settle = observed(drains.claims_settle, before="settling", after="settled")
    drains.claims_settle_and_take = observed(
        drains.claims_settle_and_take, before="settling", after="settled"
    )
    runs.claim_save = observed(runs.claim_save, before="saving", after="saved")


def main() -> None:
    django.setup()
    from django.conf import settings

    from portal.kernel.queue import QUEUES
    from portal.services.doorbell import DOORBELL
    from portal.services.workers import WorkerDesk
    from tests import kinds  # noqa: F401 - registers the test types

    settings.CALL_OBSERVER = "tests.worker.CallObserver"
    engine_observe()
    DOORBELL.connect(None)
    ended = threading.Event()
    desk = WorkerDesk(queues=QUEUES, leave=ended.set)
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    desk.start()
    ended.wait()
    desk.stop(grace_s=settings.ENGINE["GRACE_S"])


if __name__ == "__main__":
    main()
