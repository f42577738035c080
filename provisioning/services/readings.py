"""Readings of many subjects at one moment, kept in one statement: counters become flows on the way.

A counter that went back, or a subject that was started anew since it was last read, gives a gap and not a
spike. So does a pause that is too long for its mean to be worth anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connections, transaction

from portal.kernel.tenancy import PLATFORM
from provisioning.logic.measures import FLOWS, METRICS, RAW, ROLLUPS, SubjectKind, floor
from provisioning.services.alerting import alerts_judge

_GAP_INTERVALS: Final = 3
_CLOCK_SLACK_S: Final = 15
_PARTITION: Final = f"SELECT to_regclass('public.{RAW.table}_' || %(day)s) IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Reading:
    """What one subject uses now; None is not known, `*_total` count since its start."""

    subject_id: UUID
    tenant_id: UUID
    kind: SubjectKind
    name: str
    cluster_id: UUID | None = None
    uptime_s: int | None = None
    cpu: float | None = None
    cpu_cores: int | None = None
    memory_used: int | None = None
    memory_size: int | None = None
    disk_used: int | None = None
    disk_size: int | None = None
    disk_read_total: int | None = None
    disk_write_total: int | None = None
    net_in_total: int | None = None
    net_out_total: int | None = None


_COLUMNS: Final = {
    "id": ("subject_id", "uuid"),
    "tenant_id": ("tenant_id", "uuid"),
    "kind": ("kind", "text"),
    "name": ("name", "text"),
    "cluster_id": ("cluster_id", "uuid"),
    "uptime_s": ("uptime_s", "bigint"),
    "cpu": ("cpu", "real"),
    "cpu_cores": ("cpu_cores", "integer"),
    **{name: (name, "bigint") for name in ("memory_used", "memory_size", "disk_used", "disk_size")},
    **{f"{flow}_total": (f"{flow}_total", "bigint") for flow in FLOWS},
}


def _flow(name: str) -> str:
    return (
        f"CASE WHEN is_same AND {name}_total >= {name}_before "
        f"THEN ({name}_total - {name}_before) / elapsed_s END AS {name}"
    )


_KEPT: Final = (*_COLUMNS, "memory", "disk", *FLOWS)
_STORE: Final = f"""
  WITH seen AS MATERIALIZED (
    SELECT s.*, 100.0 * s.memory_used / nullif(s.memory_size, 0) AS memory,
      100.0 * s.disk_used / nullif(s.disk_size, 0) AS disk,
      {", ".join(f"o.{flow}_total AS {flow}_before" for flow in FLOWS)},
      extract(epoch FROM %(at)s - o.at) AS elapsed_s,
      coalesce(s.uptime_s >= o.uptime_s
        AND s.uptime_s >= extract(epoch FROM %(at)s - o.at) - {_CLOCK_SLACK_S}, true)
        AND extract(epoch FROM %(at)s - o.at) <= %(gap_s)s AS is_same
    FROM unnest({", ".join(f"%({name})s::{kind}[]" for name, (_, kind) in _COLUMNS.items())})
      AS s ({", ".join(_COLUMNS)})
    LEFT JOIN provisioning_metricsubject o ON o.id = s.id
    WHERE o.at IS NULL OR o.at < %(at)s
  ), made AS MATERIALIZED (
    SELECT {", ".join((*_COLUMNS, "memory", "disk"))}, {", ".join(map(_flow, FLOWS))} FROM seen
  ), written AS (
    INSERT INTO {RAW.table} (subject_id, at, tenant_id, {", ".join(METRICS)})
    SELECT id, %(at)s, tenant_id, {", ".join(METRICS)} FROM made
    ON CONFLICT (subject_id, at) DO NOTHING
  )
  INSERT INTO provisioning_metricsubject (at, interval_s, {", ".join(_KEPT)})
  SELECT %(at)s, %(interval_s)s, {", ".join(_KEPT)} FROM made
  ON CONFLICT (id) DO UPDATE SET at = excluded.at, interval_s = excluded.interval_s,
    {", ".join(f"{name} = excluded.{name}" for name in _KEPT if name != "id")}
  RETURNING id"""  # noqa: S608 - names of our own lists

# A row that stands is locked by the update: a rollup that takes it waits until these readings are there.
_DUE: Final = """
  INSERT INTO provisioning_metricdue (width_s, at) SELECT * FROM unnest(%s::int[], %s::timestamptz[])
  ON CONFLICT (width_s, at) DO UPDATE SET width_s = excluded.width_s"""


def readings_store(readings: Sequence[Reading], *, at: datetime, interval_s: int) -> int:
    """Keeps them, judges them against the thresholds, and answers how many were new."""
    if not readings:
        return 0
    columns = {
        name: [getattr(reading, attribute) for reading in readings]
        for name, (attribute, _kind) in _COLUMNS.items()
    }
    columns["kind"] = [str(reading.kind) for reading in readings]
    columns["name"] = [reading.name[:255] for reading in readings]
    gap_s = _GAP_INTERVALS * interval_s + _CLOCK_SLACK_S
    with transaction.atomic(using=PLATFORM), connections[PLATFORM].cursor() as cursor:
        partitions_ensure(at)
        widths = [rollup.width_s for rollup in ROLLUPS]
        cursor.execute(_DUE, [widths, [floor(at, width) for width in widths]])
        cursor.execute(_STORE, {"at": at, "interval_s": interval_s, "gap_s": gap_s, **columns})
        fresh = [row[0] for row in cursor.fetchall()]
        alerts_judge(subject_ids=fresh, at=at)
    return len(fresh)


def partitions_ensure(at: datetime) -> None:
    """Makes the partitions around a moment where none holds it yet."""
    with connections[PLATFORM].cursor() as cursor:
        cursor.execute(_PARTITION, {"day": f"{at:%Y%m%d}"})
        if cursor.fetchone() == (False,):
            partitions_turn(at)


def partitions_turn(at: datetime) -> tuple[int, int]:
    """Makes the partitions ahead of a moment and drops those that are past keeping; answers how many."""
    with connections[PLATFORM].cursor() as cursor:
        cursor.execute("SELECT made, dropped FROM metric_partitions_turn(%s)", [at])
        made, dropped = cursor.fetchone()
    return int(made), int(dropped)
