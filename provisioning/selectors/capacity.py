"""What is allocated and reserved on clusters: the sum over all organisations, and what strangers hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, Exists, F, OuterRef, Q, Sum, When
from django.db.models.functions import Coalesce, Greatest

from portal.kernel import clock
from portal.kernel.stored_text import stored_text
from portal.kernel.tenancy import PLATFORM
from portal.services.settings import setting_get
from provisioning.logic.placement import ClusterRoom, NodeRoom, Place, Room, StorageRoom
from provisioning.models import (
    Cluster,
    Deployment,
    GuestObservation,
    Node,
    Storage,
    Template,
    TemplateCopy,
    Volume,
)
from provisioning.states import DeploymentStatus, VolumeStatus


@dataclass(slots=True)
class Allocated:
    """Sums by node and by storage of one look."""

    cpu_cores: dict[tuple[UUID, str], int] = field(default_factory=lambda: defaultdict(int))
    memory_mb: dict[tuple[UUID, str], int] = field(default_factory=lambda: defaultdict(int))
    machines: dict[tuple[UUID, str], int] = field(default_factory=lambda: defaultdict(int))
    disk_gb: dict[tuple[UUID, str, str], int] = field(default_factory=lambda: defaultdict(int))
    reserved_gb: dict[tuple[UUID, str, str], int] = field(default_factory=lambda: defaultdict(int))


def places_of(template: Template) -> list[tuple[Cluster, Place]]:
    """Where the template can be cloned from, its own fields first."""
    return places_by_template([template])[template.pk]


def places_by_template(templates: Iterable[Template]) -> dict[UUID, list[tuple[Cluster, Place]]]:
    """The same for many templates, in one query."""
    found: dict[UUID, list[tuple[Cluster, Place]]] = {}
    for row in templates:
        own = (row.default_node, row.proxmox_template_vmid, row.storage_pool)
        found[row.pk] = [(row.cluster, Place(row.cluster.code, *own))]
    copies = TemplateCopy.objects.filter(template_id__in=found, is_active=True)
    for copy in copies.select_related("cluster"):
        place = Place(copy.cluster.code, copy.node, copy.vmid, copy.storage)
        found[copy.template_id].append((copy.cluster, place))
    return found


def room_of(clusters: Iterable[Cluster]) -> Room:
    """What the clusters can bear and what they bear, in five queries."""
    by_id = {cluster.pk: cluster for cluster in clusters}
    nodes = list(Node.objects.filter(cluster_id__in=by_id).order_by("name"))
    storages = Storage.objects.filter(cluster_id__in=by_id).select_related("node")
    sums = allocated(list(by_id))
    return Room(
        clusters={cluster.code: cluster_room(cluster) for cluster in by_id.values()},
        nodes=tuple(node_room(by_id[node.cluster_id].code, node, sums) for node in nodes),
        storages=tuple(storage_room(by_id[s.cluster_id].code, s, sums) for s in storages),
    )


def allocated(cluster_ids: list[UUID]) -> Allocated:
    """Sums over all live deployments, those being made included, and over strangers' machines."""
    sums = Allocated()
    for row in _ours(cluster_ids):
        key = (row["cluster_id"], row["node"])
        sums.cpu_cores[key] += row["cpu"]
        sums.memory_mb[key] += row["memory"]
        sums.machines[key] += row["machines"]
        for place in ((*key[:1], row["pool"], ""), (*key[:1], row["pool"], row["node"])):
            sums.disk_gb[place] += row["disk"]
            sums.reserved_gb[place] += row["reserved"] or 0
    for row in _disks(cluster_ids):
        cluster_id, pool, node = row["cluster_id"], row["storage_pool"], row["node"]
        for place in ((cluster_id, pool, ""), (cluster_id, pool, node)):
            sums.disk_gb[place] += row["disk"]
            sums.reserved_gb[place] += row["reserved"] or 0
    for row in _strangers(cluster_ids):
        key = (row["cluster_id"], row["node"])
        sums.cpu_cores[key] += row["cpu"] or 0
        sums.memory_mb[key] += row["memory"] or 0
    return sums


