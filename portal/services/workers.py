"""A worker process: its slots, its leases' heartbeat, and its own watch over what becomes due.

Celery brings rings and threads. Should the broker be silent, empty or away, the watch finds due work
within seconds; should no scheduler tick, it ticks itself.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connections

from audit.logic.event_records import SYSTEM
from portal.kernel.models import uuid7
from portal.kernel.queue import beats
from portal.kernel.tenancy import DISPATCH
from portal.services.claims import Claim, claims_extend
from portal.services.doorbell import DOORBELL
from portal.services.drains import drain
from portal.services.schedules import is_sweep_silent, tick
from portal.states import WorkerStatus

_log = structlog.get_logger(__name__)
_system = structlog.get_logger(SYSTEM)
_RING_EVERY_S: Final = 0.25
_SHORTEST_WAIT_S: Final = 0.005

_REPORT: Final = """
  INSERT INTO portal_worker
    (id, created_at, updated_at, name, queue, last_heartbeat_at, status, host, pid, version, running)
  VALUES (%(id)s, now(), now(), %(name)s, %(queue)s, now(), %(status)s, %(host)s, %(pid)s,
          %(version)s, %(running)s)
  ON CONFLICT (name) DO UPDATE SET
    queue = excluded.queue, last_heartbeat_at = now(), status = excluded.status,
    version = excluded.version, running = excluded.running, updated_at = now(),
    drain_requested = portal_worker.drain_requested AND NOT %(is_first)s"""

_OUTLOOK: Final = """
  SELECT q.name,
    coalesce((SELECT min(scheduled_at) FROM portal_operation
      WHERE status = 'pending' AND queue = q.name) <= now(), false),
    extract(epoch FROM (SELECT min(scheduled_at) FROM portal_operation
      WHERE status = 'pending' AND queue = q.name AND scheduled_at > now()) - now())::float8
  FROM unnest(%(queues)s::text[]) AS q (name)"""

_IS_ASKED_TO_DRAIN: Final = "SELECT drain_requested FROM portal_worker WHERE name = %(name)s"


class WorkerDesk:
    """The worker process around its drains (`Desk`)."""

    def __init__(self, *, queues: Sequence[str], leave: Callable[[], None] | None = None) -> None:
        """`leave` is called once when this worker was asked to drain and runs nothing any more.

        It ends the process in order. Until then whoever asked may take the worker back.
        """
        self.host = socket.gethostname()
        self._name = f"{self.host}/{os.getpid()}"
        self.queues = tuple(queues)
        self.version = str(settings.SPECTACULAR_SETTINGS["VERSION"])
        self._free_slots = int(settings.ENGINE["SLOTS"])
        self._asked_for: dict[str, None] = {}
        self._state = threading.Condition()
        self._running: set[Claim] = set()
        self._due_at: float | None = None
        self._rung_at: dict[str, float] = {}
        self._leave = leave
        self._has_reported = False
        self._told: WorkerStatus | None = None
        self._is_draining = False
        self._is_leaving = False
        self._is_stopped = False
        self._is_ticking = threading.Lock()
        self._threads: list[threading.Thread] = []

    @property
    def name(self) -> str:
        return self._name

    def start(self) -> None:
        """Begins to watch and to report, also while the database is not there yet."""
        DOORBELL.listen(self.wake)
        for work in (self._beat, self._watch):
            thread = threading.Thread(target=work, name=f"engine{work.__name__}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def begin_draining(self) -> None:
        """Takes no further operation, for good. Safe in a signal handler: it sets flags and nothing else."""
        self._is_leaving = True
        self._is_draining = True

    def stop(self, *, grace_s: float) -> bool:
        """Waits for running steps, reports the worker offline; answers whether all steps ended in time.

        What did not end keeps its lease until it runs out: giving it back while its step may still be
        running would let two workers run it.
        """
        self.begin_draining()
        DOORBELL.listen(None)
        with self._state:
            is_idle = self._state.wait_for(lambda: not self._running, timeout=grace_s)
            self._is_stopped = True
            self._state.notify_all()
        for thread in self._threads:
            thread.join(timeout=grace_s)
        self._guarded(lambda: self._report(WorkerStatus.OFFLINE))
        return is_idle

    def is_draining(self) -> bool:
        return self._is_draining

    def took(self, claim: Claim) -> None:
        with self._state:
            self._running.add(claim)

    def gave_back(self, claim: Claim) -> None:
        with self._state:
            self._running.discard(claim)
            if self._is_draining:
                self._state.notify_all()

    def is_due_in(self, delay_s: float) -> None:
        moment = time.monotonic() + delay_s
        with self._state:
            if self._due_at is None or moment < self._due_at:
                self._due_at = moment
                self._state.notify_all()

    def more_is_due(self, queue: str) -> None:
        if self.wake(queue) or self._is_draining:
            return
        now = time.monotonic()
        if now - self._rung_at.get(queue, 0.0) >= _RING_EVERY_S:
            self._rung_at[queue] = now
            DOORBELL.ring(queue)

    def wake(self, queue: str) -> bool:
        """Drains the queue in a thread of its own, if the queue is served here and a slot is free.

        One that finds no slot is drained as soon as a slot is free again, after those that asked before.
        """
        if not self._enter(queue):
            return False
        self._drain_apart(queue)
        return True

    def drain(self, queue: str) -> None:
        """Drains the queue in the calling thread; when every slot is taken, one of them does so later."""
        if self._enter(queue):
            self._drain_in_slot(queue)

    def _enter(self, queue: str) -> bool:
        """Takes a slot, or leaves word that the queue asked for one."""
        with self._state:
            if self._is_draining or queue not in self.queues:
                return False
            if self._free_slots == 0:
                self._asked_for[queue] = None
                return False
            self._free_slots -= 1
            return True

    def _drain_apart(self, queue: str) -> None:
        threading.Thread(
            target=self._drain_in_slot, args=(queue,), name=f"drain-{queue}", daemon=True
        ).start()

    def _drain_in_slot(self, queue: str) -> None:
        try:
            self._guarded(lambda: drain(queue, desk=self))
        finally:
            following = self._leave_slot()
            if following is not None:
                self._drain_apart(following)

    def _leave_slot(self) -> str | None:
        """Gives the slot back, or answers the queue that has waited longest for one."""
        with self._state:
            following = None if self._is_draining else next(iter(self._asked_for), None)
            if following is None:
                self._free_slots += 1
            else:
                del self._asked_for[following]
            return following

    def _beat(self) -> None:
        while not self._is_stopped:
            self._guarded(self._beat_once)
            for work in beats():
                self._guarded(work)
            with self._state:
                self._state.wait_for(
                    lambda: self._is_stopped, timeout=settings.ENGINE["HEARTBEAT_S"]
                )

    def _beat_once(self) -> None:
        """Prolongs the leases of all steps that are not overdue, in one statement, and reports."""
        latest = time.monotonic() - settings.ENGINE["STEP_LIMIT_S"]
        with self._state:
            claims = [claim for claim in self._running if claim.step_began > latest]
        claims_extend(claims)
        self._report(WorkerStatus.DRAINING if self._is_draining else WorkerStatus.ONLINE)

    def _watch(self) -> None:
        has_told_draining = False
        while not self._is_stopped:
            if self._is_draining is not has_told_draining:
                has_told_draining = self._is_draining
                self._guarded(self._beat_once)
            self._guarded(self._look)
            self._wait()

    def _drain_on_request(self) -> None:
        """Takes nothing more; goes when nothing runs, and can be taken back until then."""
        with self._state:
            self._is_draining = True
            if self._running:
                return
        self.begin_draining()
        if self._leave is not None:
            self._leave()

    def _look(self) -> None:
        """Wakes drains for what is due and remembers when the next is."""
        if self._is_leaving:
            return
        with self._state:
            if self._due_at is not None and self._due_at <= time.monotonic():
                self._due_at = None
        with connections[DISPATCH].cursor() as cursor:
            cursor.execute(_IS_ASKED_TO_DRAIN, {"name": self._name})
            if self._has_reported and cursor.fetchone() == (True,):
                self._drain_on_request()
                return
            self._is_draining = self._is_leaving
            cursor.execute(_OUTLOOK, {"queues": list(self.queues)})
            outlook = cursor.fetchall()
        for queue, is_due, next_s in outlook:
            if is_due:
                self.wake(queue)
            if next_s is not None:
                self.is_due_in(next_s)
        if is_sweep_silent() and self._is_ticking.acquire(blocking=False):
            threading.Thread(target=self._tick, name="engine-tick", daemon=True).start()

    def _wait(self) -> None:
        """Until something becomes due, at most the self-poll interval."""
        until = time.monotonic() + settings.ENGINE["SELF_POLL_S"]
        with self._state:
            while not self._is_stopped:
                moment = until if self._due_at is None else min(until, self._due_at)
                left_s = moment - time.monotonic()
                if left_s <= 0:
                    return
                self._state.wait(max(left_s, _SHORTEST_WAIT_S))

    def _tick(self) -> None:
        try:
            self._guarded(lambda: tick(worker=self._name))
        finally:
            self._is_ticking.release()

    def _guarded(self, work: Callable[[], Any]) -> None:
        """Runs `work`; what it raises is logged, because this worker must outlive a database that is away."""
        try:
            work()
        except Exception:  # noqa: BLE001 - see above
            _log.exception("worker.interrupted", worker=self._name)
        finally:
            connections.close_all()

    def _report(self, status: WorkerStatus) -> None:
        row: dict[str, str | int | bool | UUID] = {
            "id": uuid7(),
            "name": self._name,
            "queue": ",".join(self.queues),
            "status": status.value,
            "host": self.host,
            "pid": os.getpid(),
            "version": self.version,
            "running": len(self._running),
            "is_first": not self._has_reported,
        }
        with connections[DISPATCH].cursor() as cursor:
            cursor.execute(_REPORT, row)
        self._has_reported = True
        if status is not self._told:
            self._told = status
            _system.info(f"worker.{status.value}", worker=self._name, queues=row["queue"])
