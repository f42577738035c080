"""The engine for tests: drains in this process until nothing is left, and real workers in others."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connections

from portal.kernel.queue import QUEUES
from portal.kernel.tenancy import DISPATCH
from portal.services.claims import (
    Batch,
    Claim,
    Settlement,
    claims_settle,
    claims_settle_and_take,
    claims_take,
)
from portal.services.drains import drain

ROOT = Path(__file__).resolve().parent.parent
# Waiting ends with what is waited for: this is only how long a test may be in vain, on the slowest machine.
PATIENCE_S = 90.0
_STEP_S = 0.01

_OPEN = """
  SELECT count(*) FILTER (WHERE scheduled_at <= now() + make_interval(secs => %(horizon_s)s)
    OR status = 'running')
  FROM portal_operation WHERE status IN ('pending', 'running')"""


class TestDesk:
    """A worker without threads: whoever drains works."""

    __test__ = False

    def __init__(self, name: str = "test") -> None:
        self.name = name
        self.is_told_to_drain = False
        self.delays_s: list[float] = []
        self.rings: list[str] = []

    def is_draining(self) -> bool:
        return self.is_told_to_drain

    def took(self, claim: Claim) -> None:
        """The lease of a test is long enough."""

    def gave_back(self, claim: Claim) -> None:
        """Nothing was kept."""

    def more_is_due(self, queue: str) -> None:
        self.rings.append(queue)

    def is_due_in(self, delay_s: float) -> None:
        self.delays_s.append(delay_s)


def take(worker: str = "w", queue: str = "cloudpods") -> Claim | None:
    """The next due operation of a queue, claimed; None when there is none."""
    batch = claims_take(queue=queue, worker=worker)
    assert len(batch.claims) <= 1
    return batch.claims[0] if batch.claims else None


def settle(claim: Claim, settlement: Settlement) -> bool:
    """Settles one claim; answers whether it was still this worker's."""
    return claims_settle([(claim, settlement)]) == []


def settle_and_take(claim: Claim, settlement: Settlement, worker: str = "w") -> tuple[bool, Batch]:
    """Settles one claim and takes what is next."""
    lost, batch = claims_settle_and_take([(claim, settlement)], queue=claim.queue, worker=worker)
    return lost == [], batch


def wait_until(condition: Callable[[], bool], *, timeout_s: float = PATIENCE_S) -> None:
    """Looks every few milliseconds; fails with the condition's name when the time is over."""
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {condition}"
        pause.wait(_STEP_S)


def leases_end() -> None:
    """What a long silence after a killed worker does, at once; the next sweep takes it up."""
    with connections[DISPATCH].cursor() as cursor:
        cursor.execute(
            "UPDATE portal_operation SET lease_expires_at = now() - interval '1 second' "
            "WHERE status = 'running'"
        )


def run_until_idle(*, timeout_s: float = PATIENCE_S, horizon_s: float = 600.0) -> int:
    """Drains all queues in this process until no operation is open; answers how many runs that took.

    Operations that are scheduled beyond the horizon are left alone. Waits are real: a poll after one
    second takes one second.
    """
    desk, runs = TestDesk(), 0
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while operations_open(horizon_s=horizon_s):
        ran = sum(drain(queue, desk=desk) for queue in QUEUES)
        runs += ran
        assert time.monotonic() < deadline, f"operations are still open after {timeout_s} s"
        if not ran:
            pause.wait(_STEP_S)
    return runs


def operations_open(*, horizon_s: float = 600.0) -> int:
    """How many operations run or will be due within the horizon."""
    with connections[DISPATCH].cursor() as cursor:
        cursor.execute(_OPEN, {"horizon_s": horizon_s})
        return int(cursor.fetchone()[0])


def test_environment(**extra: str) -> dict[str, str]:
    """The environment of a process that works on this test's database and broker.

    The broker's address is said as it is here: Celery's command believes the variable, not the settings.
    """
    environment = os.environ | {"BROKER_URL": settings.CELERY_BROKER_URL}
    environment.pop("PYTEST_XDIST_WORKER", None)
    for alias, variable in (
        ("default", "DATABASE_URL"),
        ("owner", "DATABASE_OWNER_URL"),
        ("platform", "DATABASE_PLATFORM_URL"),
        ("dispatch", "DATABASE_DISPATCH_URL"),
    ):
        base, _, _name = os.environ[variable].rpartition("/")
        environment[variable] = f"{base}/{settings.DATABASES[alias]['NAME']}"
    return environment | extra


test_environment.__test__ = False  # type: ignore[attr-defined]


@contextmanager
def worker_process(**extra: str) -> Iterator[subprocess.Popen[bytes]]:
    """A drain loop in a process of its own (`tests/worker.py`); `FAILPOINT=…` kills it on the way."""
    with started([sys.executable, "-m", "tests.worker"], **extra) as process:
        yield process


@contextmanager
def celery_worker(*options: str, **extra: str) -> Iterator[subprocess.Popen[bytes]]:
    """A real worker as production starts it, on this test's database and broker."""
    argv = [sys.executable, "-m", "celery", "-A", "config", "worker", "--loglevel", "WARNING"]
    with started([*argv, *options], **extra) as process:
        yield process


@contextmanager
def started(argv: list[str], **extra: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process on this test's database that never outlives the block."""
    process = subprocess.Popen(argv, cwd=ROOT, env=test_environment(**extra))
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=PATIENCE_S)
