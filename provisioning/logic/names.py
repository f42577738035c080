"""Names of machines, pure: zones of a name, pointers of an address, marks, and what a server's answer means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from uuid import UUID

from integrations.powerdns.interface import RecordSet

NAME_MOST: Final = 253
_MARK: Final = re.compile(r"uhub deployment=([0-9a-f-]{36}) record=([0-9a-f-]{36})")
REVERSE_ENDS: Final = (".in-addr.arpa", ".ip6.arpa")
Address = IPv4Address | IPv6Address


def ancestors(name: str) -> tuple[str, ...]:
    """The name and everything it lies in, the longest first."""
    labels = name.split(".")
    return tuple(".".join(labels[start:]) for start in range(len(labels)))


def reverse_name(address: str) -> str:
    """The name that an address has in a reverse zone."""
    return ip_address(address).reverse_pointer


def is_reverse(zone: str) -> bool:
    """Whether a zone holds the names of addresses."""
    return f".{zone}".endswith(REVERSE_ENDS)


def type_of(address: str) -> str:
    """The type of the record that leads to an address."""
    return "A" if ip_address(address).version == 4 else "AAAA"


def is_reachable(address: Address) -> bool:
    """Whether others can reach an address: none of the machine itself, of its link, or of groups."""
    return not (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or (address.version == 4 and address.is_reserved)
    )


def address_read(text: str) -> str | None:
    """An address that a record may lead to, in its shortest form; None for anything else."""
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and (address.scope_id or address.ipv4_mapped):
        return None
    return str(address) if is_reachable(address) else None


def addresses_chosen(addresses: Iterable[object], kept: Mapping[str, str | None]) -> dict[str, str]:
    """One address for each type: the one that is kept while the machine has it, else its first."""
    found: dict[str, list[str]] = {}
    for text in addresses:
        address = address_read(str(text))
        if address is not None:
            found.setdefault(type_of(address), []).append(address)
    chosen = {}
    for type_, some in found.items():
        known = kept.get(type_)
        chosen[type_] = known if known in some else some[0]
    return chosen


def mark_build(deployment_id: UUID, record_id: UUID) -> str:
    """What says at the name server that a record is ours, and for which machine."""
    return f"uhub deployment={deployment_id} record={record_id}"


def mark_read(marks: Sequence[str]) -> tuple[UUID, UUID] | None:
    """Deployment and record of a mark of ours; None where there is none, or more than one thing."""
    found = [match for mark in marks if (match := _MARK.fullmatch(mark.strip()))]
    if len(found) != 1:
        return None
    try:
        return UUID(found[0][1]), UUID(found[0][2])
    except ValueError:
        return None


class Judgement(StrEnum):
    """What a name server has under one of our names."""

    RIGHT = "right"
    ABSENT = "absent"
    DIFFERENT = "different"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One of our records as it should be at the server."""

    deployment_id: UUID
    record_id: UUID
    name: str
    type: str
    content: str
    ttl: int

    @property
    def mark(self) -> str:
        return mark_build(self.deployment_id, self.record_id)

    def as_set(self) -> RecordSet:
        """What is written."""
        return RecordSet(self.name, self.type, self.ttl, (self.content,), (self.mark,))


def judge(wanted: Wanted, found: RecordSet | None) -> Judgement:
    """What is there, against what should be. Only our own mark makes a record ours."""
    if found is None:
        return Judgement.ABSENT
    if mark_read(found.marks) != (wanted.deployment_id, wanted.record_id):
        return Judgement.FOREIGN
    is_right = found.contents == (wanted.content,) and found.ttl == wanted.ttl
    return Judgement.RIGHT if is_right else Judgement.DIFFERENT
