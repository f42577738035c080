"""Plain Celery: what the engine is measured beside. The same broker, no ledger."""

from __future__ import annotations

import os
import time

import redis
from celery import Celery
from kombu import Exchange, Queue

QUEUE = "bench-plain"
BROKER = os.environ["BROKER_URL"]
_PAUSE_S = 0.005
_PATIENCE_S = 60.0

app = Celery("plain", broker=BROKER)
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    task_queues=[Queue(QUEUE, Exchange(QUEUE), routing_key=QUEUE)],
    task_default_queue=QUEUE,
    task_default_routing_key=QUEUE,
)


@app.task(name="bench.noop")
def noop() -> None:
    """Nothing."""


def plain_run(count: int) -> None:
    """Sends so many and waits until every one was acknowledged."""
    for _ in range(count):
        noop.delay()
    broker = redis.Redis.from_url(BROKER)
    deadline = time.monotonic() + _PATIENCE_S
    while broker.llen(QUEUE) or broker.hlen("unacked"):
        assert time.monotonic() < deadline, "plain Celery does not answer"
        time.sleep(_PAUSE_S)
