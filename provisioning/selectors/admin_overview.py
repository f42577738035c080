"""The whole platform in figures, for its administrators (seed 003 §2): a constant number of statements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connections

from audit.models import Entry
from portal.kernel.audit_tags import Category
from portal.kernel.authz import Actor, authorize
from portal.kernel.tenancy import PLATFORM
from portal.logic.periods import Period
from provisioning.permissions import Permission

CATEGORIES: Final = (Category.LIFECYCLE, Category.HEALTH, Category.BACKUP, Category.QUOTA)
EVENTS_SHOWN: Final = 20
TENANTS_SHOWN: Final = 10

# What is used is what was measured within the last hour; without a reading nothing is known of it.
_FIGURES: Final = """
  WITH live AS (
    SELECT id, status, health, cpu_cores, memory_mb, disk_gb
    FROM provisioning_deployment WHERE status <> 'deleted'
  ), used AS (
    SELECT round(sum(m.cpu * m.cpu_cores) / 100)::bigint AS cpu,
      round(sum(m.memory_used) / 1048576.0)::bigint AS memory,
      round(sum(m.disk_used) / 1073741824.0)::bigint AS disk
    FROM provisioning_metricsubject m JOIN live ON live.id = m.id
    WHERE m.kind = 'deployment' AND m.at > now() - interval '1 hour'
  ), backups AS (
    SELECT count(*) FILTER (WHERE status <> 'failed') AS made,
      count(*) FILTER (WHERE status = 'failed') AS failed
    FROM provisioning_backup WHERE ended_at > now() - interval '24 hours'
  )
  SELECT count(*), count(*) FILTER (WHERE status = 'running'),
    count(*) FILTER (WHERE status = 'error'), count(*) FILTER (WHERE status = 'deleting'),
    (SELECT count(*) FROM billing_tenant WHERE is_active),
    coalesce(sum(cpu_cores), 0), coalesce(sum(memory_mb), 0), coalesce(sum(disk_gb), 0),
    (SELECT cpu FROM used), (SELECT memory FROM used), (SELECT disk FROM used),
    count(*) FILTER (WHERE health IN ('degraded', 'failed')),
    (SELECT count(*) FROM provisioning_healattempt
      WHERE created_at > now() - interval '24 hours'),
    (SELECT made FROM backups), (SELECT failed FROM backups)
  FROM live"""

_TENANTS: Final = """
  SELECT t.id, t.name, count(*), sum(d.cpu_cores), sum(d.memory_mb)
  FROM provisioning_deployment d JOIN billing_tenant t ON t.id = d.tenant_id
  WHERE d.status <> 'deleted' GROUP BY t.id, t.name
  ORDER BY sum(d.cpu_cores) DESC, sum(d.memory_mb) DESC, t.name LIMIT %(most)s"""

_HISTORY: Final = """
  SELECT width_bucket(created_at, %(edges)s::timestamptz[]) AS place, true, count(*)
  FROM provisioning_deployment WHERE created_at >= %(begins)s GROUP BY place
  UNION ALL
  SELECT width_bucket(deleted_at, %(edges)s::timestamptz[]) AS place, false, count(*)
  FROM provisioning_deployment WHERE deleted_at >= %(begins)s GROUP BY place"""


@dataclass(frozen=True, slots=True)
class Resource:
    """What machines were given and what of it they use; None while nothing was measured."""

    allocated: int
    used_approx: int | None


@dataclass(frozen=True, slots=True)
class TenantUsage:
    """One organisation with what its machines hold."""

    tenant_id: UUID
    name: str
    pods: int
    cpu_cores: int
    memory_mb: int


@dataclass(frozen=True, slots=True)
class AdminOverview:
    """`total` are machines that are not deleted, `active` those that run."""

    total: int
    active: int
    error: int
    deleting: int
    tenants: int
    cpu_cores: Resource
    memory_mb: Resource
    disk_gb: Resource
    unhealthy: int
    healed_24h: int
    backups_24h: int
    backups_failed_24h: int
    top: tuple[TenantUsage, ...]
    events: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """Machines made and gone on one day."""

    begins_at: datetime
    made: int
    gone: int


def admin_overview(*, actor: Actor) -> AdminOverview:
    """All organisations together, through the platform role.

    Raises:
        Refused: the actor lacks cloudpods.view or health.view, or is no platform administrator.
    """
    for permission in (Permission.OVERVIEW, Permission.VIEW, Permission.HEALTH_VIEW):
        authorize(actor, permission)
    row = _rows(_FIGURES, {})[0]
    total, active, error, deleting, tenants = row[:5]
    allocated, used = row[5:8], row[8:11]
    cpu, memory, disk = (
        Resource(int(given), None if one is None else int(one))
        for given, one in zip(allocated, used, strict=True)
    )
    unhealthy, healed, made, failed = row[11:]
    return AdminOverview(
        total=total,
        active=active,
        error=error,
        deleting=deleting,
        tenants=tenants,
        cpu_cores=cpu,
        memory_mb=memory,
        disk_gb=disk,
        unhealthy=unhealthy,
        healed_24h=healed,
        backups_24h=made,
        backups_failed_24h=failed,
        top=tuple(TenantUsage(*one) for one in _rows(_TENANTS, {"most": TENANTS_SHOWN})),
        events=tuple(_events()),
    )


def admin_history(*, actor: Actor, period: Period) -> list[Day]:
    """What the days of the period made and deleted. Raises Refused."""
    authorize(actor, Permission.OVERVIEW)
    rows = _rows(_HISTORY, {"edges": list(period.edges), "begins": period.begins})
    found = {(place, is_made): count for place, is_made, count in rows}
    return [
        Day(edge, found.get((place, True), 0), found.get((place, False), 0))
        for place, edge in enumerate(period.edges, 1)
    ]


def _events() -> list[Entry]:
    rows = Entry.across_tenants.filter(category__in=[str(one) for one in CATEGORIES])
    return list(rows.order_by("-seq")[:EVENTS_SHOWN])


def _rows(sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connections[PLATFORM].cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()
