"""The operations engine: its intervals, and how Celery carries the doorbell."""

from __future__ import annotations

from typing import Any

from kombu import Exchange, Queue

from config import env
from portal.kernel.queue import QUEUES

ENGINE: dict[str, Any] = {
    "LEASE_S": 60.0,
    "HEARTBEAT_S": 20.0,
    "STEP_LIMIT_S": 600.0,
    "SELF_POLL_S": 2.0,
    "SWEEP_S": 10,
    "SWEEP_SILENCE_S": 15.0,
    "LATE_S": 2.0,
    "DRAIN_BUDGET_S": 5.0,
    "DRAIN_BUDGET_OPERATIONS": 200,
    "BATCH_WRITE_S": 0.1,
    "GRACE_S": 45.0,
    "BACKOFF_SCALE": 1.0,
    "SLOTS": env.number("ENGINE_SLOTS", 16),
    "FAIR_SHARE_S": 1.0,
    "ENDING_RETRY_S": 5.0,
    "RING_EXPIRES_S": 30,
    "FIRES_KEPT_S": 86_400,
    "WORKERS_KEPT_S": 86_400,
}

LIVE: dict[str, Any] = {
    "POLL_S": 0.5,
    "HEARTBEAT_S": 15.0,
    "RECHECK_S": 5.0,
    "RETRY_MS": 1_000,
    "RECENT_S": 10.0,
    "KEPT_S": 600.0,
    "TOPICS": 60,
    "STREAMS": 2_000,
    "STREAMS_PER_USER": 12,
}

CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = ENGINE["SLOTS"]
_NAMES = ("uhub", *(f"uhub.{name}" for name in QUEUES))
CELERY_TASK_QUEUES = [Queue(name, Exchange("uhub"), routing_key=name) for name in _NAMES]
CELERY_TASK_DEFAULT_ROUTING_KEY = "uhub"
