"""What isolation costs: the same statement under its policy, and as a role that may see all."""

from __future__ import annotations

from contextlib import ExitStack

from tests.bench.floors import LIVE, NEWEST, rows_by_hand
from tests.bench.subjects import measured
from tests.bench.timing import Act
from tests.bench.world import BenchWorld, raw_connection

GOAL = 1.2
_COUNT = "SELECT count(*) FROM provisioning_deployment d WHERE d.tenant_id = %s"


def _beside_platform(world: BenchWorld, stack: ExitStack, sql: str) -> tuple[Act, Act]:
    connection = stack.enter_context(raw_connection("platform"))

    def without_policy() -> object:
        with connection.transaction():
            connection.execute("SELECT 1", prepare=True)
            return connection.execute(sql, (world.big.pk,), prepare=True).fetchall()

    return rows_by_hand(world, world.big, sql), without_policy


@measured("isolation.page", beside="explicit WHERE, no policy", goal=GOAL, calls=50)
def isolation_page(world: BenchWorld, stack: ExitStack) -> tuple[Act, Act]:
    """50 rows."""
    return _beside_platform(world, stack, f"{LIVE} {NEWEST}")


@measured("isolation.count", beside="explicit WHERE, no policy", goal=GOAL, calls=50)
def isolation_count(world: BenchWorld, stack: ExitStack) -> tuple[Act, Act]:
    """All rows of the organisation."""
    return _beside_platform(world, stack, _COUNT)
