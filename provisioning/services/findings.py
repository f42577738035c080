"""The ledger of findings: what a sweep sees against what stands, written once at the sweep's end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from audit.services import trail
from portal.kernel import events
from portal.kernel.authz import Actor
from portal.kernel.errors import InvalidTransition
from portal.kernel.fsm import transition
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID, platform_alias
from provisioning.events import FindingOpened
from provisioning.models import Cluster, Finding
from provisioning.states import (
    FINDING_TRANSITIONS,
    STANDING,
    FindingKind,
    FindingStatus,
    Resolution,
)
from provisioning.tags import Tag

_S = FindingStatus
Key = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Sighting:
    """One condition as a sweep sees it. It is shown to people after `patience` sweeps in a row."""

    kind: FindingKind
    vmid: int
    tenant_id: UUID = PLATFORM_TENANT_ID
    deployment_id: UUID | None = None
    node: str = ""
    expected: Mapping[str, Any] = field(default_factory=dict)
    found: Mapping[str, Any] = field(default_factory=dict)
    patience: int = 1
    is_followed: bool = False

    @property
    def key(self) -> Key:
        return self.vmid, self.kind


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a sweep's report; `action` is suspected, opened, stands, reopened or resolved."""

    action: str
    kind: str
    vmid: int
    node: str
    expected: Mapping[str, Any]
    found: Mapping[str, Any]


