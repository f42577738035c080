from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import redis
from django.conf import settings
from django.db import OperationalError, connections

from portal import tasks
from portal.kernel import queue
from portal.kernel.queue import Schedule
from portal.models import OperationAttempt, Worker
from portal.services import workers
from portal.services.doorbell import DOORBELL, Doorbell
from portal.services.sweeps import leases_recover
from portal.services.workers import WorkerDesk
from tests.engine import celery_worker, leases_end, run_until_idle, take, wait_until, worker_process
from tests.kinds import noted

CELERY_OPTIONS = ("-c", "4", "--without-gossip", "--without-mingle", "-I")
KINDS = (*CELERY_OPTIONS, "tests.kinds")
PATIENT = (*CELERY_OPTIONS, "tests.kinds,tests.patient")


def status(row, operation):
    return row(operation).status


def outcomes(operation):
    tries = OperationAttempt.objects.using("platform").filter(operation_id=operation.pk)
    return list(tries.values_list("attempt", "outcome"))


def test_killed_worker_leaves_its_step_to_another(enqueue, row, tmp_path):
    operation = enqueue("test.gate", file=tmp_path / "notes", gate=tmp_path / "gate")
    with worker_process() as first:
        wait_until(lambda: noted(tmp_path / "notes") == ["begin"])
        first.kill()
        first.wait()
    leases_end()
    (tmp_path / "gate").touch()
    with worker_process():
        wait_until(lambda: status(row, operation) == "completed")
    assert noted(tmp_path / "notes") == ["begin", "begin", "end", "after"]
    assert outcomes(operation) == [(1, "crashed"), (2, "completed")]


def test_crash_at_every_engine_statement_runs_each_step_to_its_end(enqueue, row, tmp_path):
    for point in ("engine:saved", "engine:settling"):
        notes = tmp_path / point.replace(":", "-")
        operation = enqueue("test.three", file=notes)
        with worker_process(FAILPOINT=point) as first:
            assert first.wait(timeout=60) == 137
        leases_end()
        leases_recover()
        run_until_idle()
        assert status(row, operation) == "completed"
        assert list(dict.fromkeys(noted(notes))) == ["one", "two", "three"]


def test_worker_that_always_dies_ends_dead(enqueue, row, tmp_path):
    operation = enqueue("test.gate", gate=tmp_path / "gate")
    for _ in range(3):
        wait_until(lambda: take("doomed") is not None)
        leases_end()
        assert leases_recover() == 1
    run_until_idle()
    dead = row(operation)
    assert (dead.status, dead.attempts) == ("dead", 3)
    assert dead.last_error == "The worker was lost while it worked on this."
    assert outcomes(operation) == [(1, "crashed"), (2, "crashed"), (3, "crashed")]


def test_sigterm_lets_the_step_finish_and_takes_nothing_new(enqueue, row, tmp_path):
    operation = enqueue("test.gate", file=tmp_path / "notes", gate=tmp_path / "gate")
    with celery_worker(*KINDS) as worker:
        wait_until(lambda: noted(tmp_path / "notes") == ["begin"])
        worker.send_signal(signal.SIGTERM)
        wait_until(lambda: Worker.objects.filter(status="draining").exists())
        late = enqueue("test.noop", file=tmp_path / "late")
        (tmp_path / "gate").touch()
        assert worker.wait(timeout=60) == 0
    given_back = row(operation)
    assert noted(tmp_path / "notes") == ["begin", "end"]
    assert (given_back.status, given_back.step, given_back.attempts) == ("pending", "after", 1)
    assert given_back.lease_expires_at is None
    assert status(row, late) == "pending"
    assert Worker.objects.get().status == "offline"
    run_until_idle()
    assert status(row, operation) == "completed"


def test_emptied_broker_loses_nothing(enqueue, row):
    broker = redis.Redis.from_url(settings.CELERY_BROKER_URL)
    with celery_worker(*KINDS):
        wait_until(lambda: Worker.objects.filter(status="online").exists())
        operations = [enqueue("test.poll", payload={"polls": 3, "after_s": 0.1}) for _ in range(20)]
        assert DOORBELL.flush(60)
        broker.flushdb()
        wait_until(lambda: {status(row, o) for o in operations} == {"completed"})
    assert {row(o).attempts for o in operations} == {1}


def is_bound(queue):
    """Whether the broker knows where a ring for the queue goes: a worker says so after it is online."""
    broker = redis.Redis.from_url(settings.CELERY_BROKER_URL)
    return any(name.endswith(queue.encode()) for name in broker.smembers("_kombu.binding.uhub"))


def test_ring_through_the_broker_starts_the_work(enqueue, row):
    redis.Redis.from_url(settings.CELERY_BROKER_URL).flushdb()
    with celery_worker(*PATIENT):
        wait_until(lambda: is_bound("uhub.cloudpods"))
        operations = [enqueue("test.other") for _ in range(10)]
        wait_until(lambda: {status(row, o) for o in operations} == {"completed"})
    worker = Worker.objects.get()
    assert worker.queue == "cloudpods,metrics,health,backups,webhooks,runs,billing"


