from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from django.db import connections, transaction

from audit.models import Entry
from audit.services import trail
from audit.services.sealer import entries_seal
from portal.kernel.tenancy import tenant_scope
from portal.tags import Tag
from tests.engine import wait_until


@pytest.fixture
def write() -> Callable[..., Entry]:
    """One entry in a tenant, as the runtime role writes it."""

    def _write(tenant_id: UUID, label: str = "", **more) -> Entry:
        with tenant_scope(tenant_id), transaction.atomic():
            entry = trail.record(
                tag=Tag.USER_CHANGED, target_type="test", target_label=label, **more
            )
        return Entry.across_tenants.get(pk=entry.pk)

    return _write


@pytest.fixture
def seal() -> Callable[[int], None]:
    """Seals what was written, at once: transactions elsewhere on the server hold the sealer back."""

    def _seal(entries: int) -> None:
        newest = Entry.across_tenants.latest("xid").xid
        wait_until(lambda: _horizon() > newest)
        assert entries_seal().entries == entries

    return _seal


def _horizon() -> int:
    with connections["platform"].cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        return int(cursor.fetchone()[0])


@pytest.fixture
def tampered() -> Callable[..., None]:
    """Runs SQL as the owner with the audit's triggers off and the policies out of force."""

    def _tampered(*statements: str) -> None:
        with _unguarded() as cursor:
            for statement in statements:
                cursor.execute(statement)

    return _tampered


@contextmanager
def _unguarded() -> Iterator:
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        for table in ("audit_entry", "audit_seal"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        yield cursor
        for table in ("audit_entry", "audit_seal"):
            cursor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        for trigger in ("audit_entry_complete", "audit_entry_keep", "audit_entry_keep_all"):
            cursor.execute(f"ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER {trigger}")
        for trigger in ("audit_seal_keep", "audit_seal_keep_all"):
            cursor.execute(f"ALTER TABLE audit_seal ENABLE ALWAYS TRIGGER {trigger}")
