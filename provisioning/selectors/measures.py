"""Figures over time: arrays of one length per range, a gap where nothing was measured."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import orjson
from django.db import connections
from django.utils.translation import gettext

from portal.kernel import clock
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import InvalidInput
from portal.kernel.tenancy import DEFAULT, PLATFORM
from provisioning.logic.measures import (
    FIVE_MINUTES,
    METRICS,
    RANGE_DEFAULT,
    RANGES,
    RAW,
    Range,
    SubjectKind,
    floor,
    range_of,
)
from provisioning.models import MetricSubject
from provisioning.permissions import Permission

Values = list[float | None]
_ROLLED_AFTER_S: Final = 120
_SPARK_POINTS: Final = 48
_SPARK_STEP_S: Final = 1800


@dataclass(frozen=True, slots=True)
class Series:
    """As many values per metric as there are times; None is a gap."""

    range: Range
    times: Sequence[datetime]
    values: Mapping[str, Values]


def range_read(code: str | None) -> Range:
    """The range people named, or the usual one. Raises InvalidInput for an unknown one."""
    found = range_of(code) if code else RANGE_DEFAULT
    if found is None:
        known = ", ".join(one.code for one in RANGES)
        raise InvalidInput(
            gettext("There are the ranges %(ranges)s.") % {"ranges": known}, field="range"
        )
    return found


def deployment_series(deployment_id: UUID, over: Range) -> Series:
    """Figures of a machine of the organisation in scope, which was authorised before."""
    return _series(deployment_id, over, DEFAULT)


def host_series(subject_id: UUID, over: Range) -> Series:
    """Figures of a node or host that was authorised before."""
    return _series(subject_id, over, PLATFORM)


def deployment_now(deployment_id: UUID) -> MetricSubject | None:
    """The newest figures of a machine of the organisation in scope."""
    return MetricSubject.objects.filter(pk=deployment_id).first()


def host_now(subject_ids: Collection[UUID]) -> dict[UUID, MetricSubject]:
    """The newest figures of nodes and hosts that were authorised before."""
    return {row.pk: row for row in MetricSubject.across_tenants.filter(pk__in=subject_ids)}


def _series(subject_id: UUID, over: Range, alias: str) -> Series:
    """One row with an array per metric: a row per point would cost more to carry over than to find."""
    starts = _starts(over)
    begin, end = starts[0], starts[-1] + timedelta(seconds=over.step_s)
    figures = METRICS if over.step_s == over.source.width_s else _MEANS
    grouped = "" if figures is METRICS else "GROUP BY 1"
    statement = (
        f"SELECT {_ARRAYS} FROM (SELECT floor(date_part('epoch', at - %s) / {over.step_s})::int "  # noqa: S608
        f"AS place, {', '.join(figures)} FROM {over.source.table} "
        f"WHERE subject_id = %s AND at >= %s AND at < %s {grouped}) points"
    )
    with connections[alias].cursor() as cursor:
        cursor.execute(statement, [begin, subject_id, begin, end])
        arrays = [orjson.loads(one) if one else [] for one in cursor.fetchone()]
    places, *found = arrays
    values: dict[str, Values] = {}
    for name, known in zip(METRICS, found, strict=True):
        column: Values = [None] * over.points
        for place, figure in zip(places, known, strict=True):
            column[place] = figure
        values[name] = column
    return Series(over, starts, values)


_MEANS: Final = tuple(f"avg({name}) AS {name}" for name in METRICS)
_ARRAYS: Final = ", ".join(f"json_agg({name})::text" for name in ("place", *METRICS))


def _starts(over: Range) -> list[datetime]:
    """The newest point is one that has ended, and whose rollup has been made; a day grows by the hour."""
    if over.step_s > over.source.width_s > 0:
        return over.starts(clock.now())
    settle_s = 0 if over.source is RAW else _ROLLED_AFTER_S
    return over.starts(clock.now() - timedelta(seconds=over.step_s + settle_s))


def sparks(subject_ids: Collection[UUID], *, metric: str = "cpu") -> dict[UUID, Values]:
    """A day of one metric for many nodes and hosts that were authorised before, in one question."""
    if metric not in METRICS or not subject_ids:
        return {}
    last = floor(clock.now(), _SPARK_STEP_S)
    begin = last - timedelta(seconds=_SPARK_STEP_S * (_SPARK_POINTS - 1))
    rows: dict[UUID, Values] = {pk: [None] * _SPARK_POINTS for pk in subject_ids}
    statement = (
        f"SELECT subject_id, floor(extract(epoch FROM at - %s) / {_SPARK_STEP_S})::int, "  # noqa: S608
        f"avg({metric}) FROM {FIVE_MINUTES.table} "
        "WHERE subject_id = ANY(%s) AND at >= %s GROUP BY 1, 2"
    )
    with connections[PLATFORM].cursor() as cursor:
        cursor.execute(statement, [begin, list(subject_ids), begin])
        for subject_id, place, value in cursor.fetchall():
            if 0 <= place < _SPARK_POINTS:
                rows[subject_id][place] = value
    return rows


@dataclass(frozen=True, slots=True)
class Load:
    """How busy all nodes together were: times with the mean share of CPU and memory."""

    times: Sequence[datetime]
    cpu: Values
    memory: Values


def platform_load(*, actor: Actor, points: int = 24, step_s: int = 3600) -> Load:
    """The nodes of all clusters together, each as heavy as it is large. Raises Refused."""
    if not actor.may(Permission.CLUSTERS_MANAGE):
        authorize(actor, Permission.INFRASTRUCTURE_VIEW)
    last = floor(clock.now(), step_s)
    times = [last - timedelta(seconds=step_s * back) for back in range(points - 1, -1, -1)]
    cpu: Values = [None] * points
    memory: Values = [None] * points
    with connections[PLATFORM].cursor() as cursor:
        cursor.execute(_LOAD, {"begin": times[0], "step": step_s, "kind": SubjectKind.NODE.value})
        for place, busy, used in cursor.fetchall():
            if 0 <= place < points:
                cpu[place], memory[place] = busy, used
    return Load(times, cpu, memory)


_LOAD: Final = f"""
  SELECT floor(extract(epoch FROM m.at - %(begin)s) / %(step)s)::int,
    sum(m.cpu * s.cpu_cores) / nullif(sum(s.cpu_cores) FILTER (WHERE m.cpu IS NOT NULL), 0),
    sum(m.memory * s.memory_size) / nullif(sum(s.memory_size) FILTER (WHERE m.memory IS NOT NULL), 0)
  FROM provisioning_metricsubject s
  JOIN {FIVE_MINUTES.table} m ON m.subject_id = s.id AND m.at >= %(begin)s
  WHERE s.kind = %(kind)s GROUP BY 1"""  # noqa: S608 - names of our own lists
