"""Figures of the first page, each in one statement that indexes answer alone (migration 0006)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, cast

from django.db import connections
from django.db.models import BooleanField, Case, F, Q, QuerySet, Value, When

from portal.kernel import clock
from portal.kernel.authz import Actor, authorize
from portal.kernel.database.base import DatabaseWrapper
from portal.kernel.tenancy import DEFAULT, current_tenant_id
from portal.logic.periods import Period
from provisioning.logic.figures import History, Tally
from provisioning.models import Deployment
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_list
from provisioning.states import BUSY, DeploymentStatus, Health

_TROUBLED, _UNWELL, _WAITING = "!", "+", "?"
_LIVE: Final = """
  SELECT status, count(*), sum(price_hour),
    count(*) FILTER (WHERE expires_at <= %(soon)s AND NOT hold AND status <> 'deleting'),
    min(expires_at) FILTER (WHERE expires_at > %(now)s AND NOT hold AND status <> 'deleting')
  FROM provisioning_deployment
  WHERE tenant_id = %(tenant_id)s AND status <> 'deleted'
  GROUP BY status
  UNION ALL
  SELECT '!', 0, 0, count(*), NULL FROM provisioning_deployment
  WHERE tenant_id = %(tenant_id)s AND status <> 'deleted'
    AND (attention IS NOT NULL OR status = 'error')
  UNION ALL
  SELECT '+', 0, 0, count(*), NULL FROM provisioning_deployment
  WHERE tenant_id = %(tenant_id)s AND health = 'failed' AND attention IS NULL
    AND status NOT IN ('deleted', 'error')
  UNION ALL
  SELECT '?', 0, 0, count(*), NULL FROM provisioning_extensionrequest
  WHERE tenant_id = %(tenant_id)s AND status = 'pending'"""
_HISTORY: Final = """
  SELECT width_bucket(created_at, %(edges)s::timestamptz[]) AS place, 'made',
    count(*), sum(price_hour), count(ready_at),
    count(*) FILTER (WHERE ready_at IS NULL AND status IN ('error', 'deleted'))
  FROM provisioning_deployment
  WHERE tenant_id = %(tenant_id)s AND created_at >= %(before)s
  GROUP BY place
  UNION ALL
  SELECT width_bucket(deleted_at, %(edges)s::timestamptz[]) AS place, 'gone',
    count(*), sum(price_hour), 0, 0
  FROM provisioning_deployment
  WHERE tenant_id = %(tenant_id)s AND deleted_at >= %(before)s
  GROUP BY place"""


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """All machines there are: by status, what an hour of them costs, and which leases end.

    `troubled` failed or need a person, `waiting` is how many requests for more time want a decision.
    """

    counts: dict[str, int]
    price_hour: Decimal
    ending: int
    next_end: datetime | None
    troubled: int
    unwell: int
    waiting: int

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def running(self) -> int:
        return self.counts.get(DeploymentStatus.RUNNING, 0)

    @property
    def busy(self) -> int:
        return sum(self.counts.get(status, 0) for status in BUSY)


def live_figures(*, actor: Actor, within: timedelta) -> LiveFigures:
    """The tenant's machines as they are now; `ending` counts the leases that end within the span."""
    authorize(actor, Permission.VIEW)
    now = clock.now()
    found = _rows(_LIVE, {"now": now, "soon": now + within})
    others = {row[0]: row[3] for row in found if row[0] in (_TROUBLED, _UNWELL, _WAITING)}
    rows = [row for row in found if row[0] not in others]
    ends = [row[4] for row in rows if row[4] is not None]
    return LiveFigures(
        counts={row[0]: row[1] for row in rows},
        price_hour=sum((row[2] for row in rows), Decimal(0)),
        ending=sum(row[3] for row in rows),
        next_end=min(ends, default=None),
        troubled=others[_TROUBLED],
        unwell=others[_UNWELL],
        waiting=others[_WAITING],
    )


def deployment_history(*, actor: Actor, period: Period) -> History:
    """What the period and the one before made of the tenant's machines."""
    authorize(actor, Permission.VIEW)
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    for place, what, count, price, ready, failed in _rows(
        _HISTORY, {"edges": list(period.edges), "before": period.before}
    ):
        values = found[place]
        values[what], values[f"price_{what}"] = count, price
        if what == "made":
            values["ready"], values["failed"] = ready, failed
    places = range(1, len(period.edges) + 1)
    return History(tuple(Tally(**found[place]) for place in places), Tally(**found[0]))


def deployments_troubled(*, actor: Actor) -> QuerySet[Deployment]:
    """Those that failed or need a person, the actor's own first."""
    own = When(owner_id=actor.user_id, then=Value(True))
    return (
        deployment_list(actor=actor)
        .filter(Q(attention__isnull=False) | Q(status=DeploymentStatus.ERROR))
        .annotate(is_own=Case(own, default=Value(False), output_field=BooleanField()))
        .order_by(F("is_own").desc(), "-updated_at")
    )


def deployments_unwell(*, actor: Actor) -> QuerySet[Deployment]:
    """Those that are unwell and of which nobody was asked to do anything, the newest first."""
    rows = deployment_list(actor=actor).filter(health=Health.FAILED, attention__isnull=True)
    rows = rows.exclude(status__in=(DeploymentStatus.DELETED, DeploymentStatus.ERROR))
    return rows.order_by("-updated_at")


def deployments_ending(*, actor: Actor, within: timedelta) -> QuerySet[Deployment]:
    """Those whose lease ends soon, the soonest first: all, or of who manages none but operates, his own."""
    rows = (
        deployment_list(actor=actor)
        .filter(expires_at__lte=clock.now() + within, hold=False)
        .exclude(status=DeploymentStatus.DELETING)
        .order_by("expires_at")
    )
    is_own_only = actor.may(Permission.OPERATE) and not actor.may(Permission.MANAGE)
    return rows.filter(owner_id=actor.user_id) if is_own_only else rows


def _rows(sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    connection = cast(DatabaseWrapper, connections[DEFAULT])
    return connection.prepared_rows(sql, values | {"tenant_id": current_tenant_id()})
