"""What a listing proves and what it does not, and how a machine differs from what it should be. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, Final
from uuid import UUID

from integrations.proxmox.interface import (
    ClusterListing,
    GuestConfig,
    GuestSummary,
    NetworkCard,
    PowerState,
)

PRODUCT_TAG: Final = "uhub"
MAKING_LOCKS: Final = frozenset({"clone", "create"})
_TAG_DIGITS: Final = 12
_GIB: Final = 2**30
_MIB: Final = 2**20


class Presence(StrEnum):
    """What one listing says of one machine. UNKNOWN is never a reason to change anything."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Urgency(IntEnum):
    """In which order configurations are read; what is wanted soon was not read within `recheck_s`."""

    AT_ONCE = 0
    SOON = 1
    PATROL = 2


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a machine should be; `facts` is {name, disk_gb, nets} of when it was last right."""

    cpu_cores: int
    memory_mb: int
    disk_gb: int
    system_disk: str
    facts: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """Values side by side under the same names; empty when nothing differs."""

    expected: dict[str, Any] = field(default_factory=dict)
    found: dict[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.expected)


class View:
    """One listing, ready to be asked about single machines."""

    def __init__(self, listing: ClusterListing) -> None:
        self.guests: dict[int, GuestSummary] = {guest.vmid: guest for guest in listing.guests}
        self._online = {node.name: node.is_online for node in listing.nodes}

    def presence(self, vmid: int, node: str) -> Presence:
        """What the listing says of a machine that was last known on `node`."""
        guest = self.guests.get(vmid)
        if guest is None:
            is_certain = self._online.get(node) is True
            return Presence.ABSENT if is_certain else Presence.UNKNOWN
        if guest.status is PowerState.UNKNOWN or self._online.get(guest.node) is False:
            return Presence.UNKNOWN
        return Presence.PRESENT

    def is_lost(self, vmid: int, node: str) -> bool:
        """Whether the node of a machine is listed as offline, or not listed any more."""
        guest = self.guests.get(vmid)
        return not self._online.get(guest.node if guest else node, False)


def guest_tag(deployment_id: UUID) -> str:
    """The tag that ties a machine to its deployment in a listing, where no description is shown."""
    return f"{PRODUCT_TAG}-{deployment_id.hex[-_TAG_DIGITS:]}"


def guest_tags(deployment_id: UUID, tags: Iterable[str]) -> tuple[str, ...]:
    """All tags of a machine: the product's, its own, and those people chose."""
    return (PRODUCT_TAG, guest_tag(deployment_id), *tags)


def is_signed(guest: GuestSummary, deployment_id: UUID, pool: str) -> bool:
    """Whether a listed machine bears the sign of a deployment, so that nobody has to read its configuration."""
    is_in_pool = not pool or guest.pool == pool
    return is_in_pool and guest_tag(deployment_id) in guest.tags


def claims_ours(guest: GuestSummary, *, numbers: range, pool: str) -> bool:
    """Whether a listed machine without a row sits where only ours should: number, pool or tag."""
    if guest.is_template or guest.is_container:
        return False
    is_tagged = any(tag.startswith(PRODUCT_TAG) for tag in guest.tags)
    return guest.vmid in numbers or bool(pool and guest.pool == pool) or is_tagged


def looks_different(guest: GuestSummary, wanted: Wanted) -> bool:
    """Whether the listing's figures, which may lag behind, are a reason to read the configuration."""
    if guest.cores not in {None, wanted.cpu_cores}:
        return True
    if guest.memory_bytes is not None and guest.memory_bytes // _MIB != wanted.memory_mb:
        return True
    name = (wanted.facts or {}).get("name")
    return bool(name and guest.name and guest.name != name)


def facts_of(config: GuestConfig, system_disk: str) -> dict[str, Any]:
    """What is remembered of a machine that is right."""
    return {
        "name": config.name,
        "disk_gb": disk_size_gb(config, system_disk),
        "nets": [_net(card) for card in config.nets],
    }


def disk_size_gb(config: GuestConfig, key: str) -> int | None:
    """The size of one disk in GiB, None when the guest has no such disk."""
    for disk in config.disks:
        if disk.key == key and disk.size_bytes is not None:
            return disk.size_bytes // _GIB
    return None


def differences(wanted: Wanted, config: GuestConfig) -> Difference:
    """What was changed outside: figures against ours, name and network against what is remembered.

    A disk may be larger than asked for when its template's was; that size is remembered.
    """
    pairs: dict[str, tuple[Any, Any]] = {
        "cpu_cores": (wanted.cpu_cores, config.cores),
        "memory_mb": (wanted.memory_mb, config.memory_mb),
    }
    facts = wanted.facts or {}
    disk_gb = max(wanted.disk_gb, facts.get("disk_gb") or 0)
    pairs["disk_gb"] = (disk_gb, disk_size_gb(config, wanted.system_disk))
    if facts:
        pairs["name"] = (facts.get("name"), config.name)
        pairs["nets"] = (facts.get("nets"), [_net(card) for card in config.nets])
    changed = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    return Difference(
        {name: pair[0] for name, pair in changed.items()},
        {name: pair[1] for name, pair in changed.items()},
    )


def is_implausible(
    *, listed: int, known: Collection[int], vanished: Collection[int], percent: int, minimum: int
) -> bool:
    """Whether a listing lacks so much that it is to be doubted rather than believed.

    An empty list answered with 200 is what a token without rights gets.
    """
    if not vanished:
        return False
    if not listed:
        return True
    return len(vanished) >= minimum and len(vanished) * 100 > percent * len(known)


def _net(card: NetworkCard) -> str:
    """One network card as a line: what people change on it."""
    parts = [card.key, card.model, card.mac or "", card.bridge or ""]
    return " ".join([*parts, *([f"vlan {card.vlan}"] if card.vlan else [])])
