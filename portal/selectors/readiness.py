"""Whether this process can serve: database, schema, broker, files."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from kombu import Connection
from kombu.exceptions import KombuError

OK = "ok"
UNKNOWN = "unknown"
_BROKER_TIMEOUT_S = 1.0


def readiness() -> dict[str, str]:
    """What each part says: ok, or in one word what is wrong."""
    return {
        "database": _database(),
        "migrations": _migrations(),
        "broker": _broker(),
        "storage": _storage(),
    }


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
        return UNKNOWN
    return OK if _shipped() <= set(applied) else "missing"


def _broker() -> str:
    try:
        with Connection(settings.CELERY_BROKER_URL, connect_timeout=_BROKER_TIMEOUT_S) as broker:
            broker.ensure_connection(max_retries=1, timeout=int(_BROKER_TIMEOUT_S))
    except (OSError, KombuError):
        return "unreachable"
    return OK


def _storage() -> str:
    """The folder of files, or the nearest one above it that exists, can be written; others know themselves."""
    try:
        folder = Path(default_storage.path(""))
    except NotImplementedError:
        return OK
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return OK if os.access(folder, os.W_OK) else "read_only"
