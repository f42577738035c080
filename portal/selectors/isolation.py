"""What PostgreSQL's catalog says about roles, policies and references, against what it should say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from django.conf import settings
from django.db import connections

from portal.kernel.rls import role
from portal.kernel.rls_tables import TABLES, TableKind
from portal.kernel.tenancy import DEFAULT, DISPATCH, PLATFORM

Connection = psycopg.Connection[tuple[Any, ...]]
_OWN_TENANT: Final = (
    "(tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)"
)
_POLICIES_OF_RUNTIME: Final = frozenset({"tenant", "self", "platform_events"})


@contextmanager
def own_connection(alias: str) -> Iterator[Connection]:
    """A connection of its own with an alias's role; whatever happens in it is rolled back."""
    parameters = connections[alias].get_connection_params()
    connection: Connection = psycopg.connect(**parameters)
    try:
        yield connection
    finally:
        connection.rollback()
        connection.close()


def role_faults(connection: Connection) -> list[str]:
    """Why the connected role could look past row-level security; empty when it cannot."""
    row = connection.execute(
        "SELECT current_user, rolsuper, rolbypassrls, rolcreaterole, "
        "EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') "
        "        AND c.relowner = pg_roles.oid), "
        "EXISTS (SELECT 1 FROM pg_auth_members m WHERE m.member = pg_roles.oid) "
        "FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    assert row is not None
    name, *flags = row
    words = (
        "is a superuser",
        "bypasses row-level security",
        "may create roles",
        "owns tables",
        "is a member of another role",
    )
    return [f"role {name} {word}" for word, flag in zip(words, flags, strict=True) if flag]


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    is_enabled: bool
    is_forced: bool
    has_tenant: bool


def catalog_faults(connection: Connection) -> list[str]:
    """Where the catalog differs from `portal.kernel.rls_tables.TABLES`, in sentences."""
    tables = _tables(connection)
    found = {table.name for table in tables}
    faults = [f"table {name} is listed and does not exist" for name in sorted(set(TABLES) - found)]
    for table in tables:
        kind = TABLES.get(table.name)
        if kind is None:
            faults.append(f"table {table.name} is not listed in portal/kernel/rls.py")
        elif kind is not TableKind.PLATFORM:
            faults += _isolation_faults(connection, table, kind)
        elif table.has_tenant and table.is_enabled:
            faults.append(f"table {table.name} has policies and is listed as the platform's")
    faults += _reference_faults(connection)
    return faults + _partition_faults(connection) + _view_faults(connection)


def _tables(connection: Connection) -> list[_Table]:
    rows = connection.execute(
        "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, EXISTS (SELECT 1 "
        "FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' "
        "AND NOT a.attisdropped) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1"
    ).fetchall()
    return [_Table(*row) for row in rows]


def _partition_faults(connection: Connection) -> list[str]:
    """A parent's policies do not hold for its partitions: none may be reached by its own name."""
    rows = connection.execute(
        "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity, "
        "EXISTS (SELECT 1 FROM aclexplode(c.relacl) g WHERE g.grantee <> c.relowner), "
        "EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid) FROM pg_class c "
        "WHERE c.relispartition AND c.relkind IN ('r', 'p') ORDER BY 1"
    ).fetchall()
    return [
        fault
        for name, is_closed, is_granted, has_policies in rows
        for is_wrong, fault in (
            (not is_closed, f"partition {name} does not force row-level security"),
            (is_granted, f"partition {name} is granted to others than its owner"),
            (has_policies, f"partition {name} has policies of its own"),
        )
        if is_wrong
    ]


def _isolation_faults(connection: Connection, table: _Table, kind: TableKind) -> list[str]:
    faults = []
    if not table.is_enabled:
        faults.append(f"table {table.name} has row-level security disabled")
    if not table.is_forced:
        faults.append(f"table {table.name} does not force row-level security")
    policies = _policies(connection, table.name)
    wanted = "tenant" if kind is TableKind.TENANT else "self"
    if wanted not in policies:
        faults.append(f"table {table.name} lacks its policy '{wanted}'")
    for name, (roles, using, check) in policies.items():
        faults += _policy_faults(table.name, kind, name, roles, using, check)
    return faults + _privilege_faults(connection, table.name)


def _policies(connection: Connection, table: str) -> dict[str, tuple[set[str], str, str]]:
    rows = connection.execute(
        "SELECT policyname, roles::text[], coalesce(qual, ''), coalesce(with_check, '') "
        "FROM pg_policies WHERE schemaname = 'public' AND tablename = %s",
        (table,),
    ).fetchall()
    return {name: (set(roles), using, check) for name, roles, using, check in rows}


def _policy_faults(
    table: str, kind: TableKind, name: str, roles: set[str], using: str, check: str
) -> list[str]:
    if roles & {"public"}:
        return [f"policy {name} of {table} is open to every role"]
    if role(DEFAULT) not in roles:
        is_ours = roles <= {role(PLATFORM), role(DISPATCH)}
        return [] if is_ours else [f"policy {name} of {table} is for unknown roles"]
    if name not in _POLICIES_OF_RUNTIME:
        return [f"table {table} has an unknown policy '{name}' for the runtime role"]
    if kind is TableKind.TENANT and name == "tenant" and (using, check) != (_OWN_TENANT,) * 2:
        return [f"policy {name} of {table} does not compare the tenant alone: {using}"]
    if name != "platform_events" and "current_setting('app." not in using:
        return [f"policy {name} of {table} does not look at the scope: {using}"]
    return []


def _privilege_faults(connection: Connection, table: str) -> list[str]:
    rows = connection.execute(
        "SELECT p FROM unnest(ARRAY['TRUNCATE', 'REFERENCES', 'TRIGGER']) p "
        "WHERE has_table_privilege(%s, %s, p)",
        (role(DEFAULT), table),
    ).fetchall()
    return [f"the runtime role holds {privilege} on {table}" for (privilege,) in rows]


@dataclass(frozen=True, slots=True)
class Reference:
    """One foreign key: the referencing columns beside the tenant's."""

    table: str
    name: str
    column: str
    target: str
    has_tenant: bool


def references(connection: Connection) -> list[Reference]:
    """All foreign keys whose both ends hold rows of tenants."""
    rows = connection.execute(
        "SELECT f.conrelid::regclass::text, f.conname, f.confrelid::regclass::text, "
        "(SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(f.conkey) WITH ORDINALITY "
        " k(num, n) JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.num) "
        "FROM pg_constraint f WHERE f.contype = 'f' AND f.connamespace = 'public'::regnamespace"
    ).fetchall()
    return [
        Reference(
            table=table,
            name=name,
            target=target,
            column=next((column for column in keys if column != "tenant_id"), ""),
            has_tenant="tenant_id" in keys,
        )
        for table, name, target, keys in rows
        if TABLES.get(table) is TableKind.TENANT and TABLES.get(target) is TableKind.TENANT
    ]


def _reference_faults(connection: Connection) -> list[str]:
    return [
        f"foreign key {item.name} of {item.table} does not carry the tenant"
        for item in references(connection)
        if not item.has_tenant
    ]


def _view_faults(connection: Connection) -> list[str]:
    rows = connection.execute(
        "SELECT c.relname, c.relkind::text, c.reloptions::text FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' "
        "AND c.relkind IN ('v', 'm') AND has_table_privilege(%s, c.oid, 'SELECT')",
        (str(settings.DATABASES[DEFAULT]["USER"]),),
    ).fetchall()
    return [
        f"view {name} runs with its owner's eyes"
        for name, kind, options in rows
        if kind == "m" or "security_invoker=true" not in (options or "")
    ]
