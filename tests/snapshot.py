"""What the whole database holds, as one comparable value: for tests that say nothing changed."""

from __future__ import annotations

from django.db import connections

from portal.kernel.rls_tables import TABLES
from portal.kernel.tenancy import PLATFORM

# What a request leaves behind although it changed nothing: sessions, and the audit of refusals.
_LEFT_OUT = frozenset({"audit_entry", "django_session", "portal_websession"})


def rows_digest() -> dict[str, tuple[int, int]]:
    """Count and hash of the rows of every table, all tenants'; of the audit only what succeeded."""
    parts = [
        f"SELECT '{table}', count(*), coalesce(sum(hashtext(t::text)), 0) FROM {table} t"
        for table in sorted(TABLES)
        if table not in _LEFT_OUT
    ]
    parts.append(
        "SELECT 'audit_entry', count(*), coalesce(sum(hashtext(t.id::text)), 0) "
        "FROM audit_entry t WHERE outcome = 'success'"
    )
    with connections[PLATFORM].cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return {name: (count, int(digest)) for name, count, digest in cursor.fetchall()}
