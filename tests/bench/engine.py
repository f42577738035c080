"""The operations engine beside plain Celery, beside the bare claim loop, and under a backlog.

Bursts of operations that do nothing but have everything: row, attempt, fence, live events. Two slots on
either side, workers of both running all the time, bursts in turns.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, cast

from django.db import connections

from portal.kernel.authz import Actor
from portal.kernel.database.base import DatabaseWrapper
from portal.kernel.queue import OperationKind
from portal.kernel.rls import role
from portal.kernel.tenancy import DISPATCH, tenant_scope
from portal.services.claims import Settlement, claims_settle, claims_take
from portal.services.enqueueing import NewOperation
from portal.services.operations import operation_enqueue, operation_enqueue_many
from portal.states import AttemptOutcome, OperationStatus
from tests.bench import engine_floor, engine_plain
from tests.bench.engine_kinds import ALONE, BACKLOG, NOOP, SHORT
from tests.bench.subjects import measured
from tests.bench.timing import Act
from tests.bench.world import BenchWorld
from tests.engine import celery_worker, started, wait_until

BURST = 1_000
BACKLOG_ROWS = 200_000
DONE = Settlement(OperationStatus.COMPLETED, outcome=AttemptOutcome.COMPLETED)
SETTINGS = "tests.bench.engine_settings"
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")
_PAUSE_S = 0.005
_PATIENCE_S = 60.0
_OPEN = """
  SELECT EXISTS (SELECT 1 FROM portal_operation WHERE status = 'pending' AND queue = %s)
      OR EXISTS (SELECT 1 FROM portal_operation WHERE status = 'running')"""


@measured("engine.one by one", beside="plain Celery", goal=1.25, calls=1)
def one_by_one(world: BenchWorld, stack: ExitStack) -> tuple[Act, Act]:
    """Each operation enqueued in a transaction of its own."""
    return _beside_plain(world, stack, NOOP, is_bulk=False)


@measured("engine.in bulk", beside="plain Celery", goal=0.56, calls=1)
def in_bulk(world: BenchWorld, stack: ExitStack) -> tuple[Act, Act]:
    """Enqueued a hundred at a time, claimed one at a time."""
    return _beside_plain(world, stack, NOOP, is_bulk=True)


@measured("engine.short kinds", beside="plain Celery", goal=0.17, calls=1)
def short_kinds(world: BenchWorld, stack: ExitStack) -> tuple[Act, Act]:
    """Enqueued a hundred at a time, claimed ten at a time."""
    return _beside_plain(world, stack, SHORT, is_bulk=True)


@measured("engine.loop", beside="claim loop by hand, 1 at a time", calls=1)
def loop_of_one(world: BenchWorld, stack: ExitStack) -> tuple[Act, Act]:
    """The whole engine beside the statements alone."""
    _engine_workers(stack)
    return _burst(world, NOOP, is_bulk=True), _floor(stack, most=1)


@measured("engine.loop of short kinds", beside="claim loop by hand, 20 at a time", calls=1)
def loop_of_many(world: BenchWorld, stack: ExitStack) -> tuple[Act, Act]:
    """The same for short kinds."""
    _engine_workers(stack)
    return _burst(world, SHORT, is_bulk=True), _floor(stack, most=20)


@measured("engine.claim in 200 000", beside="claim in an empty queue", goal=1.5, calls=30)
def claim_in_backlog(world: BenchWorld, stack: ExitStack) -> tuple[Act, Act]:
    """Somebody's single operation behind another tenant's backlog."""
    actor = Actor.system("bench", tenant_id=world.big.pk)
    news = [NewOperation()] * BACKLOG_ROWS
    operation_enqueue_many(actor=actor, type=BACKLOG.type, news=news, tenant_id=world.big.pk)
    stack.callback(_forget)
    other = world.small.pk

    def single(kind: OperationKind) -> Act:
        def act() -> None:
            operation_enqueue(actor=actor, type=kind.type, tenant_id=other)
            (claim,) = claims_take(queue=kind.queue, worker="bench").claims
            claims_settle([(claim, DONE)])

        return act

    return single(BACKLOG), single(ALONE)


def _beside_plain(
    world: BenchWorld, stack: ExitStack, kind: OperationKind, *, is_bulk: bool
) -> tuple[Act, Act]:
    _engine_workers(stack)
    plain = [sys.executable, "-m", "celery", "-A", "tests.bench.engine_plain", "worker"]
    command = [*plain, "-c", "2", "--loglevel", "ERROR", *QUIET]
    stack.enter_context(started(command, DJANGO_SETTINGS_MODULE=""))
    engine_plain.plain_run(10)
    return _burst(world, kind, is_bulk=is_bulk), lambda: engine_plain.plain_run(BURST)


def _engine_workers(stack: ExitStack) -> None:
    """Two processes of one slot each, as prefork has two children."""
    _value("DELETE FROM portal_worker RETURNING 1")
    options = ("-P", "threads", "-c", "1", "-I", "tests.bench.engine_kinds", *QUIET)
    for name in ("one", "two"):
        environment = {"DJANGO_SETTINGS_MODULE": SETTINGS, "ENGINE_SLOTS": "1"}
        stack.enter_context(celery_worker(*options, "-n", name, **environment))
    online = "SELECT count(*) FROM portal_worker WHERE status = 'online'"
    wait_until(lambda: _value(online) == 2, timeout_s=_PATIENCE_S)


def _burst(world: BenchWorld, kind: OperationKind, *, is_bulk: bool) -> Act:
    actor = Actor.system("bench", tenant_id=world.big.pk)

    def act() -> None:
        with tenant_scope(world.big.pk):
            if is_bulk:
                for _ in range(BURST // 100):
                    operation_enqueue_many(actor=actor, type=kind.type, news=[NewOperation()] * 100)
            else:
                for _ in range(BURST):
                    operation_enqueue(actor=actor, type=kind.type)
        _wait(lambda: not _value(_OPEN, [kind.queue]))

    return act


def _floor(stack: ExitStack, *, most: int) -> Act:
    """Two processes of the claim loop, and a burst for them."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(engine_floor.DROP)
        cursor.execute(engine_floor.TABLES.format(role=role(DISPATCH)))
    for _ in range(2):
        command = [sys.executable, "-m", "tests.bench.engine_floor", str(most)]
        stack.enter_context(started(command))
    queue = f"claim-{most}"

    def act() -> None:
        for _ in range(BURST // 100):
            _execute(engine_floor.ENQUEUE, [queue, 100])
        _wait(lambda: not _value(engine_floor.OPEN, [queue]))

    return act


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "the workers do not end their burst"
        time.sleep(_PAUSE_S)


def _value(statement: str, values: list[Any] | None = None) -> Any:
    rows = cast(DatabaseWrapper, connections[DISPATCH]).prepared_rows(statement, values or [])
    return rows[0][0] if rows else None


def _execute(statement: str, values: list[Any]) -> None:
    with connections[DISPATCH].cursor() as cursor:
        cursor.execute(statement, values)


def _forget() -> None:
    _value("DELETE FROM portal_operation WHERE status = 'pending' RETURNING 1")
