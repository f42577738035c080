"""Empties the test database between tests, quickly.

Django's own flush truncates every table and then makes all content types and permissions anew, which
costs more than most tests. Here those stay, and only tables that hold pages are truncated: the owner
cannot count rows, because row-level security is forced on it as well.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from django.core.management.commands import flush
from django.db.backends.base.base import BaseDatabaseWrapper

KEPT = ("django_content_type", "auth_permission", "django_migrations")
_TOUCHED = (
    "SELECT quote_ident(c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relname <> ALL(%s) "
    "AND pg_relation_size(c.oid) > 0"
)

# Transactions of the test's server that still run, such as the answer to a page that was just closed. They lock
# tables in their own order, which would deadlock with ours.
_UNDER_WAY = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'relation' AND pid <> pg_backend_pid() "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND relation >= 16384"
)
_PATIENCE_S = 10.0
_STEP_S = 0.01


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
        tables = [name for (name,) in cursor.fetchall()]
    return [f"TRUNCATE {', '.join(tables)} CASCADE"] if tables else []


def _nothing(*_arguments: Any, **_options: Any) -> None:
    """Content types and permissions were kept: there is nothing to make."""


def quick_flush_install() -> None:
    """Replaces what Django's flush command does."""
    flush.sql_flush = _sql_flush  # type: ignore[assignment]
    flush.emit_post_migrate_signal = _nothing
