"""How the queues fare: what waits, since when, and what ended lately, across all organisations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connections
from django.db.models import Sum

from portal.kernel import clock
from portal.kernel.authz import Actor, authorize
from portal.kernel.queue import QUEUES
from portal.kernel.tenancy import PLATFORM
from portal.models import QueueMinute
from portal.permissions import Permission

_FIGURES: Final = """
  WITH waiting AS (
    SELECT queue, count(*) FILTER (WHERE scheduled_at <= now()) AS due,
      count(*) FILTER (WHERE scheduled_at > now()) AS later,
      min(scheduled_at) FILTER (WHERE scheduled_at <= now()) AS oldest
    FROM portal_operation WHERE status = 'pending' GROUP BY queue
  ), running AS (
    SELECT queue, count(*) AS running FROM portal_operation WHERE status = 'running' GROUP BY queue
  ), ended AS (
    SELECT queue,
      sum(completed + failed) FILTER (WHERE minute > now() - interval '5 minutes') AS five,
      sum(completed + failed) AS fifteen, sum(failed) AS failed, sum(retried) AS retried
    FROM portal_queueminute WHERE minute > now() - interval '15 minutes' GROUP BY queue
  )
  SELECT q.name, coalesce(w.due, 0), coalesce(w.later, 0), coalesce(r.running, 0), w.oldest,
    coalesce(e.five, 0), coalesce(e.fifteen, 0), coalesce(e.failed, 0), coalesce(e.retried, 0)
  FROM unnest(%(queues)s::text[]) WITH ORDINALITY AS q (name, place)
  LEFT JOIN waiting w ON w.queue = q.name LEFT JOIN running r ON r.queue = q.name
  LEFT JOIN ended e ON e.queue = q.name ORDER BY q.place"""
_BAR_MIN: Final = 5
_BARS: Final = 12


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """One queue: `due` could run now, `later` waits for its moment, rates are per minute."""

    queue: str
    due: int
    later: int
    running: int
    oldest_due_at: datetime | None
    ended_5_min: int
    ended_15_min: int
    failed_15_min: int
    retried_15_min: int

    @property
    def rate_5_min(self) -> float:
        return round(self.ended_5_min / 5, 2)

    @property
    def rate_15_min(self) -> float:
        return round(self.ended_15_min / 15, 2)

    @property
    def oldest_due_s(self) -> float:
        """Age of the oldest due one; zero where none is due."""
        if self.oldest_due_at is None:
            return 0.0
        return max(0.0, (clock.now() - self.oldest_due_at).total_seconds())


@dataclass(frozen=True, slots=True)
class Bar:
    """What ended in five minutes, in all queues."""

    begins_at: datetime
    completed: int
    failed: int


def queue_list(*, actor: Actor) -> list[QueueFigures]:
    """All queues in their order. Raises Refused."""
    authorize(actor, Permission.WORKERS_VIEW)
    return queue_figures()


def queue_figures() -> list[QueueFigures]:
    """The same, in one statement of the platform's role, for whoever was let in already."""
    with connections[PLATFORM].cursor() as cursor:
        cursor.execute(_FIGURES, {"queues": list(QUEUES)})
        return [QueueFigures(*row[:5], *(int(one) for one in row[5:])) for row in cursor.fetchall()]


def ended_bars(*, actor: Actor) -> list[Bar]:
    """The last hour in bars of five minutes. Raises Refused."""
    authorize(actor, Permission.WORKERS_VIEW)
    now = clock.now()
    last = now.replace(minute=now.minute - now.minute % _BAR_MIN, second=0, microsecond=0)
    begins = [last - timedelta(minutes=_BAR_MIN * back) for back in reversed(range(_BARS))]
    rows = (
        QueueMinute.objects.using(PLATFORM)
        .filter(minute__gte=begins[0])
        .values("minute")
        .annotate(done=Sum("completed"), lost=Sum("failed"))
    )
    sums = {begin: [0, 0] for begin in begins}
    for row in rows:
        minute: datetime = row["minute"]
        held = sums.get(minute.replace(minute=minute.minute - minute.minute % _BAR_MIN))
        if held is not None:
            held[0] += row["done"]
            held[1] += row["lost"]
    return [Bar(begin, *held) for begin, held in sums.items()]
