"""Row-level security: the migration operations that say to PostgreSQL which table belongs to whom."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from portal.kernel.tenancy import DEFAULT, DISPATCH, OWNER, PLATFORM, PLATFORM_TENANT_ID

TENANT_PREDICATE: Final = "{column} = nullif(current_setting('app.tenant_id', true), '')::uuid"
USER_PREDICATE: Final = "{column} = nullif(current_setting('app.user_id', true), '')::uuid"


def role(alias: str) -> str:
    """The database role behind an alias."""
    return str(settings.DATABASES[alias]["USER"])


class TableOperation(Operation):
    """Base of the operations below: SQL forwards and backwards on the owner's alias, no model state."""

    reversible = True
    reduces_to_sql = True

    def __init__(self, table: str) -> None:
        self.table = table

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [], dict(vars(self))

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Changes nothing Django knows of."""

    def statements(self) -> list[str]:
        raise NotImplementedError

    def reverse_statements(self) -> list[str]:
        raise NotImplementedError

    def database_forwards(
        self,
        app_label: str,
        editor: BaseDatabaseSchemaEditor,
        _from: ProjectState,
        _to: ProjectState,
    ) -> None:
        if editor.connection.alias == OWNER:
            for statement in self.statements():
                editor.execute(statement, params=None)

    def database_backwards(
        self,
        app_label: str,
        editor: BaseDatabaseSchemaEditor,
        _from: ProjectState,
        _to: ProjectState,
    ) -> None:
        if editor.connection.alias == OWNER:
            for statement in self.reverse_statements():
                editor.execute(statement, params=None)

    def describe(self) -> str:
        return f"{type(self).__name__} {self.table}"

    def _isolate(self) -> list[str]:
        table = self.table
        return [
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY platform ON {table} TO {role(PLATFORM)} USING (true) WITH CHECK (true)",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {role(PLATFORM)}",
        ]

    def _release(self, *policies: str) -> list[str]:
        return [
            *(f"DROP POLICY IF EXISTS {policy} ON {self.table}" for policy in policies),
            f"ALTER TABLE {self.table} NO FORCE ROW LEVEL SECURITY",
            f"ALTER TABLE {self.table} DISABLE ROW LEVEL SECURITY",
            *(f"REVOKE ALL ON {self.table} FROM {role(a)}" for a in (DEFAULT, PLATFORM, DISPATCH)),
        ]


class TenantTable(TableOperation):
    """One tenant's rows for the runtime role; all for the platform role; the ledger's for dispatch.

    `is_append_only` takes UPDATE and DELETE away from runtime and platform. `is_open_to_platform_inserts`
    lets the runtime role add (never read) rows of the platform tenant. A table that no other refers to
    (`is_referenced`) needs no key of tenant and id together.
    """

    def __init__(
        self,
        table: str,
        *,
        runtime: str = "SELECT, INSERT, UPDATE, DELETE",
        platform: str = "SELECT, INSERT, UPDATE, DELETE",
        dispatch: str = "",
        is_open_to_platform_inserts: bool = False,
        is_referenced: bool = True,
    ) -> None:
        super().__init__(table)
        self.runtime = runtime
        self.platform = platform
        self.dispatch = dispatch
        self.is_open_to_platform_inserts = is_open_to_platform_inserts
        self.is_referenced = is_referenced

    def statements(self) -> list[str]:
        table, predicate = self.table, TENANT_PREDICATE.format(column="tenant_id")
        statements = [
            *self._isolate(),
            f"REVOKE ALL ON {table} FROM {role(PLATFORM)}",
            f"GRANT {self.platform} ON {table} TO {role(PLATFORM)}",
            (
                f"CREATE POLICY tenant ON {table} TO {role(DEFAULT)} "
                f"USING ({predicate}) WITH CHECK ({predicate})"
            ),
            f"GRANT {self.runtime} ON {table} TO {role(DEFAULT)}",
        ]
        if self.is_referenced:
            key = f"{table}_tenant_key"
            statements.append(f"ALTER TABLE {table} ADD CONSTRAINT {key} UNIQUE (tenant_id, id)")
        if self.dispatch:
            statements += [
                (
                    f"CREATE POLICY dispatch ON {table} TO {role(DISPATCH)} "
                    "USING (true) WITH CHECK (true)"
                ),
                f"GRANT {self.dispatch} ON {table} TO {role(DISPATCH)}",
            ]
        if self.is_open_to_platform_inserts:
            statements.append(
                f"CREATE POLICY platform_events ON {table} FOR INSERT TO {role(DEFAULT)} "
                f"WITH CHECK (tenant_id = '{PLATFORM_TENANT_ID}')"
            )
        return statements

    def reverse_statements(self) -> list[str]:
        return [
            *self._release("platform", "tenant", "dispatch", "platform_events"),
            f"ALTER TABLE {self.table} DROP CONSTRAINT IF EXISTS {self.table}_tenant_key",
        ]


class SelfTable(TableOperation):
    """Rows of the tenant in scope and rows of the user in scope: two permissive policies.

    `tenant_column` and `user_column` may be empty; `user_predicate` replaces the plain equality where the
    user is not a column of the table (ADR tenants-are-visible-to-their-members).
    """

    def __init__(
        self,
        table: str,
        *,
        tenant_column: str = "tenant_id",
        user_column: str = "user_id",
        user_predicate: str = "",
        runtime: str = "SELECT",
        dispatch: str = "",
    ) -> None:
        super().__init__(table)
        self.tenant_column = tenant_column
        self.user_column = user_column
        self.user_predicate = user_predicate
        self.runtime = runtime
        self.dispatch = dispatch

    def statements(self) -> list[str]:
        table, statements = self.table, self._isolate()
        if self.tenant_column:
            predicate = TENANT_PREDICATE.format(column=self.tenant_column)
            statements.append(
                f"CREATE POLICY tenant ON {table} TO {role(DEFAULT)} "
                f"USING ({predicate}) WITH CHECK ({predicate})"
            )
        mine = self.user_predicate or USER_PREDICATE.format(column=self.user_column)
        statements += [
            f"CREATE POLICY self ON {table} TO {role(DEFAULT)} USING ({mine}) WITH CHECK ({mine})",
            f"GRANT {self.runtime} ON {table} TO {role(DEFAULT)}",
        ]
        if self.dispatch:
            statements += [
                f"CREATE POLICY dispatch ON {table} TO {role(DISPATCH)} USING (true)",
                f"GRANT {self.dispatch} ON {table} TO {role(DISPATCH)}",
            ]
        return statements

    def reverse_statements(self) -> list[str]:
        return self._release("platform", "tenant", "self", "dispatch")


class PlatformTable(TableOperation):
    """No tenant's: the platform role writes it, the runtime role gets what is named."""

    def __init__(
        self, table: str, *, runtime: str = "SELECT", dispatch: str = "", platform: str = ""
    ) -> None:
        super().__init__(table)
        self.runtime = runtime
        self.dispatch = dispatch
        self.platform = platform

    def statements(self) -> list[str]:
        wanted = {
            PLATFORM: self.platform or "SELECT, INSERT, UPDATE, DELETE",
            DEFAULT: self.runtime,
            DISPATCH: self.dispatch,
        }
        statements = [
            f"GRANT {privileges} ON {self.table} TO {role(alias)}"
            for alias, privileges in wanted.items()
            if privileges
        ]
        return [*statements, *self._sequence_grants(wanted)]

    def _sequence_grants(self, wanted: dict[str, str]) -> list[str]:
        roles = ", ".join(role(alias) for alias, p in wanted.items() if "INSERT" in p)
        if not roles:
            return []
        return [
            (
                "DO $$ DECLARE s text; BEGIN "  # noqa: S608 - names of our own list
                f"s := (SELECT pg_get_serial_sequence('{self.table}', a.attname) FROM pg_attribute a "
                f"WHERE a.attrelid = '{self.table}'::regclass AND a.attidentity <> '' LIMIT 1); "
                f"IF s IS NOT NULL THEN EXECUTE 'GRANT USAGE ON SEQUENCE ' || s || ' TO {roles}'; "
                "END IF; END $$"
            )
        ]

    def reverse_statements(self) -> list[str]:
        return [
            f"REVOKE ALL ON {self.table} FROM {role(alias)}"
            for alias in (DEFAULT, PLATFORM, DISPATCH)
        ]