def _ours(cluster_ids: list[UUID]) -> Iterable[Any]:
    pool = Case(When(storage="", then=F("template__storage_pool")), default=F("storage"))
    being_made = Q(status=DeploymentStatus.PROVISIONING, guest_uuid="")
    return (
        Deployment.across_tenants.filter(cluster_id__in=cluster_ids)
        .exclude(status=DeploymentStatus.DELETED)
        .order_by()
        .annotate(pool=pool)
        .values("cluster_id", "node", "pool")
        .annotate(
            cpu=Sum("cpu_cores"),
            memory=Sum("memory_mb"),
            machines=Count("id"),
            disk=Sum("disk_gb"),
            reserved=Sum("disk_gb", filter=being_made),
        )
    )


def _disks(cluster_ids: list[UUID]) -> Iterable[Any]:
    """Additional disks, attached or not, growths under way included."""
    size = Greatest("size_gb", Coalesce("wanted_gb", 0))
    return (
        Volume.across_tenants.filter(cluster_id__in=cluster_ids)
        .exclude(status=VolumeStatus.DELETED)
        .order_by()
        .values("cluster_id", "storage_pool", "node")
        .annotate(disk=Sum(size), reserved=Sum(size, filter=Q(stored_at=None)))
    )


def _strangers(cluster_ids: list[UUID]) -> Iterable[Any]:
    ours = Deployment.across_tenants.filter(
        cluster_id=OuterRef("cluster_id"), vmid=OuterRef("vmid")
    ).exclude(status=DeploymentStatus.DELETED)
    return (
        GuestObservation.objects.using(PLATFORM)
        .filter(cluster_id__in=cluster_ids, is_template=False)
        .exclude(Exists(ours))
        .order_by()
        .values("cluster_id", "node")
        .annotate(cpu=Sum("cpu_cores"), memory=Sum("memory_mb"))
    )


def cluster_room(cluster: Cluster) -> ClusterRoom:
    """Whether the cluster can be built on now."""
    return ClusterRoom(
        code=cluster.code,
        is_active=cluster.is_active,
        problem=cluster_problem(cluster),
        maintenance=cluster.maintenance_reason if cluster.is_in_maintenance else None,
    )


def cluster_problem(cluster: Cluster) -> str:
    """Why the cluster cannot be asked at present, or nothing."""
    seen = cluster.last_seen_at
    if seen is None:
        return stored_text("it has not been listed yet")
    if cluster.last_error:
        return stored_text("it cannot be listed since %(when)s UTC", when=f"{seen:%H:%M}")
    oldest = timedelta(seconds=float(setting_get("cloudpods.placement.listing_max_age_s")))
    if seen < clock.now() - oldest:
        return stored_text("its last listing is of %(when)s UTC", when=f"{seen:%Y-%m-%d %H:%M}")
    return ""


def node_room(cluster: str, node: Node, sums: Allocated) -> NodeRoom:
    """A node with its factors applied."""
    key = (node.cluster_id, node.name)
    return NodeRoom(
        cluster=cluster,
        name=node.name,
        state=node.state,
        cpu_capacity=_times(node.cpu_cores, node.cpu_overcommit, "cpu"),
        memory_capacity_mb=_times(node.memory_mb, node.memory_overcommit, "memory"),
        cpu_allocated=sums.cpu_cores[key],
        memory_allocated_mb=sums.memory_mb[key],
        maintenance=node.maintenance_reason if node.is_in_maintenance else None,
    )


def storage_room(cluster: str, storage: Storage, sums: Allocated) -> StorageRoom:
    """A storage: what we gave away counts in full, and what is really used if that is more."""
    node = storage.node.name if storage.node else ""
    key = (storage.cluster_id, storage.name, node)
    used = (storage.used_gb or 0) + sums.reserved_gb[key]
    return StorageRoom(
        cluster=cluster,
        name=storage.name,
        node=node,
        node_names=tuple(storage.node_names),
        capacity_gb=_times(storage.total_gb, None, "storage"),
        allocated_gb=max(sums.disk_gb[key], used),
        is_enabled=storage.is_enabled,
        is_active=storage.is_active,
    )


def _times(size: int | None, own: Any, what: str) -> int | None:
    if size is None:
        return None
    factor = own if own is not None else setting_get(f"cloudpods.placement.{what}_overcommit")
    return int(size * float(factor))
