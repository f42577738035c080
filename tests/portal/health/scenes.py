"""A platform that lives: a worker and a scheduler that reported a given time ago, and events."""

from __future__ import annotations

from datetime import timedelta

from django.db import connections

from audit.models import SystemEvent
from portal.kernel import clock
from portal.models import QueueMinute, Worker
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


def platform_scene() -> SystemEvent:
    """A platform after some hours: two workers, minutes of work, events of every level; answers one."""
    alive()
    worker_reported("hub-2/812", running=3)
    worker_reported("hub-1/77", seconds_ago=900, status="offline")
    now = clock.now().replace(second=0, microsecond=0)
    for number in range(60):
        QueueMinute.objects.using("dispatch").create(
            queue=("cloudpods", "webhooks")[number % 2],
            minute=now - timedelta(minutes=number),
            completed=3 + number % 5,
            failed=number % 11 == 0,
        )
    event_reported("process.started", level="info", service="web", context={"version": "1.0.0"})
    event_reported("doorbell.broker_away", service="api", context={"queue": "cloudpods"})
    event_reported("a line of a library that has no words of its own", service="scheduler")
    trace = "Traceback (most recent call last):\n  File x.py, line 7\nValueError: no such disk\n"
    return event_reported(
        "operation.step_crashed",
        level="error",
        service="cloudpods-worker",
        request_id="0f3c1d2b4a5968778695a4b3c2d1e0f1",
        context={"type": "pod.provision", "attempt": 2, "exception": trace},
    )


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
