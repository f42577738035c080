"""Finds entries that were changed, removed, added or moved behind the audit's back, and names them.

Hashes are recomputed here from the stored columns; the database's own function is not trusted, because
whoever could change rows could change it as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.db import connections, transaction

from audit.logic.chain import FIELDS, Member, SealFacts, digest, row_hash, seal_hash
from audit.models import Seal
from audit.services.sealer import sealed_to
from portal.kernel.tenancy import PLATFORM

_CHUNK: Final = 5_000
_COLUMNS: Final = ", ".join(
    "to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    if name == "created_at"
    else f'"{name}"::text'
    for name in FIELDS
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken thing, in one sentence."""

    tenant_id: UUID
    kind: str
    message: str


@dataclass(slots=True)
class TenantReport:
    """What stands about one tenant."""

    tenant_id: UUID
    entries: int = 0
    unsealed: int = 0
    seals: int = 0
    findings: list[Finding] = field(default_factory=list)

    def add(self, kind: str, message: str) -> None:
        """Notes something broken."""
        self.findings.append(Finding(self.tenant_id, kind, message))


@dataclass(frozen=True, slots=True)
class _Row:
    entry_id: str
    seq: int
    xid: int
    tag: str
    stored: str
    computed: str

    @property
    def name(self) -> str:
        return f"entry {self.entry_id} (number {self.seq}, {self.tag})"


def entries_verify(*, tenant_id: UUID | None = None) -> list[TenantReport]:
    """Looks at every entry and seal of one tenant or of all, in one snapshot; changes nothing."""
    with transaction.atomic(using=PLATFORM):
        with connections[PLATFORM].cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        boundary = sealed_to()
        seals = _seals(tenant_id)
        rows = _rows(tenant_id)
        return [
            _verified(tenant, rows.get(tenant, []), seals.get(tenant, []), boundary)
            for tenant in sorted(rows.keys() | seals.keys())
        ]


def _verified(tenant_id: UUID, rows: list[_Row], seals: list[Seal], boundary: int) -> TenantReport:
    report = TenantReport(tenant_id, entries=len(rows), seals=len(seals))
    sealed = [Member(*pair) for seal in seals for pair in seal.members]
    _check_seals(report, seals)
    _check_rows(report, rows, {member.entry_id: member.row_hash for member in sealed})
    _check_presence(report, rows, sealed, boundary)
    return report


def _check_seals(report: TenantReport, seals: list[Seal]) -> None:
    previous, expected = "", 1
    for seal in seals:
        if seal.number != expected:
            report.add("removed", f"seal {expected} was removed")
            expected = seal.number
        if seal.previous_hash != previous:
            report.add("changed", f"seal {seal.number} does not follow from the one before it")
        members = [Member(*pair) for pair in seal.members]
        facts = SealFacts(
            tenant_id=seal.tenant_id,
            number=seal.number,
            from_xid=seal.from_xid,
            to_xid=seal.to_xid,
            entry_count=len(members),
            digest=digest(members),
            previous_hash=seal.previous_hash,
        )
        if seal_hash(facts) != seal.seal_hash or facts.digest != seal.digest:
            report.add("changed", f"seal {seal.number} was changed")
        previous, expected = seal.seal_hash, expected + 1


def _check_rows(report: TenantReport, rows: list[_Row], sealed: dict[str, str]) -> None:
    for row in rows:
        if row.stored != row.computed:
            report.add("changed", f"{row.name} was changed: its content does not give its hash")
        elif sealed.get(row.entry_id, row.stored) != row.stored:
            report.add("changed", f"{row.name} was changed: it was sealed with another hash")


def _check_presence(
    report: TenantReport, rows: list[_Row], sealed: list[Member], boundary: int
) -> None:
    known = {member.entry_id for member in sealed}
    present = {row.entry_id for row in rows}
    for member in sealed:
        if member.entry_id not in present:
            report.add("removed", f"entry {member.entry_id} was removed")
    for row in rows:
        if row.entry_id in known:
            continue
        if row.xid < boundary:
            report.add("added", f"{row.name} was added after its time was sealed")
        else:
            report.unsealed += 1
    order = [member.entry_id for member in sealed if member.entry_id in present]
    found = [row for row in rows if row.entry_id in known]
    for place, (was, now) in enumerate(zip(order, found, strict=False), start=1):
        if was != now.entry_id:
            report.add("reordered", f"{now.name} was moved: it now stands at place {place}")


def _seals(tenant_id: UUID | None) -> dict[UUID, list[Seal]]:
    seals = Seal.across_tenants.order_by("tenant_id", "number")
    if tenant_id:
        seals = seals.filter(tenant_id=tenant_id)
    found: dict[UUID, list[Seal]] = defaultdict(list)
    for seal in seals.iterator(chunk_size=50):
        found[seal.tenant_id].append(seal)
    return found


def _rows(tenant_id: UUID | None) -> dict[UUID, list[_Row]]:
    found: dict[UUID, list[_Row]] = defaultdict(list)
    for values in _stored(tenant_id):
        *texts, stored = values
        named = dict(zip(FIELDS, texts, strict=True))
        found[UUID(named["tenant_id"])].append(
            _Row(
                entry_id=str(named["id"]),
                seq=int(named["seq"] or 0),
                xid=int(named["xid"] or 0),
                tag=str(named["tag"]),
                stored=str(stored),
                computed=row_hash(texts),
            )
        )
    return found


def _stored(tenant_id: UUID | None) -> Iterator[tuple[str | None, ...]]:
    where = "WHERE tenant_id = %s" if tenant_id else ""
    # The order names the table's columns: a bare `xid` would be the text of the select list.
    query = (
        f"SELECT {_COLUMNS}, row_hash FROM audit_entry {where} "  # noqa: S608 - constants of ours
        "ORDER BY audit_entry.tenant_id, audit_entry.xid, audit_entry.seq"
    )
    with connections[PLATFORM].cursor() as cursor:
        cursor.execute(query, [tenant_id] if tenant_id else [])
        while chunk := cursor.fetchmany(_CHUNK):
            yield from chunk