class Ledger:
    """The standing findings of one cluster while a sweep goes over them."""

    def __init__(self, cluster: Cluster, *, now: datetime) -> None:
        self._cluster = cluster
        self._now = now
        rows = Finding.across_tenants.filter(cluster=cluster, status__in=STANDING)
        self._standing: dict[Key, Finding] = {(row.vmid, row.kind): row for row in rows}
        self._seen: dict[Key, Sighting] = {}
        self._cleared: dict[Key, Resolution] = {}

    def standing(self, *kinds: FindingKind) -> list[Finding]:
        """What stood when the sweep began and was not settled by it yet."""
        return [
            row
            for key, row in self._standing.items()
            if row.kind in kinds and key not in self._seen and key not in self._cleared
        ]

    def stands(self, kind: FindingKind, vmid: int) -> Finding | None:
        """The standing finding of this kind about this machine."""
        return self._standing.get((vmid, kind))

    def is_shown(self, kind: FindingKind, vmid: int) -> bool:
        """Whether people know of it already."""
        row = self.stands(kind, vmid)
        return row is not None and row.status != _S.SUSPECTED

    def sweeps(self, kind: FindingKind, vmid: int) -> int:
        """How many sweeps in a row will have seen it, this one included."""
        row = self.stands(kind, vmid)
        return row.count + 1 if row else 1

    def see(self, sighting: Sighting) -> None:
        """The condition is there."""
        self._seen[sighting.key] = sighting

    def see_again(self, row: Finding) -> None:
        """The condition is there, as it was the last time."""
        self.see(
            Sighting(
                kind=FindingKind(row.kind),
                vmid=row.vmid,
                tenant_id=row.tenant_id,
                deployment_id=row.deployment_id,
                node=row.node,
                expected=row.expected,
                found=row.found,
                patience=row.count + 2 if row.status == _S.SUSPECTED else 1,
            )
        )

    def clear(self, vmid: int, *kinds: FindingKind) -> None:
        """The condition is proven to be gone."""
        for kind in kinds:
            if (vmid, kind) in self._standing:
                self._cleared[vmid, kind] = Resolution.GONE

    def changes(self) -> list[Change]:
        """What the sweep does to the ledger, the changes first."""
        lines = [self._line(self._action(s), s) for s in self._seen.values()]
        for key in self._cleared:
            row = self._standing[key]
            if row.status != _S.SUSPECTED:
                lines.append(self._line("resolved", row))
        return sorted(lines, key=lambda line: (line.action == "stands", line.vmid, line.kind))

    def write(self, *, actor: Actor) -> None:
        """Stores it all in one transaction. What a person decided meanwhile stays decided."""
        with platform_alias(), transaction.atomic(using=PLATFORM):
            self._write_seen(actor)
            self._write_cleared(actor)
            self._write_new(actor)

    def _write_new(self, actor: Actor) -> None:
        new = [s for s in self._seen.values() if s.key not in self._standing]
        rows = [self._row(sighting) for sighting in new]
        Finding.objects.using(PLATFORM).bulk_create(rows, ignore_conflicts=True)
        for row in rows:
            if row.status != _S.SUSPECTED:
                self._opened(row, actor)

    def _write_seen(self, actor: Actor) -> None:
        unchanged: list[UUID] = []
        for sighting in self._seen.values():
            row = self._standing.get(sighting.key)
            if row is None:
                continue
            action = self._action(sighting)
            if action == "stands" and not self._differs(row, sighting):
                unchanged.append(row.pk)
                continue
            self._update(row, sighting)
            if action in {"opened", "reopened"} and self._move(row, _S.OPEN):
                self._opened(row, actor)
        Finding.objects.using(PLATFORM).filter(pk__in=unchanged).update(
            count=F("count") + 1, last_seen_at=self._now, updated_at=self._now
        )

    def _write_cleared(self, actor: Actor) -> None:
        for key, resolution in self._cleared.items():
            row = self._standing[key]
            if row.status == _S.SUSPECTED:
                Finding.objects.using(PLATFORM).filter(pk=row.pk, status=row.status).delete()
            elif self._move(row, _S.RESOLVED, resolution=resolution, ended_at=self._now):
                _audit(Tag.FINDING_RESOLVED, row, actor)

    def _opened(self, row: Finding, actor: Actor) -> None:
        _audit(Tag.FINDING_OPENED, row, actor)
        if row.status != _S.OPEN:
            return
        events.publish(
            FindingOpened(
                finding_id=row.pk,
                tenant_id=row.tenant_id,
                kind=str(row.kind),
                vmid=row.vmid,
                node=row.node,
                cluster=self._cluster.name,
                episode=row.count,
            )
        )

    def _action(self, sighting: Sighting) -> str:
        row = self._standing.get(sighting.key)
        count = row.count + 1 if row else 1
        if row is not None and row.status == _S.OPEN:
            return "stands"
        if row is not None and row.status == _S.CLOSED:
            return "reopened" if self._differs(row, sighting) else "stands"
        if sighting.is_followed:
            return "resolved"
        return "opened" if count >= sighting.patience else "suspected"

    def _differs(self, row: Finding, sighting: Sighting) -> bool:
        return (row.expected, row.found) != (dict(sighting.expected), dict(sighting.found))

    def _update(self, row: Finding, sighting: Sighting) -> None:
        values: dict[str, Any] = {
            "node": sighting.node,
            "expected": dict(sighting.expected),
            "found": dict(sighting.found),
            "last_seen_at": self._now,
            "updated_at": self._now,
        }
        standing = Finding.objects.using(PLATFORM).filter(pk=row.pk, status=row.status)
        standing.update(count=F("count") + 1, **values)

    def _move(self, row: Finding, to: FindingStatus, **changes: Any) -> bool:
        try:
            transition(row, table=FINDING_TRANSITIONS, to=to, **changes)
        except InvalidTransition:
            return False
        return True

    def _row(self, sighting: Sighting) -> Finding:
        is_open = sighting.patience <= 1
        row = Finding(
            tenant_id=sighting.tenant_id,
            cluster=self._cluster,
            vmid=sighting.vmid,
            node=sighting.node,
            kind=sighting.kind,
            status=_S.OPEN if is_open else _S.SUSPECTED,
            deployment_id=sighting.deployment_id,
            expected=dict(sighting.expected),
            found=dict(sighting.found),
            first_seen_at=self._now,
            last_seen_at=self._now,
        )
        if sighting.is_followed:
            row.status, row.resolution = _S.RESOLVED, Resolution.FOLLOWED
            row.ended_at = self._now
        return row

    def _line(self, action: str, what: Sighting | Finding) -> Change:
        return Change(action, str(what.kind), what.vmid, what.node, what.expected, what.found)


def finding_end(
    finding: Finding, *, actor: Actor, resolution: Resolution, reason: str, now: datetime
) -> None:
    """A person's decision ends what stands; the caller holds the row and has authorised it."""
    to = _S.CLOSED if resolution is Resolution.DISMISSED else _S.RESOLVED
    transition(
        finding,
        table=FINDING_TRANSITIONS,
        to=to,
        resolution=resolution,
        reason=reason,
        decided_by=actor.label[:160],
        ended_at=None if to == _S.CLOSED else now,
    )


def _audit(tag: Tag, row: Finding, actor: Actor) -> None:
    trail.record(
        tag=tag,
        target=row,
        actor=actor,
        before={"expected": row.expected},
        after={"found": row.found},
        detail={"kind": str(row.kind), "vmid": row.vmid, "node": row.node},
        tenant_id=row.tenant_id,
    )