def test_worker_works_and_stops_without_any_broker(enqueue, row):
    with celery_worker(*KINDS, BROKER_URL="redis://127.0.0.1:1/0") as worker:
        operation = enqueue("test.poll", payload={"polls": 2})
        wait_until(lambda: status(row, operation) == "completed")
        worker.send_signal(signal.SIGTERM)
        worker.wait(timeout=60)
    assert Worker.objects.get().status == "offline"


def test_pool_that_cannot_be_watched_is_refused():
    with pytest.raises(SystemExit, match="use threads"):
        tasks.worker_begin(sender=SimpleNamespace(pool_cls="gevent"))
    assert Worker.objects.count() == 0


def test_beat_ticks_where_a_worker_is(monkeypatch):
    ran = []
    known = {"test.hourly": Schedule("test.hourly", "Hourly", 3600, lambda: ran.append(1))}
    monkeypatch.setattr(queue, "_schedules", known)
    tasks.schedules_tick()
    assert ran == []
    monkeypatch.setattr(tasks, "_desks", [WorkerDesk(queues=("cloudpods",))])
    tasks.schedules_tick()
    assert ran == [1]


def test_desk_extends_leases_and_marks_lost_ones(enqueue, row):
    first, second = enqueue("test.noop"), enqueue("test.noop")
    desk = WorkerDesk(queues=("cloudpods",))
    claims = [take(desk.name) for _ in range(2)]
    for claim in claims:
        desk.took(claim)
    with connections["dispatch"].cursor() as cursor:
        cursor.execute("UPDATE portal_operation SET lease_expires_at = now()")
        cursor.execute("UPDATE portal_operation SET fence = fence + 100 WHERE id = %s", [second.pk])
    desk._beat_once()
    by_id = {claim.id: claim for claim in claims}
    assert (by_id[first.pk].is_lost, by_id[second.pk].is_lost) == (False, True)
    assert row(first).lease_expires_at > row(second).lease_expires_at
    assert Worker.objects.get(name=desk.name).running == 2


def test_ring_returns_at_once_when_the_broker_hangs():
    hang, bell = threading.Event(), Doorbell()
    bell.connect(lambda queue: hang.wait(60) and None)
    began = time.monotonic()
    for _ in range(100):
        bell.ring("cloudpods")
    assert time.monotonic() - began < 60
    hang.set()
    assert bell.flush(60)


def test_rings_of_a_burst_become_few_and_failures_are_swallowed():
    carried, first, bell = [], threading.Event(), Doorbell()

    def carry(queue):
        carried.append(queue)
        first.wait(60)
        raise ConnectionError("broker away")

    bell.connect(carry)
    bell.ring("metrics")
    wait_until(lambda: carried == ["metrics"])
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: bell.ring("cloudpods"), range(200)))
    first.set()
    assert bell.flush(60)
    assert carried == ["metrics", "cloudpods"]


def test_overdue_step_is_not_prolonged(enqueue, row):
    operation = enqueue("test.noop")
    desk = WorkerDesk(queues=("cloudpods",))
    claim = take(desk.name)
    desk.took(claim)
    lease = row(operation).lease_expires_at
    claim.step_began -= settings.ENGINE["STEP_LIMIT_S"] + 1
    desk._beat_once()
    assert row(operation).lease_expires_at == lease


def test_worker_starts_while_the_database_is_away_and_works_when_it_is_back(
    enqueue, row, monkeypatch
):
    is_away = threading.Event()
    is_away.set()
    real = workers.connections

    class Connections:
        def __getitem__(self, alias):
            if is_away.is_set():
                raise OperationalError("the server is starting up")
            return real[alias]

        def close_all(self):
            real.close_all()

    monkeypatch.setattr(workers, "connections", Connections())
    operation = enqueue("test.noop")
    desk = WorkerDesk(queues=("cloudpods",))
    desk.start()
    try:
        is_away.clear()
        wait_until(lambda: status(row, operation) == "completed")
        wait_until(lambda: Worker.objects.filter(status="online").exists())
    finally:
        assert desk.stop(grace_s=5.0)
    assert Worker.objects.get().status == "offline"


def test_slot_that_frees_serves_the_queue_that_waited_longest(monkeypatch):
    monkeypatch.setitem(settings.ENGINE, "SLOTS", 1)
    drained, goes_on = [], threading.Event()

    def drain(queue, *, desk):
        drained.append(queue)
        if len(drained) == 1:
            assert not desk.wake("metrics")
            assert not desk.wake("cloudpods")
            goes_on.wait(60)

    monkeypatch.setattr(workers, "drain", drain)
    desk = WorkerDesk(queues=("cloudpods", "metrics"))
    assert desk.wake("cloudpods")
    goes_on.set()
    wait_until(lambda: len(drained) == 3)
    assert drained == ["cloudpods", "metrics", "cloudpods"]


def test_draining_desk_forgets_who_asked_for_a_slot(monkeypatch):
    monkeypatch.setitem(settings.ENGINE, "SLOTS", 1)
    drained = []

    def drain(queue, *, desk):
        drained.append(queue)
        desk.wake("metrics")
        desk.begin_draining()

    monkeypatch.setattr(workers, "drain", drain)
    desk = WorkerDesk(queues=("cloudpods", "metrics"))
    desk.drain("cloudpods")
    assert (drained, desk._free_slots) == (["cloudpods"], 1)
