"""Figures over time: a month of one machine among 5 000, beside the bare reading of the same index rows."""

from __future__ import annotations

from contextlib import ExitStack

from django.db import connections, transaction

from portal.kernel import clock
from portal.kernel.tenancy import tenant_scope
from provisioning.logic.measures import ONE_HOUR, range_of
from provisioning.selectors.measures import Series, deployment_series
from provisioning.services.readings import partitions_turn
from tests.bench.subjects import measured
from tests.bench.timing import Act
from tests.bench.world import BenchWorld

MACHINES, HOURS = 5_000, 720
GOAL = 3.0

# Hour by hour, as it comes in real life: the rows of one machine lie far apart.
_FILL = f"""
  INSERT INTO {ONE_HOUR.table} (subject_id, at, tenant_id, samples, cpu, memory, disk_read,
    disk_write, net_in, net_out)
  SELECT d.id, h.at, d.tenant_id, 60, 10 + random() * 80, 40, 1000, 2000, 3000, 4000
  FROM generate_series(date_trunc('hour', now()) - make_interval(hours => {HOURS}),
    date_trunc('hour', now()) - interval '1 hour', interval '1 hour') h (at)
  CROSS JOIN (SELECT id, tenant_id FROM provisioning_deployment
    WHERE tenant_id = %s ORDER BY id DESC LIMIT {MACHINES}) d
  ON CONFLICT DO NOTHING"""
_SCOPE = "SELECT set_config('app.tenant_id', %s, true)"
_BARE = f"SELECT at FROM {ONE_HOUR.table} WHERE subject_id = %s AND at >= %s AND tenant_id = %s"


@measured("measures.month", beside="index-only read of the same rows", goal=GOAL, calls=50)
def figures_month(world: BenchWorld, _stack: ExitStack) -> tuple[Act, Act]:
    """720 hours of seven metrics as arrays with their gaps."""
    partitions_turn(clock.now())
    with connections["platform"].cursor() as cursor:
        cursor.execute(_FILL, [world.big.pk])
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"VACUUM (ANALYZE) {ONE_HOUR.table}")
    key, over = world.some_deployment(), range_of("30d")
    assert over is not None

    def bare() -> object:
        with world.raw.transaction():
            world.raw.execute(_SCOPE, (str(world.big.pk),), prepare=True)
            rows = world.raw.execute(_BARE, (key, begin, world.big.pk), prepare=True)
            return rows.fetchall()

    def shown() -> Series:
        with tenant_scope(world.big.pk), transaction.atomic():
            return deployment_series(key, over)

    first = shown()
    begin = first.times[0]
    assert sum(value is not None for value in first.values["cpu"]) >= HOURS - 2
    return shown, bare
