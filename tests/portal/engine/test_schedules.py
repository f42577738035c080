from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connections

from portal.kernel import clock, context, queue
from portal.kernel.queue import Schedule
from portal.models import ScheduleFire
from portal.services.schedules import due_moment, is_sweep_silent, tick

HOUR = 3600


@pytest.fixture
def only(monkeypatch):
    """Just the schedules of the test are registered, and no hour ends in the middle of it."""
    registered: dict[str, Schedule] = {}
    monkeypatch.setattr(queue, "_schedules", registered)
    moment = clock.now()
    monkeypatch.setattr(clock, "now", lambda: moment + clock._offset)
    return registered


def test_five_schedulers_start_a_due_moment_once(only):
    ran, start = [], threading.Barrier(5)
    only["test.hourly"] = Schedule("test.hourly", "Hourly", HOUR, lambda: ran.append(1))

    def beat(number):
        start.wait()
        names = tick(worker=f"beat{number}")
        connections.close_all()
        return names

    with ThreadPoolExecutor(5) as pool:
        names = [name for started in pool.map(beat, range(5)) for name in started]
    assert (ran, names) == ([1], ["test.hourly"])
    assert ScheduleFire.objects.count() == 1


def test_next_moment_runs_again(only):
    ran = []
    only["test.hourly"] = Schedule("test.hourly", "Hourly", HOUR, lambda: ran.append(1))
    tick(worker="a")
    tick(worker="a")
    with clock.travelled(timedelta(hours=1)):
        tick(worker="b")
    assert ran == [1, 1]


def test_failing_schedule_is_noted_and_keeps_no_other_from_running(only):
    ran = []
    only["test.broken"] = Schedule("test.broken", "Broken", HOUR, lambda: 1 / 0)
    only["test.sound"] = Schedule("test.sound", "Sound", HOUR, lambda: ran.append(1))
    assert tick(worker="a") == ["test.broken", "test.sound"]
    assert ran == [1]
    fire = ScheduleFire.objects.get(schedule__name="test.broken")
    assert fire.error == "ZeroDivisionError; the log of the worker has the details."
    assert fire.finished_at is not None


def test_disabled_schedule_rests(only):
    ran = []
    only["test.hourly"] = Schedule("test.hourly", "Hourly", HOUR, lambda: ran.append(1))
    tick(worker="a")
    with connections["dispatch"].cursor() as cursor:
        cursor.execute("UPDATE portal_schedule SET is_enabled = false")
    with clock.travelled(timedelta(hours=1)):
        assert tick(worker="a") == []
    assert ran == [1]


def test_schedule_runs_as_the_system(only):
    seen = []
    only["test.who"] = Schedule("test.who", "Who", HOUR, lambda: seen.append(context.current()))
    tick(worker="a")
    assert (seen[0].actor.label, seen[0].channel) == ("system:schedule/test.who", "schedule")


def test_moments_are_multiples_of_the_period():
    at = datetime(2026, 3, 1, 12, 34, 56, tzinfo=UTC)
    assert due_moment(600, at=at) == datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def test_silence_is_noticed_and_ended_by_a_sweep(only, monkeypatch):
    monkeypatch.setitem(settings.ENGINE, "SWEEP_SILENCE_S", 60.0)
    assert is_sweep_silent() is True
    only["engine.sweep"] = Schedule("engine.sweep", "Sweep", HOUR, lambda: None)
    tick(worker="a")
    with connections["dispatch"].cursor() as cursor:
        cursor.execute("UPDATE portal_schedule SET last_due_at = now()")
    assert is_sweep_silent() is False
