"""Tests: the same four roles on a database of their own; nothing but time constants is smaller."""

from __future__ import annotations

from config import env
from config.settings.base import *  # noqa: F403
from config.settings.parts.apps import INSTALLED_APPS
from config.settings.parts.celery import CELERY_BROKER_URL
from config.settings.parts.database import DATABASES
from config.settings.parts.engine import ENGINE
from config.settings.parts.provisioning import PROVISIONING

DEBUG = False
INSTALLED_APPS.append("django_migration_linter")  # a tool of `make check`, not of production
for _alias, _database in DATABASES.items():
    _database["OPTIONS"].pop("pool", None)
    _database["TEST"] = {"MIRROR": "owner"} if _alias != "owner" else {"DEPENDENCIES": []}
DATABASES["owner"]["OPTIONS"]["options"] = "-c app.truncate_allowed=on"

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CSRF_COOKIE_SECURE = False
SESSION_COOKIE_SECURE = False
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# Each process of a run side by side (gw0, gw1 …) rings a bell of its own, as it has its own database.
_SIDE = env.text("PYTEST_XDIST_WORKER", "").removeprefix("gw")
if _SIDE and CELERY_BROKER_URL.startswith("redis"):
    _server, _, _number = CELERY_BROKER_URL.rpartition("/")
    CELERY_BROKER_URL = f"{_server}/{(int(_number) + 32 * int(_SIDE)) % 64}"

# What is short here is waited for. How long a silent worker is believed in is not: tests end leases themselves.
ENGINE.update(
    LEASE_S=30.0,
    HEARTBEAT_S=5.0,
    BATCH_WRITE_S=60.0,
    DRAIN_BUDGET_S=60.0,
    SELF_POLL_S=0.1,
    SWEEP_S=1,
    SWEEP_SILENCE_S=1.0,
    LATE_S=0.2,
    GRACE_S=10.0,
    SLOTS=4,
    ENDING_RETRY_S=0.2,
    BACKOFF_SCALE=0.02,
)

PROVISIONING.update(
    poll_s=0.02,
    parked_poll_s=0.1,
    lock_patience_s=3.0,
    task_silence_s=4.0,
    clone_window_s=0.5,
    address_polls=5,
    observe_settle_s=0.0,
    recheck_s=0.0,
    patrol_s=0.0,
    name_server_wait_s=0.02,
)
WHITENOISE_AUTOREFRESH = True  # every test client would list all static files anew
