"""Where secrets live, in uHub's words: the database knows references, a store knows values.

All methods may raise, besides what their docstrings name: `Unavailable` (sealed, down, not
understood), `AccessRefused` (the credential is wrong or lacks the right) and `InvalidSecret` (a
path or content that no store accepts). Errors never contain values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class StoreState(StrEnum):
    """What a store can do at this moment."""

    READY = "ready"
    STANDBY = "standby"
    SEALED = "sealed"
    UNINITIALISED = "uninitialised"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """The state of a store, with a sentence for people when it is not ready."""

    state: StoreState
    message: str = ""

    @property
    def is_ready(self) -> bool:
        """Whether reads and writes are answered; a standby passes them on."""
        return self.state in {StoreState.READY, StoreState.STANDBY}


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Names one value: what the database holds in place of it."""

    path: str
    key: str

    def __str__(self) -> str:
        return f"vault:{self.path}#{self.key}"


class SecretStore(Protocol):
    """Keeps small dictionaries of texts under paths, in numbered versions."""

    def put(self, path: str, data: Mapping[str, str], *, cas: int | None = None) -> int:
        """Write a new version and return its number.

        With `cas` only if the current version is that one; 0 means that there must be none.
        Raises: SecretConflict; Ambiguous when the answer was lost (a repeated write is harmless, it
        makes one version more).
        """
        ...

    def get(self, path: str, version: int | None = None) -> dict[str, str]:
        """Return the latest or the given version. Raises: SecretMissing."""
        ...

    def delete(self, path: str) -> None:
        """Remove a secret with all its versions; without effect when there is none."""
        ...

    def list(self, prefix: str = "") -> tuple[str, ...]:
        """Return the names directly below a path, sorted; those with names below end in "/"."""
        ...

    def health(self) -> StoreHealth:
        """Return the store's state. Never raises."""
        ...
