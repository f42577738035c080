"""Whether this process can serve: database, schema, broker."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from kombu import Connection
from kombu.exceptions import KombuError

OK = "ok"
_BROKER_TIMEOUT_S = 1.0


def readiness() -> dict[str, str]:
    """What each part says: ok, or in one word what is wrong."""
    return {"database": _database(), "migrations": _migrations(), "broker": _broker()}


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "unreachable"
    return OK


@lru_cache(maxsize=1)
def _shipped() -> frozenset[tuple[str, str]]:
    """The migrations this code was written against; they cannot change while the process lives."""
    loader = MigrationLoader(None)
    return frozenset(key for key in loader.disk_migrations if key not in loader.replacements)


def _migrations() -> str:
    try:
        applied = MigrationRecorder(connection).applied_migrations()
    except DatabaseError:
        return "unknown"
    return OK if _shipped() <= set(applied) else "missing"


def _broker() -> str:
    try:
        with Connection(settings.CELERY_BROKER_URL, connect_timeout=_BROKER_TIMEOUT_S) as broker:
            broker.ensure_connection(max_retries=1, timeout=int(_BROKER_TIMEOUT_S))
    except (OSError, KombuError):
        return "unreachable"
    return OK
