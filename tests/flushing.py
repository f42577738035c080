"""Empties the test database between tests, quickly.

Django's own flush truncates every table and then makes all content types and permissions anew, which
costs more than most tests. Here those stay, and only tables that hold pages are emptied: by deleting
rows where the server has a role for that (`config.local.cleaner`), else, where many rows were, and where
a trigger keeps rows whoever comes, by truncating.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit
from weakref import WeakSet

import psycopg
from django.core.management.commands import flush
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import TransactionTestCase

from config.local.cleaner import VARIABLE

KEPT = ("django_content_type", "auth_permission", "django_migrations")
_TOUCHED = (
    "SELECT quote_ident(c.relname), pg_relation_size(c.oid), EXISTS "
    "(SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgenabled = 'A') "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relname <> ALL(%s) "
    "AND pg_relation_size(c.oid) > 0"
)
# What was deleted keeps its pages until the server comes by: beyond this a table starts anew.
_LARGE_BYTES = 2**20

# Transactions of the test's server that still run, such as the answer to a page that was just closed. They lock
# tables in their own order, which would deadlock with ours.
_UNDER_WAY = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'relation' AND pid <> pg_backend_pid() "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND relation >= 16384"
)
_PATIENCE_S = 10.0
_STEP_S = 0.01


class Touched(NamedTuple):
    """A table with pages; a guarded one keeps its rows from being deleted by anybody."""

    name: str
    size: int
    is_guarded: bool


class Cleaner:
    """The connection that deletes, made when it is first needed."""

    def __init__(self) -> None:
        self._connection: psycopg.Connection[Any] | None = None

    def delete(self, database: str, tables: list[str]) -> bool:
        """Empties the tables; False where the server has no role for it."""
        url = os.environ.get(VARIABLE)
        if not url:
            return False
        if self._connection is None:
            address = urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
            self._connection = psycopg.connect(address, autocommit=True)
            self._connection.execute("SET session_replication_role = replica")
        if tables:
            self._connection.execute("; ".join(f"DELETE FROM {one}" for one in tables).encode())
        return True

    def close(self) -> None:
        """Before the database is dropped."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None


cleaner = Cleaner()


def _wait_for_others(cursor: Any) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        cursor.execute(_UNDER_WAY)
        if not cursor.fetchone()[0]:
            return
        threading.Event().wait(_STEP_S)


def _sql_flush(_style: Any, connection: BaseDatabaseWrapper, **_options: Any) -> list[str]:
    with connection.cursor() as cursor:
        _wait_for_others(cursor)
        cursor.execute(_TOUCHED, [list(KEPT)])
        touched = [Touched(*row) for row in cursor.fetchall()]
    if all(table.size < _LARGE_BYTES for table in touched):
        plain = [table.name for table in touched if not table.is_guarded]
        if cleaner.delete(connection.settings_dict["NAME"], plain):
            touched = [table for table in touched if table.is_guarded]
    names = ", ".join(table.name for table in touched)
    return [f"TRUNCATE {names} CASCADE"] if names else []


def _nothing(*_arguments: Any, **_options: Any) -> None:
    """Content types and permissions were kept: there is nothing to make."""


_opened: WeakSet[BaseDatabaseWrapper] = WeakSet()
_connect = BaseDatabaseWrapper.connect


def _remembered_connect(connection: BaseDatabaseWrapper) -> None:
    _opened.add(connection)
    _connect(connection)


def _unclean_close(_case: TransactionTestCase) -> bool:
    """Closes the connections that a test left inside a transaction; those at rest serve the next test."""
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block or not connection.autocommit:
            connection.close()
    return False


def connections_close() -> None:
    """Closes all before the database is dropped, those of other threads and of a browser's event loop too."""
    cleaner.close()
    for opened in list(_opened):
        if opened.connection is not None:
            opened.connection.close()


def quick_flush_install() -> None:
    """Replaces what Django's flush command does, and keeps connections from test to test."""
    flush.sql_flush = _sql_flush  # type: ignore[assignment]
    flush.emit_post_migrate_signal = _nothing
    BaseDatabaseWrapper.connect = _remembered_connect  # type: ignore[method-assign]
    TransactionTestCase._should_reload_connections = _unclean_close  # type: ignore[attr-defined]
