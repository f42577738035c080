"""The sweep: gives back what dead workers held, rings for what is late, forgets what is old."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connections, transaction

from portal.kernel.queue import QUEUES, Failure, operation_kind
from portal.kernel.stored_text import stored_text
from portal.kernel.tallies import TALLIES
from portal.kernel.tenancy import DISPATCH
from portal.logic.backoff import backoff_s
from portal.services.doorbell import DOORBELL
from portal.services.live_events import live_events_purge
from portal.states import AttemptOutcome, OperationStatus

_log = structlog.get_logger(__name__)
_BATCH: Final = 200
_LOST: Final = stored_text("The worker was lost while it worked on this.")

_EXPIRED: Final = """
  SELECT id, type, queue, attempts, max_attempts, ending IS NOT NULL, worker
  FROM portal_operation WHERE status = 'running' AND lease_expires_at < now()
  ORDER BY lease_expires_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED"""

_GIVE_BACK: Final = """
  WITH freed AS (
    UPDATE portal_operation SET
      status = 'pending', fence = nextval('portal_operation_fence'), lease_expires_at = NULL,
      scheduled_at = now() + make_interval(secs => %(delay_s)s), last_error = %(error)s,
      is_continued = %(is_continued)s, ending = coalesce(ending, %(ending)s), updated_at = now()
    WHERE id = %(id)s
    RETURNING id, tenant_id, attempts, fence, worker, try_started_at
  )
  INSERT INTO portal_operationattempt
    (id, tenant_id, operation_id, attempt, fence, worker, started_at, finished_at, outcome, error)
  SELECT gen_random_uuid(), tenant_id, id, attempts, fence, worker, try_started_at, now(),
         %(outcome)s, %(error)s
  FROM freed ON CONFLICT DO NOTHING"""

_LATE: Final = """
  SELECT q.name FROM unnest(%(queues)s::text[]) AS q (name)
  WHERE (SELECT min(scheduled_at) FROM portal_operation WHERE status = 'pending' AND queue = q.name)
    < now() - make_interval(secs => %(late_s)s)"""

_SILENT_WORKERS: Final = """
  UPDATE portal_worker SET status = 'offline', running = 0, updated_at = now()
  WHERE status <> 'offline'
    AND last_heartbeat_at < now() - make_interval(secs => %(silence_s)s)
  RETURNING name"""

_OLD_WORKERS: Final = """
  DELETE FROM portal_worker
  WHERE status = 'offline' AND last_heartbeat_at < now() - make_interval(secs => %(kept_s)s)"""

_OLD_FIRES: Final = """
  DELETE FROM portal_schedulefire WHERE due_at < now() - make_interval(secs => %(kept_s)s)"""


def sweep() -> None:
    """One round; harmless however often and wherever it runs."""
    leases_recover()
    for queue in queues_late():
        DOORBELL.ring(queue)
    engine = settings.ENGINE
    with connections[DISPATCH].cursor() as cursor:
        cursor.execute(_SILENT_WORKERS, {"silence_s": 3 * engine["HEARTBEAT_S"]})
        for (name,) in cursor.fetchall():
            _log.warning("worker.silent", worker=name)
        cursor.execute(_OLD_WORKERS, {"kept_s": engine["WORKERS_KEPT_S"]})
        cursor.execute(_OLD_FIRES, {"kept_s": engine["FIRES_KEPT_S"]})
    live_events_purge()


def leases_recover() -> int:
    """Gives back operations whose lease ran out: to the next try, or to their end when none is left."""
    with transaction.atomic(using=DISPATCH), connections[DISPATCH].cursor() as cursor:
        cursor.execute(_EXPIRED, {"batch": _BATCH})
        rows = cursor.fetchall()
        for row in rows:
            cursor.execute(_GIVE_BACK, _given_back(*row))
    for queue in {row[2] for row in rows}:
        DOORBELL.ring(queue)
    return len(rows)


def queues_late() -> list[str]:
    """Queues with due work that nobody took: their ring was lost, or every worker is busy."""
    with connections[DISPATCH].cursor() as cursor:
        cursor.execute(_LATE, {"late_s": settings.ENGINE["LATE_S"], "queues": list(QUEUES)})
        return [row[0] for row in cursor.fetchall()]


def _given_back(
    id_: UUID, type_: str, queue: str, attempts: int, most: int, is_ending: bool, worker: str
) -> dict[str, Any]:
    _log.warning("operation.worker_lost", operation_id=str(id_), type=type_, worker=worker)
    TALLIES.count("leases_expired", queue=queue)
    is_over = is_ending or attempts >= most
    ending = Failure(OperationStatus.DEAD.value, "worker_lost", _LOST)
    return {
        "id": id_,
        "delay_s": 0.0 if is_over else _delay_s(type_, attempts),
        "error": _LOST,
        "is_continued": is_over,
        "ending": json.dumps(asdict(ending)) if is_over else None,
        "outcome": AttemptOutcome.CRASHED.value,
    }


def _delay_s(type_: str, attempts: int) -> float:
    try:
        kind = operation_kind(type_)
    except KeyError:
        return 0.0
    pause_s = backoff_s(attempts, base_s=kind.backoff_base_s, cap_s=kind.backoff_cap_s)
    return pause_s * float(settings.ENGINE["BACKOFF_SCALE"])
