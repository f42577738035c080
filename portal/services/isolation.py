"""Proves the isolation of tenants against the database itself, as the role the application runs as.

Everything happens in one transaction that is rolled back, so the proof may run on a living installation.
The catalog says which tables there are, `portal.kernel.rls` what each must be; both must agree, and then
every table is attacked: rows of two tenants that never existed are written, and one tries to reach the
other's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.apps import apps
from django.db import connections, models
from psycopg import errors, sql

from portal.kernel import clock
from portal.kernel.models import uuid7
from portal.kernel.rls_tables import TABLES, TableKind
from portal.kernel.tenancy import DEFAULT, PLATFORM
from portal.selectors.isolation import (
    Connection,
    Reference,
    catalog_faults,
    own_connection,
    references,
    role_faults,
)

ACTIONS: Final = ("no tenant", "read", "insert", "update", "delete", "reference")
OK, CATALOG, IMPOSSIBLE = "ok", "catalog", "-"
"""Tried and denied; nothing there to try it on, so the catalog's word alone; not possible here."""


@dataclass(frozen=True, slots=True)
class TableProof:
    """What was tried on one table: per action `ok`, `catalog`, `-`, or what went wrong."""

    table: str
    outcomes: dict[str, str]

    @property
    def is_proven(self) -> bool:
        """Whether everything that was tried failed as it must."""
        return all(outcome in {OK, CATALOG, IMPOSSIBLE} for outcome in self.outcomes.values())


@dataclass(frozen=True, slots=True)
class IsolationReport:
    """Faults of role and catalog, and the proof per table."""

    faults: list[str]
    proofs: list[TableProof]

    @property
    def is_proven(self) -> bool:
        """Whether nothing at all went wrong."""
        return not self.faults and all(proof.is_proven for proof in self.proofs)


def isolation_verify() -> IsolationReport:
    """Tries to cross the line between two tenants in every table that holds rows of tenants."""
    with own_connection(DEFAULT) as connection, own_connection(PLATFORM) as platform:
        faults = [*role_faults(connection), *role_faults(platform), *catalog_faults(connection)]
        known = references(connection)
        proofs = [
            _Trial(connection, table, kind, known).proof(is_filled=_is_filled(platform, table))
            for table, kind in sorted(TABLES.items())
            if kind is not TableKind.PLATFORM
        ]
    return IsolationReport(faults, proofs)


