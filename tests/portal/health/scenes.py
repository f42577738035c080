"""A platform that lives: a worker and a scheduler that reported a given time ago, and events."""

from __future__ import annotations

from datetime import timedelta

from django.db import connections

from audit.models import SystemEvent
from portal.kernel import clock
from portal.models import Worker
from portal.selectors.liveness import BEAT
from portal.services.readiness import silent_parts_forget
from portal.services.schedules import beat_note


def alive(*, worker_s: float = 0.0, scheduler_s: float = 0.0) -> None:
    """Both reported, so many seconds ago."""
    worker_reported(seconds_ago=worker_s)
    beat_note()
    with connections["dispatch"].cursor() as cursor:
        cursor.execute(
            "UPDATE portal_schedule SET last_due_at = now() - make_interval(secs => %s) "
            "WHERE name = %s",
            (scheduler_s, BEAT),
        )
    silent_parts_forget()


def worker_reported(
    name: str = "host-1/4711", *, seconds_ago: float = 0.0, status: str = "online", **more: object
) -> Worker:
    """A worker's row as it last was."""
    values = {
        "queue": "cloudpods,webhooks",
        "last_heartbeat_at": clock.now() - timedelta(seconds=seconds_ago),
        "status": status,
        "host": name.split("/", maxsplit=1)[0],
        "pid": 4711,
        "version": "1.0.0",
        **more,
    }
    worker, _ = Worker.objects.using("platform").update_or_create(name=name, defaults=values)
    return worker


def event_reported(message: str = "operation.lease_lost", **more: object) -> SystemEvent:
    """A system event, as the writer would have stored it."""
    values = {
        "service": "worker",
        "level": "warn",
        "context": {"worker": "host-1/4711"},
        "process": "host-1/4711",
        **more,
    }
    return SystemEvent.objects.using("dispatch").create(message=message, **values)
