"""Clusters in a few figures: which answer and how fast, what is out of service, how much is given away.

The listings behind it are some seconds old anyway and the same for everybody, so it is kept that long.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.core.cache import cache

from portal.kernel.authz import Actor, authorize
from portal.kernel.stored_text import translated
from provisioning.models import Cluster, Node, NodeState, Storage
from provisioning.permissions import Permission
from provisioning.selectors.capacity import (
    Allocated,
    allocated,
    cluster_problem,
    node_room,
    storage_room,
)

KEPT_S: Final = 10
KEY: Final = "provisioning.overview"


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a capacity is given away; without a capacity nothing is known of it."""

    used: int = 0
    capacity: int = 0

    def plus(self, used: int, capacity: int | None) -> Share:
        return self if capacity is None else Share(self.used + used, self.capacity + capacity)


@dataclass(frozen=True, slots=True)
class Outage:
    """A node that is out of service by a person's word or not there; `machines` are still on it."""

    node_id: str
    name: str
    state: str
    is_in_maintenance: bool
    reason: str
    machines: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class ClusterOverview:
    """One cluster. `latency_ms` is the best of its hosts, None while none has answered."""

    cluster: Cluster
    hosts: int
    hosts_reachable: int
    latency_ms: int | None
    nodes: int
    nodes_online: int
    outages: tuple[Outage, ...]
    cpu_cores: Share
    memory_mb: Share
    disk_gb: Share

    @property
    def problem(self) -> str:
        """Why it cannot be asked at present, in the reader's language, or nothing."""
        return translated(cluster_problem(self.cluster))


def cluster_overviews(*, actor: Actor) -> list[ClusterOverview]:
    """Active clusters in their order, as they were some seconds ago. Raises Refused."""
    if not actor.may(Permission.CLUSTERS_MANAGE):
        authorize(actor, Permission.INFRASTRUCTURE_VIEW)
    found: list[ClusterOverview] | None = cache.get_or_set(KEY, _overviews, KEPT_S)
    return found or []


def total(shares: Iterable[Share]) -> Share:
    """All of them together."""
    sums = Share()
    for share in shares:
        sums = sums.plus(share.used, share.capacity)
    return sums


def _overviews() -> list[ClusterOverview]:
    clusters = list(
        Cluster.objects.filter(is_active=True)
        .defer("ca_pem", "fingerprints", "token_ref", "token_id")
        .prefetch_related("api_hosts", "nodes", "storages__node")
        .order_by("code")
    )
    sums = allocated([cluster.pk for cluster in clusters])
    overviews = [_overview(cluster, sums) for cluster in clusters]
    for cluster in clusters:
        cluster._prefetched_objects_cache = {}  # type: ignore[attr-defined]  # noqa: SLF001 - is kept
    return overviews


def _overview(cluster: Cluster, sums: Allocated) -> ClusterOverview:
    hosts, nodes = list(cluster.api_hosts.all()), list(cluster.nodes.all())
    answers = [
        host.latency_ms for host in hosts if host.is_reachable and host.latency_ms is not None
    ]
    cpu, memory, disk = _shares(cluster, nodes, cluster.storages.all(), sums)
    return ClusterOverview(
        cluster=cluster,
        hosts=len(hosts),
        hosts_reachable=sum(host.is_reachable for host in hosts),
        latency_ms=min(answers, default=None),
        nodes=len(nodes),
        nodes_online=sum(node.state == NodeState.ONLINE for node in nodes),
        outages=tuple(_outages(cluster, nodes, sums)),
        cpu_cores=cpu,
        memory_mb=memory,
        disk_gb=disk,
    )


def _shares(
    cluster: Cluster, nodes: Iterable[Node], storages: Iterable[Storage], sums: Allocated
) -> tuple[Share, Share, Share]:
    cpu = memory = disk = Share()
    for node in nodes:
        room = node_room(cluster.code, node, sums)
        cpu = cpu.plus(room.cpu_allocated, room.cpu_capacity)
        memory = memory.plus(room.memory_allocated_mb, room.memory_capacity_mb)
    for storage in storages:
        place = storage_room(cluster.code, storage, sums)
        if place.is_enabled and place.is_active:
            disk = disk.plus(place.allocated_gb, place.capacity_gb)
    return cpu, memory, disk


def _outages(cluster: Cluster, nodes: Iterable[Node], sums: Allocated) -> Iterable[Outage]:
    for node in nodes:
        if node.is_in_maintenance or node.state == NodeState.OFFLINE:
            yield Outage(
                node_id=str(node.pk),
                name=node.name,
                state=node.state,
                is_in_maintenance=node.is_in_maintenance,
                reason=node.maintenance_reason,
                machines=sums.machines[cluster.pk, node.name],
                since=node.maintenance_since if node.is_in_maintenance else node.seen_at,
            )
