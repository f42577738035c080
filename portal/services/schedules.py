"""The tick: starts periodic work once per due moment, however many schedulers and workers tick."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connections

from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.context import RequestContext, request_context
from portal.kernel.models import uuid7
from portal.kernel.queue import Schedule, schedules
from portal.kernel.stored_text import stored_text
from portal.kernel.tenancy import DISPATCH
from portal.selectors.liveness import BEAT

_log = structlog.get_logger(__name__)
SWEEP: Final = "engine.sweep"

_REGISTER: Final = """
  INSERT INTO portal_schedule (id, created_at, updated_at, name, every_s, is_enabled)
  VALUES (%(id)s, now(), now(), %(name)s, %(every_s)s, true)
  ON CONFLICT (name) DO UPDATE SET every_s = excluded.every_s, updated_at = now()
  WHERE portal_schedule.every_s <> excluded.every_s"""

_KNOWN: Final = "SELECT name, id, every_s, is_enabled, last_due_at FROM portal_schedule"

_FIRE: Final = """
  WITH fired AS (
    INSERT INTO portal_schedulefire (id, schedule_id, due_at, worker, started_at)
    VALUES (%(id)s, %(schedule_id)s, %(due_at)s, %(worker)s, now())
    ON CONFLICT (schedule_id, due_at) DO NOTHING RETURNING id
  ), noted AS (
    UPDATE portal_schedule SET last_due_at = %(due_at)s
    WHERE id = %(schedule_id)s AND EXISTS (SELECT 1 FROM fired)
  )
  SELECT id FROM fired"""

_FINISH: Final = """
  UPDATE portal_schedulefire SET finished_at = now(), error = %(error)s WHERE id = %(id)s"""

_BEAT: Final = """
  INSERT INTO portal_schedule
    (id, created_at, updated_at, name, every_s, is_enabled, last_due_at)
  VALUES (%(id)s, now(), now(), %(name)s, 5, true, now())
  ON CONFLICT (name) DO UPDATE SET last_due_at = now()"""

_SILENT: Final = """
  SELECT coalesce(bool_and(last_due_at < now() - make_interval(secs => %(silence_s)s)), true)
  FROM portal_schedule WHERE name = %(name)s"""


def tick(*, worker: str) -> list[str]:
    """Starts every registered schedule whose moment has come; answers the names of those it ran itself.

    Moments are multiples of the period since 1970, so schedulers agree on them without talking. What
    was missed while nothing ticked is not made up for: the work is idempotent and the next moment is near.
    """
    registered = schedules()
    known = _known()
    missing = [s for s in registered.values() if known.get(s.name, (None, 0))[1] != s.every_s]
    if missing:
        for schedule in missing:
            _execute(_REGISTER, {"id": uuid7(), "name": schedule.name, "every_s": schedule.every_s})
        known = _known()
    return [
        schedule.name
        for schedule in registered.values()
        if _is_due(schedule, known[schedule.name])
        and _fire(schedule, known[schedule.name][0], worker)
    ]


def beat_note() -> None:
    """The scheduler's own beat has arrived: a sign of life of scheduler, broker and worker together."""
    _execute(_BEAT, {"id": uuid7(), "name": BEAT})


def is_sweep_silent() -> bool:
    """Whether no sweep was started for so long that no scheduler can be alive."""
    silence_s = settings.ENGINE["SWEEP_SILENCE_S"]
    return bool(_execute(_SILENT, {"name": SWEEP, "silence_s": silence_s})[0][0])


def due_moment(every_s: int, *, at: datetime) -> datetime:
    """The latest due moment of a period."""
    epoch = int(at.timestamp())
    return datetime.fromtimestamp(epoch - epoch % every_s, UTC)


def _known() -> dict[str, tuple[UUID, int, bool, datetime | None]]:
    return {row[0]: row[1:] for row in _execute(_KNOWN, {})}


def _is_due(schedule: Schedule, row: tuple[UUID, int, bool, datetime | None]) -> bool:
    _, _, is_enabled, last_due_at = row
    due_at = due_moment(schedule.every_s, at=clock.now())
    return is_enabled and (last_due_at is None or last_due_at < due_at)


def _fire(schedule: Schedule, schedule_id: UUID, worker: str) -> bool:
    """Runs the schedule if this process is the first at its due moment."""
    fire = {
        "id": uuid7(),
        "schedule_id": schedule_id,
        "due_at": due_moment(schedule.every_s, at=clock.now()),
        "worker": worker,
    }
    if not _execute(_FIRE, fire):
        return False
    _execute(_FINISH, {"id": fire["id"], "error": _run(schedule)})
    return True


def _run(schedule: Schedule) -> str | None:
    """What went wrong, or None. A schedule that fails must not keep the others from running."""
    context = RequestContext(channel="schedule", actor=Actor.system(f"schedule/{schedule.name}"))
    names = {"schedule": schedule.name, "request_id": context.request_id}
    with structlog.contextvars.bound_contextvars(**names), request_context(context):
        try:
            schedule.run()
        except Exception as error:  # noqa: BLE001 - see above
            _log.exception("schedule.failed")
            return stored_text(
                "%(error)s; the log of the worker has the details.", error=type(error).__name__
            )
    return None


def _execute(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connections[DISPATCH].cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []
