"""Row-level security: which table belongs to whom, and the migration operations that say it to PostgreSQL.

The list below is checked against the catalog by `portal.checks` and `verify_isolation`: a table that is
missing here, or whose policies differ, fails.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from django.conf import settings
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from portal.kernel.tenancy import DEFAULT, DISPATCH, OWNER, PLATFORM, PLATFORM_TENANT_ID

TENANT_PREDICATE: Final = "{column} = nullif(current_setting('app.tenant_id', true), '')::uuid"
USER_PREDICATE: Final = "{column} = nullif(current_setting('app.user_id', true), '')::uuid"


class TableKind(StrEnum):
    """Who sees a table's rows through the runtime role."""

    TENANT = "tenant"
    SELF = "self"
    PLATFORM = "platform"


TABLES: Final[dict[str, TableKind]] = {
    "audit_entry": TableKind.TENANT,
    "audit_seal": TableKind.TENANT,
    "audit_systemevent": TableKind.PLATFORM,
    "auditlog_logentry": TableKind.PLATFORM,
    "auth_group": TableKind.PLATFORM,
    "auth_group_permissions": TableKind.PLATFORM,
    "auth_permission": TableKind.PLATFORM,
    "axes_accessattempt": TableKind.PLATFORM,
    "axes_accessattemptexpiration": TableKind.PLATFORM,
    "axes_accessfailurelog": TableKind.PLATFORM,
    "axes_accesslog": TableKind.PLATFORM,
    "billing_quota": TableKind.TENANT,
    "billing_quotareservation": TableKind.TENANT,
    "billing_quotausage": TableKind.TENANT,
    "billing_tenant": TableKind.SELF,
    "django_admin_log": TableKind.PLATFORM,
    "django_content_type": TableKind.PLATFORM,
    "django_migrations": TableKind.PLATFORM,
    "django_session": TableKind.PLATFORM,
    "integrations_secretversion": TableKind.TENANT,
    "portal_idempotencyrecord": TableKind.SELF,
    "portal_liveevent": TableKind.TENANT,
    "portal_membership": TableKind.SELF,
    "portal_noticechoice": TableKind.PLATFORM,
    "portal_notification": TableKind.SELF,
    "portal_operation": TableKind.TENANT,
    "portal_operationattempt": TableKind.TENANT,
    "portal_queueminute": TableKind.PLATFORM,
    "portal_refreshtoken": TableKind.SELF,
    "portal_role": TableKind.PLATFORM,
    "portal_savedfilter": TableKind.TENANT,
    "portal_schedule": TableKind.PLATFORM,
    "portal_schedulefire": TableKind.PLATFORM,
    "portal_setting": TableKind.PLATFORM,
    "portal_settingsversion": TableKind.PLATFORM,
    "portal_tally": TableKind.PLATFORM,
    "portal_team": TableKind.TENANT,
    "portal_teammember": TableKind.TENANT,
    "portal_user": TableKind.PLATFORM,
    "portal_websession": TableKind.PLATFORM,
    "portal_worker": TableKind.PLATFORM,
    "provisioning_alert": TableKind.TENANT,
    "provisioning_alertrule": TableKind.TENANT,
    "provisioning_apihost": TableKind.PLATFORM,
    "provisioning_backup": TableKind.TENANT,
    "provisioning_backupschedule": TableKind.TENANT,
    "provisioning_backupstore": TableKind.PLATFORM,
    "provisioning_bootstrap": TableKind.TENANT,
    "provisioning_cluster": TableKind.PLATFORM,
    "provisioning_consolesession": TableKind.TENANT,
    "provisioning_deployment": TableKind.TENANT,
    "provisioning_dnsrecord": TableKind.TENANT,
    "provisioning_dnsserver": TableKind.PLATFORM,
    "provisioning_dnszone": TableKind.PLATFORM,
    "provisioning_extensionrequest": TableKind.TENANT,
    "provisioning_finding": TableKind.TENANT,
    "provisioning_guestobservation": TableKind.PLATFORM,
    "provisioning_healattempt": TableKind.TENANT,
    "provisioning_healthobservation": TableKind.TENANT,
    "provisioning_healthstate": TableKind.TENANT,
    "provisioning_hook": TableKind.TENANT,
    "provisioning_hookrun": TableKind.TENANT,
    "provisioning_leasewarning": TableKind.TENANT,
    "provisioning_maintenancewindow": TableKind.PLATFORM,
    "provisioning_metric1h": TableKind.TENANT,
    "provisioning_metric5m": TableKind.TENANT,
    "provisioning_metricdue": TableKind.PLATFORM,
    "provisioning_metricsample": TableKind.TENANT,
    "provisioning_metricsubject": TableKind.TENANT,
    "provisioning_monitoredhost": TableKind.TENANT,
    "provisioning_node": TableKind.PLATFORM,
    "provisioning_ownershiptransfer": TableKind.TENANT,
    "provisioning_slot": TableKind.PLATFORM,
    "provisioning_snapshot": TableKind.TENANT,
    "provisioning_storage": TableKind.PLATFORM,
    "provisioning_template": TableKind.PLATFORM,
    "provisioning_templatecopy": TableKind.PLATFORM,
    "provisioning_vmidallocation": TableKind.PLATFORM,
    "provisioning_volume": TableKind.TENANT,
    "provisioning_volumeshelf": TableKind.PLATFORM,
    "provisioning_webhook": TableKind.TENANT,
    "provisioning_webhookdelivery": TableKind.TENANT,
}


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


class WithoutForce(TableOperation):
    """Lets the owner see a table's rows for one RunPython/RunSQL in the same migration: `before`, then `after`.

    Under FORCE the owner sees none, so a data migration would change nothing and report success.
    """

    def __init__(self, table: str, *, is_end: bool = False) -> None:
        super().__init__(table)
        self.is_end = is_end

    def statements(self) -> list[str]:
        return [f"ALTER TABLE {self.table} {'' if self.is_end else 'NO '}FORCE ROW LEVEL SECURITY"]

    def reverse_statements(self) -> list[str]:
        return [f"ALTER TABLE {self.table} {'NO ' if self.is_end else ''}FORCE ROW LEVEL SECURITY"]
