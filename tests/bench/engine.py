"""The operations engine beside what its ledger costs at the least."""

from __future__ import annotations

from contextlib import ExitStack

from django.db import connections

from portal.kernel.authz import Actor
from portal.kernel.queue import Advance, OperationKind, Step, register_operation
from portal.kernel.tenancy import tenant_scope
from portal.services.operations import operation_enqueue
from tests.bench.subjects import measured
from tests.bench.timing import Act
from tests.bench.world import BenchWorld
from tests.engine import run_until_idle

OPERATIONS = 50
NOOP = OperationKind("bench.noop", "Noop", "webhooks", (Step("only", "Only", lambda _: Advance()),))


@measured("engine.50 noops", beside="two bare commits each", calls=1)
def durable_operation(world: BenchWorld, _stack: ExitStack) -> tuple[Act, Act]:
    """Enqueue and run noop operations one by one."""
    register_operation(NOOP)
    actor = Actor.system("bench", tenant_id=world.big.pk)

    def engine() -> None:
        with tenant_scope(world.big.pk):
            for _ in range(OPERATIONS):
                operation_enqueue(actor=actor, type=NOOP.type)
        run_until_idle()

    def floor() -> None:
        with connections["dispatch"].cursor() as cursor:
            for _ in range(OPERATIONS * 2):
                cursor.execute("UPDATE portal_schedule SET updated_at = now() WHERE false")
                cursor.execute("SELECT pg_current_xact_id()")

    return engine, floor
