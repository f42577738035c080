"""Answers under an Idempotency-Key: what they are, and where somebody keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class KeyScope:
    """Whose key it is and for what; equal scopes are one key."""

    user_id: UUID
    tenant_id: UUID | None
    method: str
    path: str
    key: str

    @property
    def digest(self) -> str:
        """The scope as one fixed-length text."""
        parts = (str(self.user_id), str(self.tenant_id or ""), self.method, self.path, self.key)
        return sha256("\n".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What was answered; `body` is JSON text, "" for none."""

    request_hash: str
    status: int
    headers: Mapping[str, str]
    body: str


class AnswerStore(Protocol):
    """Where answers are kept. Both calls run inside the transaction of the effect, on `alias`."""

    def find(self, scope: KeyScope, *, alias: str, is_patient: bool = False) -> StoredAnswer | None:
        """Takes the key's lock until the transaction ends; who is patient waits for it.

        Raises:
            IdempotencyInFlight: somebody else holds it, and nobody waits.
        """

    def keep(self, scope: KeyScope, answer: StoredAnswer, *, alias: str) -> None:
        """Stores the answer for 24 hours."""


_stores: list[AnswerStore] = []


def register_store(store: AnswerStore) -> None:
    """Says where answers are kept; the last one registered counts."""
    _stores[:] = [store]


def answer_store() -> AnswerStore:
    """The registered store."""
    return _stores[0]
