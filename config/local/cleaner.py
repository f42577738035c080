"""A role that empties the tables of test databases: past row-level security and triggers.

It is made on throw-away servers alone. Truncating one table means truncating all that refer to it, which
is nearly everything, file by file; deleting a handful of rows as this role costs a tenth of that.
"""

from __future__ import annotations

import secrets

import psycopg
from psycopg import sql

from portal.kernel.database.roles import DATABASE, role_ensure, role_url

ROLE = "uhub_cleaner"
VARIABLE = "TEST_CLEANER_URL"


def cleaner_create(admin_url: str) -> str:
    """Make the role, or give it a new password, and return its URL."""
    password = secrets.token_urlsafe(24)
    with psycopg.connect(admin_url, autocommit=True, connect_timeout=10) as connection:
        role_ensure(connection, role=ROLE, password=password)
        for words in (
            "ALTER ROLE {} BYPASSRLS",
            "GRANT pg_read_all_data, pg_write_all_data TO {}",
            "GRANT SET ON PARAMETER session_replication_role TO {}",
        ):
            connection.execute(sql.SQL(words).format(sql.Identifier(ROLE)))
    return role_url(admin_url, role=ROLE, password=password, database=DATABASE)
