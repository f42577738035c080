"""Where a machine may be made: pure rules over what is allocated and reserved, never over the load of a moment.

A candidate is a place the template can be cloned from together with a node it can be made on: any node of
the cluster that reaches a shared storage, the owning node alone for a local one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings
from django.utils import translation

from billing.logic.quota import Amounts
from portal.kernel.stored_text import stored_text, told_text


@dataclass(frozen=True, slots=True)
class ClusterRoom:
    """A cluster; `problem` says why it cannot be asked at present, `maintenance` why it is out of service."""

    code: str
    is_active: bool = True
    problem: str = ""
    maintenance: str | None = None


@dataclass(frozen=True, slots=True)
class NodeRoom:
    """A node and all that is allocated on it; the capacities include the overcommit factors."""

    cluster: str
    name: str
    state: str
    cpu_capacity: int | None
    memory_capacity_mb: int | None
    cpu_allocated: int = 0
    memory_allocated_mb: int = 0
    maintenance: str | None = None


@dataclass(frozen=True, slots=True)
class StorageRoom:
    """A storage and what is allocated on it; `node` is empty for a shared one."""

    cluster: str
    name: str
    node: str
    node_names: tuple[str, ...]
    capacity_gb: int | None
    allocated_gb: int = 0
    is_enabled: bool = True
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """A copy of the template: where it is and which storage its clones go to."""

    cluster: str
    node: str
    vmid: int
    storage: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a candidate was refused, with the numbers."""

    code: str
    message: str
    free: int | None = None
    needed: int | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One place and node that was looked at: chosen, scored, or refused."""

    cluster: str
    node: str
    storage: str
    source_node: str
    source_vmid: int
    score: float | None = None
    is_chosen: bool = False
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Room:
    """All that the decision is made from."""

    clusters: Mapping[str, ClusterRoom]
    nodes: tuple[NodeRoom, ...]
    storages: tuple[StorageRoom, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """Every candidate, the chosen one first."""

    candidates: tuple[Candidate, ...]
    need: Amounts = field(default_factory=Amounts)

    @property
    def chosen(self) -> Candidate | None:
        first = self.candidates[0] if self.candidates else None
        return first if first is not None and first.is_chosen else None

    @property
    def fits(self) -> bool:
        return self.chosen is not None

    @property
    def cluster(self) -> str:
        return self.chosen.cluster if self.chosen else ""

    @property
    def node(self) -> str:
        return self.chosen.node if self.chosen else ""

    @property
    def storage(self) -> str:
        return self.chosen.storage if self.chosen else ""

    @property
    def reason(self) -> str:
        """The decision in a sentence that names no node."""
        if self.chosen is None:
            return missing(self)
        fitting = sum(1 for candidate in self.candidates if candidate.score is not None)
        values = {"fitting": fitting, "all": len(self.candidates), "cluster": self.cluster}
        return (
            told_text("%(cluster)s has the most room; %(fitting)s of %(all)s places fit.") % values
        )

    def as_dict(self) -> dict[str, Any]:
        """What is stored on the deployment."""
        with translation.override(settings.LANGUAGE_CODE):
            reason = self.reason
        return {
            "fits": self.fits,
            "cluster": self.cluster,
            "node": self.node,
            "storage": self.storage,
            "reason": reason,
            "candidates": [_stored(candidate) for candidate in self.candidates],
        }


def _stored(candidate: Candidate) -> dict[str, Any]:
    names = ("cluster", "node", "storage", "source_node", "source_vmid", "score", "is_chosen")
    reasons = [
        {"code": r.code, "message": r.message, "free": r.free, "needed": r.needed}
        for r in candidate.reasons
    ]
    return {name: getattr(candidate, name) for name in names} | {"reasons": reasons}


def decide(*, need: Amounts, places: Iterable[Place], room: Room) -> Decision:
    """Looks at every candidate; the one with the most room left wins, equal ones by name."""
    looked = [candidate for place in places for candidate in _candidates(need, place, room)]
    looked.sort(key=lambda c: (c.score is None, -(c.score or 0.0), c.cluster, c.node, c.storage))
    if looked and looked[0].score is not None:
        looked[0] = replace(looked[0], is_chosen=True)
    return Decision(tuple(looked), need)


def missing(decision: Decision) -> str:
    """What is missing, for people who do not know the nodes, and who can help."""
    need = decision.need
    if not decision.candidates:
        return told_text("No cluster offers this template now. Ask an operator of the platform.")
    parts = [
        told_text(
            "no place has room for %(cpu)s vCPU, %(memory)s MiB of memory and %(disk)s GiB of disk"
        )
        % {"cpu": need.cpu_cores, "memory": need.memory_mb, "disk": need.disk_gb}
    ]
    labels = _labels()
    for code, label in labels.items():
        found = [r for c in decision.candidates for r in c.reasons if r.code == code]
        if not found:
            continue
        free = [r.free for r in found if r.free is not None]
        text = label % {"count": len(found)}
        parts.append(
            f"{text} ({told_text('at most %(free)s free') % {'free': max(free)}})" if free else text
        )
    help_text = told_text("Ask an operator of the platform for room, or ask for less.")
    return f"{'; '.join(parts)[:1].upper()}{'; '.join(parts)[1:]}. {help_text}"


def _labels() -> dict[str, str]:
    return {
        "no_cpu": told_text("%(count)s lack processors"),
        "no_memory": told_text("%(count)s lack memory"),
        "no_disk": told_text("%(count)s lack disk space"),
        "maintenance": told_text("%(count)s are in maintenance"),
        "unreachable": told_text("%(count)s cannot be reached at present"),
        "offline": told_text("%(count)s are not online"),
        "storage": told_text("%(count)s have no storage for it"),
        "inactive": told_text("%(count)s are not in use"),
    }


def _candidates(need: Amounts, place: Place, room: Room) -> Iterator[Candidate]:
    storage = _storage_of(place, room)
    names = [place.node] if storage is None or storage.node else list(storage.node_names)
    nodes = {node.name: node for node in room.nodes if node.cluster == place.cluster}
    if storage is not None and not storage.node:
        names = sorted(nodes)
    for name in names or [place.node]:
        yield _candidate(need, place, room.clusters[place.cluster], nodes.get(name), name, storage)


def _storage_of(place: Place, room: Room) -> StorageRoom | None:
    for storage in room.storages:
        is_same = (storage.cluster, storage.name) == (place.cluster, place.storage)
        if is_same and storage.node in {"", place.node}:
            return storage
    return None


def _candidate(
    need: Amounts,
    place: Place,
    cluster: ClusterRoom,
    node: NodeRoom | None,
    name: str,
    storage: StorageRoom | None,
) -> Candidate:
    looked = Candidate(place.cluster, name, place.storage, place.node, place.vmid)
    reasons = (*_cluster_reasons(cluster), *_node_reasons(node, name))
    reasons += _storage_reasons(storage, place.storage, name)
    if reasons or node is None or storage is None:
        return replace(looked, reasons=reasons)
    reasons = tuple(_capacity_reasons(need, node, storage))
    if reasons:
        return replace(looked, reasons=reasons)
    return replace(looked, score=_score(need, node, storage))


def _cluster_reasons(cluster: ClusterRoom) -> tuple[Reason, ...]:
    values = {"name": cluster.code, "why": cluster.problem or cluster.maintenance}
    if not cluster.is_active:
        return (Reason("inactive", stored_text("Cluster %(name)s is not in use.", **values)),)
    if cluster.maintenance is not None:
        message = stored_text("Cluster %(name)s is in maintenance: %(why)s", **values)
        return (Reason("maintenance", message),)
    if cluster.problem:
        return (
            Reason(
                "unreachable", stored_text("Cluster %(name)s cannot be asked: %(why)s", **values)
            ),
        )
    return ()


def _node_reasons(node: NodeRoom | None, name: str) -> tuple[Reason, ...]:
    if node is None or node.cpu_capacity is None or node.memory_capacity_mb is None:
        message = stored_text("Node %(name)s has not been listed by its cluster yet.", name=name)
        return (Reason("offline", message),)
    if node.maintenance is not None:
        message = stored_text(
            "Node %(name)s is in maintenance: %(why)s", name=name, why=node.maintenance
        )
        return (Reason("maintenance", message),)
    if node.state != "online":
        message = stored_text("Node %(name)s is %(state)s.", name=name, state=node.state)
        return (Reason("offline", message),)
    return ()


def _storage_reasons(storage: StorageRoom | None, name: str, node: str) -> tuple[Reason, ...]:
    values = {"name": name, "node": node}
    if storage is None or storage.capacity_gb is None:
        message = stored_text("Storage %(name)s has not been listed by its cluster yet.")
    elif not storage.is_enabled:
        message = stored_text("Storage %(name)s is closed for new machines.")
    elif not storage.is_active or node not in storage.node_names:
        message = stored_text("Node %(node)s does not reach storage %(name)s.")
    else:
        return ()
    return (Reason("storage", message % values),)


def _capacity_reasons(need: Amounts, node: NodeRoom, storage: StorageRoom) -> Iterator[Reason]:
    labels = {
        "no_cpu": stored_text("%(name)s has %(free)s vCPU left, %(needed)s are needed."),
        "no_memory": stored_text(
            "%(name)s has %(free)s MiB of memory left, %(needed)s are needed."
        ),
        "no_disk": stored_text("%(name)s has %(free)s GiB left, %(needed)s are needed."),
    }
    for code, (free, needed, _capacity) in _figures(need, node, storage).items():
        if needed > free:
            name = storage.name if code == "no_disk" else node.name
            values = {"name": name, "free": max(0, free), "needed": needed}
            yield Reason(code, labels[code] % values, max(0, free), needed)


def _figures(
    need: Amounts, node: NodeRoom, storage: StorageRoom
) -> dict[str, tuple[int, int, int]]:
    """(free, needed, capacity) by what would be missing."""
    cpu, memory = node.cpu_capacity or 0, node.memory_capacity_mb or 0
    disk = storage.capacity_gb or 0
    return {
        "no_cpu": (cpu - node.cpu_allocated, need.cpu_cores, cpu),
        "no_memory": (memory - node.memory_allocated_mb, need.memory_mb, memory),
        "no_disk": (disk - storage.allocated_gb, need.disk_gb, disk),
    }


def _score(need: Amounts, node: NodeRoom, storage: StorageRoom) -> float:
    """What stays free on the whole, from 0 to 100; memory, the scarcest, counts twice."""
    weights = {"no_cpu": 1, "no_memory": 2, "no_disk": 1}
    figures = _figures(need, node, storage)
    left = {code: (free - asked) / max(1, whole) for code, (free, asked, whole) in figures.items()}
    return round(25 * sum(weights[code] * share for code, share in left.items()), 3)


def growth_missing(room: Room, *, node: str, storage: str, growth: Amounts) -> str:
    """What is missing for a machine to grow where it is, or nothing; unknown sizes forbid nothing."""
    place = next((n for n in room.nodes if n.name == node), None)
    store = next((s for s in room.storages if s.name == storage and s.node in {"", node}), None)
    if place is None or store is None or None in {place.cpu_capacity, place.memory_capacity_mb}:
        return ""
    figures = _figures(growth, place, store)
    if store.capacity_gb is None:
        figures.pop("no_disk")
    units = {"no_cpu": "vCPU", "no_memory": "MiB", "no_disk": "GiB"}
    found = [
        told_text("%(free)s of %(needed)s %(unit)s")
        % {"free": max(0, free), "needed": n, "unit": units[c]}
        for c, (free, n, _capacity) in figures.items()
        if n > 0 and n > free
    ]
    if not found:
        return ""
    return told_text("Where the machine is there is room for %(found)s only. %(help)s") % {
        "found": ", ".join(found),
        "help": told_text("Ask an operator of the platform for room, or ask for less."),
    }


def nodes_with_room(
    room: Room, *, node: str, storage: str, need: Amounts, growth: Amounts
) -> tuple[str, ...]:
    """The other nodes of a cluster that could take a machine whole; a shared storage bears its growth alone."""
    return tuple(
        other.name
        for other in room.nodes
        if other.name != node and _can_take(room, other, storage, need=need, growth=growth)
    )


def _can_take(room: Room, node: NodeRoom, storage: str, *, need: Amounts, growth: Amounts) -> bool:
    store = _storage_of(Place(node.cluster, node.name, 0, storage), room)
    if _node_reasons(node, node.name) or _storage_reasons(store, storage, node.name):
        return False
    assert store is not None  # else it would be a reason
    asked = need if store.node else replace(need, disk_gb=growth.disk_gb)
    return not any(_capacity_reasons(asked, node, store))
