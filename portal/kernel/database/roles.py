"""The four database roles of uHub and the database itself, made from one privileged URL.

No role of ours is a superuser or bypasses row-level security: the owner migrates, the runtime
role serves, the platform role works across tenants, and the dispatch role sees the ledger of
operations alone. All of it may be run again at any time; passwords live in one private file.
"""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

DATABASE = "uhub"
OLDEST_VERSION = 150000
OWNER = "uhub_owner"
VARIABLES = {
    "DATABASE_URL": "uhub_runtime",
    "DATABASE_OWNER_URL": OWNER,
    "DATABASE_PLATFORM_URL": "uhub_platform",
    "DATABASE_DISPATCH_URL": "uhub_dispatch",
}


class DatabaseRolesError(Exception):
    """The server can't be reached, is too old, or refuses what the roles need."""


def database_roles_create(
    *,
    admin_url: str,
    password_file: Path,
    database: str = DATABASE,
    may_create_databases: bool = False,
) -> dict[str, str]:
    """Create or repair roles, database and schema, and return the URL of each variable.

    `may_create_databases` lets the owner make test databases and is wrong for anything else.
    Raises DatabaseRolesError when the server can't be reached, is too old, or refuses.
    """
    passwords = _passwords(password_file)
    try:
        with psycopg.connect(admin_url, autocommit=True, connect_timeout=10) as connection:
            check_version(connection)
            for role, password in passwords.items():
                role_ensure(connection, role=role, password=password)
            _owner_prepare(connection, may_create_databases=may_create_databases)
            _database_ensure(connection, database=database)
        url = _with_path(admin_url, database)
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
            _schema_secure(connection, database=database)
    except psycopg.Error as error:
        raise DatabaseRolesError(f"the database server refused: {str(error).strip()}") from error
    return {
        variable: role_url(admin_url, role=role, password=passwords[role], database=database)
        for variable, role in VARIABLES.items()
    }


def check_version(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Refuse a server older than PostgreSQL 15, which our row-level security can't rely on.

    Raises DatabaseRolesError.
    """
    found = connection.info.server_version
    if found < OLDEST_VERSION:
        raise DatabaseRolesError(f"PostgreSQL {found // 10000} is too old: uHub needs 15 or newer.")


def database_is_migrated(url: str) -> bool:
    """Tell whether migrations were ever applied there. Raises DatabaseRolesError when it can't be asked."""
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            row = connection.execute("SELECT to_regclass('public.django_migrations')").fetchone()
    except psycopg.Error as error:
        raise DatabaseRolesError(f"the database server refused: {str(error).strip()}") from error
    return row is not None and row[0] is not None


def role_url(admin_url: str, *, role: str, password: str, database: str) -> str:
    """Return `admin_url` with another user and database; host and options stay."""
    parts = urlsplit(admin_url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(
        parts._replace(netloc=f"{role}:{quote(password, safe='')}@{place}", path=f"/{database}")
    )


def _with_path(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def _passwords(file: Path) -> dict[str, str]:
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    wanted = {role: known.get(role) or secrets.token_urlsafe(24) for role in VARIABLES.values()}
    if wanted != known:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            json.dump(wanted, stream, indent=1, sort_keys=True)
    return wanted


def _is_superuser(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    row = connection.execute(
        "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    return bool(row and row[0])


def role_ensure(
    connection: psycopg.Connection[tuple[object, ...]], *, role: str, password: str
) -> None:
    """Create the role, or bring an existing one back to what it may be.

    The password is hashed here, so that it shows in no log of the server.
    """
    name = sql.Identifier(role)
    found = connection.execute(
        "SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = %s",
        (role,),
    ).fetchone()
    if found is None:
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE").format(name)
        )
    elif found[0]:
        connection.execute(
            sql.SQL("ALTER ROLE {} NOSUPERUSER NOBYPASSRLS NOCREATEROLE").format(name)
        )
    digest = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    connection.execute(
        sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(name, sql.Literal(digest.decode()))
    )
    connection.execute(sql.SQL("ALTER ROLE {} SET search_path = public").format(name))


def _owner_prepare(
    connection: psycopg.Connection[tuple[object, ...]], *, may_create_databases: bool
) -> None:
    """Set what the owner may; a managed server's administrator must join it to act for it."""
    privilege = sql.SQL("CREATEDB" if may_create_databases else "NOCREATEDB")
    owner = sql.Identifier(OWNER)
    connection.execute(sql.SQL("ALTER ROLE {} {}").format(owner, privilege))
    if not _is_superuser(connection):
        connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(owner))


def _database_ensure(connection: psycopg.Connection[tuple[object, ...]], *, database: str) -> None:
    exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,))
    name, owner = sql.Identifier(database), sql.Identifier(OWNER)
    if exists.fetchone() is None:
        statement = "CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE template0"
    else:
        statement = "ALTER DATABASE {} OWNER TO {}"
    connection.execute(sql.SQL(statement).format(name, owner))


def _schema_secure(connection: psycopg.Connection[tuple[object, ...]], *, database: str) -> None:
    """Let nobody but the owner create, and nobody but our roles connect."""
    names = {
        "database": sql.Identifier(database),
        "owner": sql.Identifier(OWNER),
        "roles": sql.SQL(", ").join(map(sql.Identifier, VARIABLES.values())),
    }
    for statement in (
        "ALTER SCHEMA public OWNER TO {owner}",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        "GRANT USAGE ON SCHEMA public TO {roles}",
        "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
        "GRANT CONNECT ON DATABASE {database} TO {roles}",
    ):
        connection.execute(sql.SQL(statement).format(**names))
