"""Django's PostgreSQL backend plus the transaction-local settings that row-level security reads."""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import base as postgresql

from portal.kernel import scope

DISPATCH = "dispatch"
LOOKUPS_ONLY = " ".join(
    f"-c enable_{way}=off" for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin")
)
"""The ledger is only ever looked up by its indexes. Its statements are prepared, and a plan made while the
table was small must still be the right one when a quarter of a million rows have come."""


class DatabaseWrapper(postgresql.DatabaseWrapper):
    """Sets `app.tenant_id` and `app.user_id` at the start of every outermost transaction.

    The settings are transaction-local, so a pooled connection can never carry a tenant over to the
    next user. Outside a transaction nothing is set and a tenant table has no rows.
    """

    def apply_scope(self) -> None:
        """Writes the current scope into the open transaction."""
        tenant_id, user_id = scope.tenant_id.get(), scope.user_id.get()
        assert self.connection is not None
        self.connection.execute(
            "select set_config('app.tenant_id', %s, true), set_config('app.user_id', %s, true)",
            (str(tenant_id or ""), str(user_id or "")),
        )

    def set_autocommit(
        self,
        autocommit: bool,
        force_begin_transaction_with_broken_autocommit: bool = False,
    ) -> None:
        super().set_autocommit(autocommit, force_begin_transaction_with_broken_autocommit)
        if not autocommit and scope.is_set():
            self.apply_scope()

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        params.setdefault("application_name", f"uhub-{self.alias}")
        if self.alias == DISPATCH:
            params["options"] = f"{params.get('options', '')} {LOOKUPS_ONLY}".strip()
        return params
