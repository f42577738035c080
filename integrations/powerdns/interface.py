"""A name server in uHub's words. Names are lower case and without the closing dot.

All methods may raise, besides what their docstrings name: `Unavailable` (down, not understood),
`AccessRefused` (the key is wrong) and `InvalidName` (what no server accepts).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class RecordType(StrEnum):
    """The types of records that are written; a zone may hold others."""

    A = "A"
    AAAA = "AAAA"
    PTR = "PTR"


@dataclass(frozen=True, slots=True)
class RecordSet:
    """All records of one name and type, with the marks of whoever keeps them.

    Contents are canonical: addresses in their shortest form, names like all names; sorted.
    """

    name: str
    type: str
    ttl: int
    contents: tuple[str, ...]
    marks: tuple[str, ...] = ()


class AnswerCode(StrEnum):
    """What a resolver says of a name."""

    FOUND = "found"
    EMPTY = "empty"
    MISSING = "missing"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class NameAnswer:
    """A resolver's answer to one question; contents as in `RecordSet`."""

    code: AnswerCode
    contents: tuple[str, ...] = field(default=())


class NameServer(Protocol):
    """Keeps the records of zones, and answers questions about them."""

    def version(self) -> str:
        """Return the program and its version: proof that address and key are right."""
        ...

    def zone_ensure(self, zone: str, *, nameservers: tuple[str, ...]) -> bool:
        """Make the zone unless it is there; return whether it was made.

        Raises: Ambiguous when the answer was lost (asking again is harmless).
        """
        ...

    def zone_read(self, zone: str) -> tuple[RecordSet, ...]:
        """Return all record sets of a zone. Raises: ZoneMissing."""
        ...

    def record_set(self, zone: str, name: str, type_: RecordType) -> RecordSet | None:
        """Return the records of one name and type, None when there are none. Raises: ZoneMissing."""
        ...

    def record_set_write(self, zone: str, wanted: RecordSet) -> None:
        """Replace the records of one name and type, with their marks, as a whole.

        Raises: ZoneMissing, NameConflict; Ambiguous when the answer was lost.
        """
        ...

    def record_set_delete(self, zone: str, name: str, type_: RecordType) -> None:
        """Remove the records of one name and type; without effect when there are none.

        Raises: ZoneMissing; Ambiguous when the answer was lost.
        """
        ...

    def answer(self, name: str, type_: RecordType) -> NameAnswer:
        """Ask the server's resolver address as any client would. Raises: ServerUnreachable."""
        ...
