"""Clusters with their hosts, nodes, storages and templates, and what is allocated on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext

from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import NotFound
from provisioning.logic.placement import NodeRoom, StorageRoom
from provisioning.models import Cluster, Node, Storage, Template, TemplateCopy
from provisioning.permissions import Permission
from provisioning.selectors.capacity import (
    Allocated,
    allocated,
    cluster_problem,
    node_room,
    storage_room,
)


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node and its room."""

    row: Node
    room: NodeRoom


@dataclass(frozen=True, slots=True)
class StorageView:
    """A storage and its room: what deployments were given, and what those being made will take."""

    row: Storage
    room: StorageRoom
    given_gb: int
    reserved_gb: int


@dataclass(frozen=True, slots=True)
class TemplateView:
    """One place of a template."""

    code: str
    name: str
    vmid: int
    node: str
    storage: str
    bridge: str


@dataclass(frozen=True, slots=True)
class ClusterView:
    """A cluster as operators see it."""

    row: Cluster
    problem: str
    nodes: tuple[NodeView, ...]
    storages: tuple[StorageView, ...]
    templates: tuple[TemplateView, ...]


def cluster_list(*, actor: Actor) -> QuerySet[Cluster]:
    """All clusters in their order, with everything that is shown of them."""
    authorize(actor, Permission.INFRASTRUCTURE_VIEW)
    copies = TemplateCopy.objects.filter(is_active=True).select_related("template")
    return (
        Cluster.objects.select_related("maintenance_by")
        .prefetch_related(
            "api_hosts",
            Prefetch("nodes", Node.objects.select_related("maintenance_by").order_by("name")),
            Prefetch("storages", Storage.objects.select_related("node").order_by("name", "node")),
            Prefetch("templates", Template.objects.filter(is_active=True)),
            Prefetch("template_copies", copies),
        )
        .order_by("code")
    )


def cluster_views(clusters: Iterable[Cluster]) -> list[ClusterView]:
    """The clusters with what is allocated on them, in two more queries however many there are."""
    rows = list(clusters)
    sums = allocated([cluster.pk for cluster in rows])
    return [
        ClusterView(
            row=cluster,
            problem=cluster_problem(cluster),
            nodes=tuple(NodeView(n, node_room(cluster.code, n, sums)) for n in cluster.nodes.all()),
            storages=tuple(_storage(cluster, storage, sums) for storage in cluster.storages.all()),
            templates=tuple(_templates(cluster)),
        )
        for cluster in rows
    ]


def _storage(cluster: Cluster, storage: Storage, sums: Allocated) -> StorageView:
    key = (cluster.pk, storage.name, storage.node.name if storage.node else "")
    return StorageView(
        storage,
        storage_room(cluster.code, storage, sums),
        given_gb=sums.disk_gb[key],
        reserved_gb=sums.reserved_gb[key],
    )


def _templates(cluster: Cluster) -> Iterable[TemplateView]:
    for template in cluster.templates.all():
        yield TemplateView(
            template.code,
            template.name,
            template.proxmox_template_vmid,
            template.default_node,
            template.storage_pool,
            template.network_bridge,
        )
    for copy in cluster.template_copies.all():
        yield TemplateView(
            copy.template.code, copy.template.name, copy.vmid, copy.node, copy.storage, copy.bridge
        )


def node_get(*, actor: Actor, node_id: UUID | str) -> Node:
    """One node with its cluster. Raises NotFound, Refused."""
    authorize(actor, Permission.INFRASTRUCTURE_VIEW)
    return _found(Node.objects.select_related("cluster", "maintenance_by"), node_id)


def cluster_get(*, actor: Actor, cluster_id: UUID | str) -> Cluster:
    """One cluster with everything that is shown of it. Raises NotFound, Refused."""
    return _found(cluster_list(actor=actor), cluster_id)


def _found(rows: QuerySet[Any], key: UUID | str) -> Any:
    try:
        row = rows.filter(pk=key if isinstance(key, UUID) else UUID(key)).first()
    except ValueError:
        row = None
    if row is None:
        raise NotFound(gettext("There is no such node or cluster."))
    return row
