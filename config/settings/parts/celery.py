"""Celery is the muscle and the doorbell; PostgreSQL holds the truth."""

from __future__ import annotations

from config import env
from config.schedule import BEAT_SCHEDULE

CELERY_BROKER_URL = env.text("BROKER_URL", env.text("CACHE_URL", "") or None)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_DEFAULT_QUEUE = "uhub"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_keepalive": True, "health_check_interval": 15}
CELERY_BEAT_SCHEDULE = BEAT_SCHEDULE
CELERY_TIMEZONE = "UTC"
CELERY_DB_REUSE_MAX = 1000
