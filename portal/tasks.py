"""What Celery runs: one drain per ring, one tick per beat. And the worker process they run in.

Messages carry no state: losing all of them costs seconds.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from celery import bootsteps, shared_task, signals
from django.conf import settings

from portal.services.doorbell import DOORBELL
from portal.services.schedules import beat_note, tick
from portal.services.workers import WorkerDesk

_PREFIX = "uhub."
_POOLS = ("thread", "solo")
_desks: list[WorkerDesk] = []


def _leave() -> None:
    """What a service manager would do: the worker drains, says so and ends."""
    os.kill(os.getpid(), signal.SIGTERM)


@shared_task(name="portal.drain", ignore_result=True)
def queue_drain(queue: str) -> None:
    """Somebody rang for this queue."""
    for desk in _desks:
        desk.drain(queue)


@shared_task(name="portal.tick", ignore_result=True)
def schedules_tick() -> None:
    """The scheduler's beat."""
    beat_note()
    for desk in _desks:
        tick(worker=desk.name)


def ring_carry(queue: str) -> None:
    """Sends a ring to the workers that serve the queue; stale rings are dropped on the way."""
    queue_drain.apply_async(
        (queue,),
        queue=f"{_PREFIX}{queue}",
        expires=settings.ENGINE["RING_EXPIRES_S"],
        retry=False,
        ignore_result=True,
    )


class DeskStep(bootsteps.StartStopStep):
    """Opens the desk once SIGTERM is handled and before the broker is asked: it may be away for long."""

    requires = ("celery.worker.components:Pool",)

    def start(self, parent: Any) -> None:
        names = parent.app.amqp.queues.consume_from
        queues = [name.removeprefix(_PREFIX) for name in names if name.startswith(_PREFIX)]
        desk = WorkerDesk(queues=queues, leave=_leave)
        _desks.append(desk)
        desk.start()


@signals.worker_init.connect
def worker_begin(sender: Any, **_: Any) -> None:
    """The worker serves the queues it was started for, even before its broker answers.

    Raises:
        SystemExit: the pool would put drains into processes that this one cannot watch over.
    """
    pool = sender.pool_cls if isinstance(sender.pool_cls, str) else sender.pool_cls.__module__
    if not any(word in pool for word in _POOLS):
        raise SystemExit(f"uHub's workers use threads: start them with -P threads, not {pool}.")
    sender.app.steps["worker"].add(DeskStep)


@signals.worker_shutting_down.connect
def worker_drain(**_: Any) -> None:
    """SIGTERM: running steps finish, nothing new is taken."""
    for desk in _desks:
        desk.begin_draining()


@signals.worker_shutdown.connect
def worker_end(**_: Any) -> None:
    """The last thing a worker does."""
    while _desks:
        _desks.pop().stop(grace_s=settings.ENGINE["GRACE_S"])


DOORBELL.connect(ring_carry)
