"""Rollups: stretches of time that are due are summed up from the readings, as often as it takes.

Whoever writes readings names the stretches they belong to, so late readings and an outage of any length
are made up for by themselves. A stretch is taken and written in one transaction: it is due or done.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from django.db import connections, transaction

from portal.kernel import clock
from portal.kernel.tenancy import PLATFORM
from provisioning.logic.measures import METRICS, ONE_HOUR, RAW, ROLLUPS, Resolution
from provisioning.models import MetricSubject
from provisioning.services.readings import partitions_turn

SETTLE_S: Final = 20
"""How long after its end a stretch is left to readings that are still being written."""
_BUDGET_S: Final = 20.0

# Materialized: a loop that asks anew for each row would skip what it just deleted, and take stretch after stretch.
_TAKE: Final = """
  WITH first AS MATERIALIZED (
    SELECT width_s, at FROM provisioning_metricdue
    WHERE width_s = %(width_s)s AND at <= %(before)s ORDER BY at LIMIT 1 FOR UPDATE SKIP LOCKED
  )
  DELETE FROM provisioning_metricdue d USING first
  WHERE d.width_s = first.width_s AND d.at = first.at RETURNING d.at"""


def _edges(name: str) -> str:
    return f"avg({name}), min({name}), max({name})"


def _statement(to: Resolution) -> str:
    columns = ", ".join(f"{name}, {name}_min, {name}_max" for name in METRICS)
    names = ["tenant_id", "samples", *columns.split(", ")]
    return f"""
      INSERT INTO {to.table} (subject_id, at, {", ".join(names)})
      SELECT subject_id, %(at)s, (array_agg(tenant_id ORDER BY at DESC))[1], count(*),
        {", ".join(map(_edges, METRICS))}
      FROM {RAW.table} WHERE at >= %(at)s AND at < %(until)s GROUP BY subject_id
      ON CONFLICT (subject_id, at) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in names)}"""  # noqa: S608 - our own names


_STATEMENTS: Final = {to.width_s: _statement(to) for to in ROLLUPS}


def rollups_make(*, now: datetime | None = None) -> int:
    """Makes all that is due, oldest first, for a while at most; answers how many stretches it made."""
    moment, began, made = now or clock.now(), monotonic(), 0
    for to in ROLLUPS:
        while monotonic() - began < _BUDGET_S and _one(to, moment):
            made += 1
    return made


def _one(to: Resolution, now: datetime) -> bool:
    before = now - timedelta(seconds=to.width_s + SETTLE_S)
    with transaction.atomic(using=PLATFORM), connections[PLATFORM].cursor() as cursor:
        cursor.execute(_TAKE, {"width_s": to.width_s, "before": before})
        row = cursor.fetchone()
        if row is None:
            return False
        until = row[0] + timedelta(seconds=to.width_s)
        cursor.execute(_STATEMENTS[to.width_s], {"at": row[0], "until": until})
    return True


def rollups_schedule() -> None:
    """What the schedule runs."""
    rollups_make()


def partitions_schedule() -> None:
    """Partitions ahead, none past keeping, and no memory of subjects whose last figure is gone."""
    now = clock.now()
    partitions_turn(now)
    MetricSubject.across_tenants.filter(at__lt=now - ONE_HOUR.kept).delete()
