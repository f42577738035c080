"""The arithmetic of the chain: what an entry's hash covers, what a seal's hash covers. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

FIELDS: Final = (
    "id",
    "tenant_id",
    "seq",
    "xid",
    "category",
    "tag",
    "outcome",
    "actor_kind",
    "actor_id",
    "actor_label",
    "target_type",
    "target_id",
    "target_label",
    "before",
    "after",
    "detail",
    "request_id",
    "operation_id",
    "address",
    "channel",
    "created_at",
)
"""What an entry's hash covers, in this order; the insert trigger hashes the same."""


def framed(values: Iterable[str | None]) -> bytes:
    """Values strung together with their lengths, so that no two different rows read the same."""
    parts: list[bytes] = []
    for value in values:
        if value is None:
            parts.append(b"-")
        else:
            raw = value.encode()
            parts += [str(len(raw)).encode(), b":", raw]
    return b"".join(parts)


def row_hash(values: Sequence[str | None]) -> str:
    """The hash an entry with these values (texts as PostgreSQL writes them) must have."""
    return hashlib.sha256(framed(values)).hexdigest()


@dataclass(frozen=True, slots=True)
class Member:
    """One entry as a seal remembers it."""

    entry_id: str
    row_hash: str


def digest(members: Iterable[Member]) -> str:
    """The hash over all members in their order."""
    running = hashlib.sha256()
    for member in members:
        running.update(framed((member.entry_id, member.row_hash)))
    return running.hexdigest()


@dataclass(frozen=True, slots=True)
class SealFacts:
    """What a seal's own hash covers."""

    tenant_id: UUID
    number: int
    from_xid: int
    to_xid: int
    entry_count: int
    digest: str
    previous_hash: str


def seal_hash(facts: SealFacts) -> str:
    """The hash that the next seal points to."""
    values = (
        str(facts.tenant_id),
        str(facts.number),
        str(facts.from_xid),
        str(facts.to_xid),
        str(facts.entry_count),
        facts.digest,
        facts.previous_hash,
    )
    return hashlib.sha256(framed(values)).hexdigest()
