"""Seals entries in batches: a chain that costs the writers nothing.

Entries are taken below the xmin horizon: every transaction there has ended, so a sealed range can gain
no row any more, whatever order transactions committed in. Chaining in the insert itself would make all
writers of a tenant wait for one another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Final
from uuid import UUID

from django.db import connections, transaction

from audit.logic.chain import Member, SealFacts, digest, seal_hash
from audit.models import Entry, Seal
from portal.kernel.tenancy import PLATFORM

BATCH: Final = 10_000
_LOCK: Final = 7_303_014_159
_HORIZON: Final = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"


@dataclass(frozen=True, slots=True)
class SealReport:
    """What one run did: how many seals over how many entries."""

    seals: int
    entries: int


def entries_seal() -> SealReport:
    """Seals everything that is settled, all tenants in one transaction; two at once do the work once."""
    with transaction.atomic(using=PLATFORM):
        with connections[PLATFORM].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            cursor.execute(_HORIZON)
            horizon: int = cursor.fetchone()[0]
        start = sealed_to()
        if horizon <= start:
            return SealReport(0, 0)
        seals = entries = 0
        for tenant_id, members in _settled(start, horizon):
            _seal(tenant_id, start, horizon, members)
            seals += 1
            entries += len(members)
    return SealReport(seals, entries)


def sealed_to() -> int:
    """The transaction number below which everything is sealed, for all tenants alike."""
    newest = Seal.across_tenants.order_by("-to_xid").values_list("to_xid", flat=True).first()
    return newest or 0


def _settled(start: int, horizon: int) -> Iterator[tuple[UUID, list[Member]]]:
    rows = (
        Entry.across_tenants.filter(xid__gte=start, xid__lt=horizon)
        .order_by("tenant_id", "xid", "seq")
        .values_list("tenant_id", "id", "row_hash")
    )
    for tenant_id, found in groupby(rows.iterator(chunk_size=BATCH), key=lambda row: row[0]):
        members = (Member(str(entry_id), row_hash) for _, entry_id, row_hash in found)
        while batch := list(islice(members, BATCH)):
            yield tenant_id, batch


def _seal(tenant_id: UUID, start: int, horizon: int, members: list[Member]) -> None:
    last = Seal.across_tenants.filter(tenant_id=tenant_id).order_by("-number").first()
    facts = SealFacts(
        tenant_id=tenant_id,
        number=last.number + 1 if last else 1,
        from_xid=start,
        to_xid=horizon,
        entry_count=len(members),
        digest=digest(members),
        previous_hash=last.seal_hash if last else "",
    )
    Seal.across_tenants.create(
        tenant_id=tenant_id,
        number=facts.number,
        from_xid=facts.from_xid,
        to_xid=facts.to_xid,
        entry_count=facts.entry_count,
        members=[[member.entry_id, member.row_hash] for member in members],
        digest=facts.digest,
        previous_hash=facts.previous_hash,
        seal_hash=seal_hash(facts),
    )