class ColumnGrant(TableOperation):
    """More columns of a platform table that the runtime role may write."""

    def __init__(self, table: str, *, columns: str) -> None:
        super().__init__(table)
        self.columns = columns

    def statements(self) -> list[str]:
        return [f"GRANT UPDATE ({self.columns}) ON {self.table} TO {role(DEFAULT)}"]

    def reverse_statements(self) -> list[str]:
        return [f"REVOKE UPDATE ({self.columns}) ON {self.table} FROM {role(DEFAULT)}"]


class TenantReference(TableOperation):
    """The composite foreign key behind a `TenantForeignKey`: a row can only point into its own tenant.

    Where the row it points to goes to another tenant, so does this one (ADR machines-change-tenants).
    """

    def __init__(self, table: str, *, column: str, to: str) -> None:
        super().__init__(table)
        self.column = column
        self.to = to

    @property
    def _name(self) -> str:
        return f"{self.table}_{self.column}_tenant_fk"

    def statements(self) -> list[str]:
        return [
            (
                f"ALTER TABLE {self.table} ADD CONSTRAINT {self._name} "
                f"FOREIGN KEY (tenant_id, {self.column}) REFERENCES {self.to} (tenant_id, id) "
                "ON UPDATE CASCADE"
            )
        ]

    def reverse_statements(self) -> list[str]:
        return [f"ALTER TABLE {self.table} DROP CONSTRAINT IF EXISTS {self._name}"]
