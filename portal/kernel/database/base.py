"""Django's PostgreSQL backend plus the transaction-local settings that row-level security reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.backends.postgresql import base as postgresql
from django.db.backends.postgresql import operations
from psycopg import errors, pq

from portal.kernel import scope
from portal.kernel.database.cursors import PreparedCursor

_SCOPE_SQL = "select set_config('app.tenant_id', %s, true), set_config('app.user_id', %s, true)"

DISPATCH = "dispatch"
LOOKUPS_ONLY = "-c plan_cache_mode=force_generic_plan " + " ".join(
    f"-c enable_{way}=off" for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin")
)
"""The ledger is only ever looked up by its indexes. Its statements are prepared and planned once, and a plan
made while the table was small must still be the right one when a quarter of a million rows have come."""

OWN_PLANS = "set local plan_cache_mode = force_custom_plan; "
"""A list of a tenant with ten rows and one with ten thousand need different plans of one statement."""

_LOOKUPS_HERE = "set local plan_cache_mode = force_generic_plan; set local enable_seqscan = off; "
_OWN_PLANS_AGAIN = OWN_PLANS + "set local enable_seqscan = default; "


class DatabaseOperations(operations.DatabaseOperations):
    """Knows what a prepared statement was, for whoever looks at the log of statements."""

    def last_executed_query(self, cursor: Any, sql: str, params: Any) -> str:
        if isinstance(cursor, PreparedCursor):
            return sql
        return super().last_executed_query(cursor, sql, params)


class DatabaseWrapper(postgresql.DatabaseWrapper):
    """Sets `app.tenant_id` and `app.user_id` at the start of every outermost transaction.

    The settings are transaction-local, so a pooled connection can never carry a tenant over to the
    next user. Outside a transaction nothing is set and a tenant table has no rows.
    """

    ops_class = DatabaseOperations
    _begins_for_ledger = False
    _plans_once = False

    def apply_scope(self) -> None:
        """Writes the current scope into the open transaction."""
        assert self.connection is not None
        self.connection.execute(_SCOPE_SQL, _scope_words())

    def _set_autocommit(self, autocommit: bool) -> None:
        super()._set_autocommit(autocommit)  # type: ignore[misc]
        self._plans_once = False
        if not autocommit and scope.is_set():
            with self.wrap_database_errors:
                self._begin_in_scope()

    def _begin_in_scope(self) -> None:
        """BEGIN and the scope in one message, where psycopg would send BEGIN on its own later."""
        assert self.connection is not None
        # They go into the text as they are: what is no UUID does not become one of these words.
        settings = _SCOPE_SQL % tuple(f"'{word}'" for word in _scope_words())
        self._plans_once = self._begins_for_ledger
        plans = _LOOKUPS_HERE if self._plans_once else OWN_PLANS
        plans = "" if self.alias == DISPATCH else plans
        self._sent(f"begin; {plans}{settings}".encode())

    def _sent(self, statements: bytes) -> None:
        """Carries out several statements in one trip."""
        assert self.connection is not None
        result = self.connection.pgconn.exec_(statements)
        if result.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
            raise errors.error_from_result(result)

    def prepared_rows(
        self,
        sql: str,
        parameters: Sequence[object] | Mapping[str, object],
        *,
        cursor: type[PreparedCursor] = PreparedCursor,
    ) -> list[tuple[Any, ...]]:
        """The rows of a prepared statement that sees what the current scope may see.

        Outside a transaction scope and statement go to the server in one message: a pipeline is a
        transaction of its own, and the settings end with it.
        """
        self.ensure_connection()
        assert self.connection is not None
        with self.wrap_database_errors:
            if self.in_atomic_block:
                return self._rows(cursor, sql, parameters)
            with self.connection.pipeline():
                PreparedCursor(self.connection).execute(_SCOPE_SQL, _scope_words())
                return self._rows(cursor, sql, parameters)

    @contextmanager
    def transaction_for_ledger(self) -> Iterator[None]:
        """A transaction for statements of the ledger alone, or a part of the open one for other things."""
        self._begins_for_ledger = True
        try:
            with transaction.atomic(using=self.alias, savepoint=False):
                self._begins_for_ledger = False
                yield
        finally:
            self._begins_for_ledger = False

    def ledger_rows(self, sql: str, parameters: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """The rows of a prepared statement of the ledger, planned once, in the open transaction.

        In a transaction of other things two short trips cost a third of planning it anew; what follows has
        plans of its own again.
        """
        assert self.in_atomic_block
        if self._plans_once or self.alias == DISPATCH:
            return self.prepared_rows(sql, parameters)
        with self.wrap_database_errors:
            self._sent(_LOOKUPS_HERE.encode())
            rows = self._rows(PreparedCursor, sql, parameters)
            self._sent(_OWN_PLANS_AGAIN.encode())
        return rows

    def _rows(
        self,
        kind: type[PreparedCursor],
        sql: str,
        parameters: Sequence[object] | Mapping[str, object],
    ) -> list[tuple[Any, ...]]:
        assert self.connection is not None
        cursor = self._prepare_cursor(kind(self.connection))  # type: ignore[attr-defined]
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        params.setdefault("application_name", f"uhub-{self.alias}")
        if self.alias == DISPATCH:
            params["options"] = f"{params.get('options', '')} {LOOKUPS_ONLY}".strip()
        return params


def _scope_words() -> tuple[str, str]:
    """Tenant and user of the scope as PostgreSQL gets them; UUIDs by type, or nothing."""
    ids = (scope.tenant_id.get(), scope.user_id.get())
    tenant_id, user_id = (str(one) if isinstance(one, UUID) else "" for one in ids)
    return tenant_id, user_id
