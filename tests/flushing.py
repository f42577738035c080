"""Empties the test database between tests, quickly.

Django's own flush truncates every table and then makes all content types and permissions anew, which
costs more than most tests. Here those stay, and only tables that hold pages are truncated: the owner
cannot count rows, because row-level security is forced on it as well.
"""

from __future__ import annotations

from typing import Any

from django.core.management.commands import flush
from django.db.backends.base.base import BaseDatabaseWrapper

KEPT = ("django_content_type", "auth_permission", "django_migrations")
_TOUCHED = (
    "SELECT quote_ident(c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relname <> ALL(%s) "
    "AND pg_relation_size(c.oid) > 0"
)


def _sql_flush(_style: Any, connection: BaseDatabaseWrapper, **_options: Any) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_TOUCHED, [list(KEPT)])
        tables = [name for (name,) in cursor.fetchall()]
    return [f"TRUNCATE {', '.join(tables)} CASCADE"] if tables else []


def _nothing(*_arguments: Any, **_options: Any) -> None:
    """Content types and permissions were kept: there is nothing to make."""


def quick_flush_install() -> None:
    """Replaces what Django's flush command does."""
    flush.sql_flush = _sql_flush  # type: ignore[assignment]
    flush.emit_post_migrate_signal = _nothing