class _Trial:
    """The attacks on one table. `mine` attacks, `theirs` owns the row that must stay out of reach."""

    def __init__(
        self, connection: Connection, table: str, kind: TableKind, known: list[Reference]
    ) -> None:
        self.connection = connection
        self.table = table
        self.kind = kind
        self.known = known
        self.mine, self.theirs = uuid7(), uuid7()
        self.is_filled = False
        self.key = _key_of(table)

    def proof(self, *, is_filled: bool) -> TableProof:
        """Makes all attacks; `is_filled` says that the table holds rows which must stay invisible."""
        self.is_filled = is_filled
        attacks: dict[str, Callable[[], str]] = {"no tenant": self._without, "read": self._read}
        if self.kind is TableKind.TENANT:
            attacks |= {
                "insert": self._insert,
                "update": self._update,
                "delete": self._delete,
                "reference": self._refer,
            }
        outcomes = dict.fromkeys(ACTIONS, IMPOSSIBLE)
        for action, attack in attacks.items():
            with self._rolled_back():
                outcomes[action] = self._tried(attack)
        return TableProof(self.table, outcomes)

    def _tried(self, attack: Callable[[], str]) -> str:
        try:
            return attack()
        except errors.Error as error:
            return f"could not be tried: {str(error).splitlines()[0]}"

    def _without(self) -> str:
        victim = self._victim()
        self._scope(None)
        return self._safe(victim) if self._count() == 0 else "rows are visible"

    def _read(self) -> str:
        victim = self._victim()
        self._scope(self.mine)
        return self._safe(victim) if self._count() == 0 else "rows of others are visible"

    def _safe(self, victim: UUID | int | None) -> str:
        """An attack that met no row proves nothing: then only the catalog speaks for the table."""
        return OK if victim or self.is_filled else CATALOG

    def _insert(self) -> str:
        self._scope(self.mine)
        return self._denied(lambda: self.write(self.theirs))

    def _update(self) -> str:
        victim = self._victim()
        self._scope(self.mine)
        if not self._untouched("UPDATE {table} SET tenant_id = tenant_id", victim):
            return "a row of others was changed"
        if victim is None:
            return self._safe(victim)
        own = self.write(self.mine)
        moved = sql.SQL("UPDATE {} SET tenant_id = %s WHERE {} = %s").format(
            sql.Identifier(self.table), sql.Identifier(self.key)
        )
        return self._denied(lambda: self.connection.execute(moved, (self.theirs, own)))

    def _delete(self) -> str:
        victim = self._victim()
        self._scope(self.mine)
        is_safe = self._untouched("DELETE FROM {table}", victim)
        return self._safe(victim) if is_safe else "a row of others was removed"

    def _refer(self) -> str:
        """A row of mine that points to one of theirs must be as impossible as one that points nowhere."""
        outgoing = [item for item in self.known if item.table == self.table]
        if not outgoing:
            return IMPOSSIBLE
        for item in outgoing:
            self._scope(self.theirs)
            target = self._of(item.target).write(self.theirs)
            self._scope(self.mine)
            try:
                with self._rolled_back():
                    self.write(self.mine, {item.column: target})
            except errors.ForeignKeyViolation:
                continue
            except errors.InsufficientPrivilege:
                continue
            return f"{item.column} can point to a row of others"
        return OK

    def _victim(self) -> UUID | int | None:
        """A row of theirs, or None where the runtime role may write none."""
        if self.kind is not TableKind.TENANT:
            return None
        self._scope(self.theirs)
        try:
            with self.connection.transaction():
                return self.write(self.theirs)
        except errors.InsufficientPrivilege:
            return None

    def write(self, tenant_id: UUID, given: dict[str, Any] | None = None) -> UUID | int:
        """Writes a row of a tenant, with what it refers to, and answers its id."""
        model = _model_of(self.table)
        values = _values(model) | {"tenant_id": tenant_id} | (given or {})
        for item in self._needed(model):
            if item.column not in (given or {}):
                values[item.column] = self._of(item.target).write(tenant_id)
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(self.table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join([sql.Placeholder()] * len(values)),
        )
        if self.key in values:
            self.connection.execute(statement, list(values.values()))
            return UUID(str(values[self.key]))
        numbered = statement + sql.SQL(" RETURNING id")
        row = self.connection.execute(numbered, list(values.values())).fetchone()
        assert row is not None
        return int(row[0])

    def _of(self, table: str) -> _Trial:
        return _Trial(self.connection, table, TableKind.TENANT, self.known)

    def _needed(self, model: type[models.Model]) -> list[Reference]:
        """References that a row cannot do without."""
        optional = {field.column for field in model._meta.concrete_fields if field.null}
        return [
            item for item in self.known if item.table == self.table and item.column not in optional
        ]

    def _untouched(self, verb: str, victim: UUID | int | None) -> bool:
        """Whether the statement reaches no row of others: neither the planted one nor any other.

        One row is enough to tell; a broken policy on a large table must not lock all of it.
        """
        found = "SELECT {key} FROM {table} WHERE tenant_id <> %s OR {key} = %s LIMIT 1"
        statement = sql.SQL(f"{verb} WHERE {{key}} IN ({found})").format(
            table=sql.Identifier(self.table), key=sql.Identifier(self.key)
        )
        try:
            with self._rolled_back():
                return self.connection.execute(statement, (self.mine, victim)).rowcount == 0
        except errors.InsufficientPrivilege:
            return True

    def _denied(self, attempt: Callable[[], object]) -> str:
        try:
            with self._rolled_back():
                attempt()
        except errors.InsufficientPrivilege:
            return OK
        return "a row can be given to others"

    def _count(self) -> int:
        statement = sql.SQL("SELECT count(*) FROM (SELECT 1 FROM {} LIMIT 1) found")
        row = self.connection.execute(statement.format(sql.Identifier(self.table))).fetchone()
        assert row is not None
        return int(row[0])

    def _scope(self, tenant_id: UUID | None) -> None:
        user_id = uuid7() if tenant_id else ""
        self.connection.execute(
            "SELECT set_config('app.tenant_id', %s, true), set_config('app.user_id', %s, true)",
            (str(tenant_id or ""), str(user_id)),
        )

    @contextmanager
    def _rolled_back(self) -> Iterator[None]:
        with self.connection.transaction(force_rollback=True):
            yield


def _is_filled(platform: Connection, table: str) -> bool:
    statement = sql.SQL("SELECT EXISTS (SELECT 1 FROM {})").format(sql.Identifier(table))
    row = platform.execute(statement).fetchone()
    return bool(row and row[0])


def _key_of(table: str) -> str:
    """The column by which a row is found again: figures over time have no number of their own."""
    columns = {field.column for field in _model_of(table)._meta.concrete_fields}
    return "id" if "id" in columns else "subject_id"


def _model_of(table: str) -> type[models.Model]:
    found = {model._meta.db_table: model for model in apps.get_models()}
    return found[table]


def _values(model: type[models.Model]) -> dict[str, Any]:
    """A row that keeps the table's own rules; references to the platform are checked at commit only."""
    wrapper = connections[DEFAULT]
    return {
        str(field.column): field.get_db_prep_save(_value(field), wrapper)
        for field in model._meta.concrete_fields
        if not isinstance(field, models.AutoField) and not _is_left_to_database(field)
    }


def _is_left_to_database(field: models.Field[Any, Any]) -> bool:
    return field.has_db_default() or bool(getattr(field, "generated", False))


def _value(field: models.Field[Any, Any]) -> Any:
    if field.has_default():
        return field.get_default()
    if field.null:
        return None
    if field.choices:
        return next(iter(field.flatchoices))[0]
    samples: dict[type, Callable[[], Any]] = {
        models.ForeignKey: uuid7,
        models.UUIDField: uuid7,
        models.DateTimeField: clock.now,
        models.JSONField: dict,
        models.BooleanField: bool,
        models.BinaryField: lambda: b"x",
        models.IntegerField: lambda: 1,
        models.FloatField: lambda: 1.0,
        models.DecimalField: lambda: 1,
        models.GenericIPAddressField: lambda: "192.0.2.1",
        models.Field: lambda: uuid7().hex[-(field.max_length or 32) :],
    }
    return next(make() for kind, make in samples.items() if isinstance(field, kind))
