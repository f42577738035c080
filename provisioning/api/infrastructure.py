"""`/api/infrastructure`: clusters, nodes and storages, their room, and their maintenance."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.kernel.api.fields import Flag, Text
from portal.kernel.api.views import PortalViewSet
from portal.kernel.tenancy import platform_alias
from provisioning.models import ApiHost, Cluster, Node
from provisioning.permissions import Permission
from provisioning.selectors.infrastructure import (
    ClusterView,
    NodeView,
    StorageView,
    cluster_get,
    cluster_list,
    cluster_views,
    node_get,
)
from provisioning.services.maintenance import cluster_maintenance_set, node_maintenance_set

_MAINTAINED = ("is_in_maintenance", "maintenance_reason", "maintenance_by", "maintenance_since")


class MaintenanceSerializer(serializers.Serializer[Any]):
    """Whether it is out of service, and why."""

    maintenance = Flag()
    reason = Text(max_length=300, required=False, allow_blank=True)


class ApiHostSerializer(serializers.ModelSerializer[ApiHost]):
    """One API host as it was last asked."""

    class Meta:
        model = ApiHost
        fields = ("address", "is_reachable", "last_error", "changed_at", "asked_at")


class NodeSerializer(serializers.ModelSerializer[Node]):
    """A node without its room."""

    maintenance_by: serializers.StringRelatedField[Node] = serializers.StringRelatedField()

    class Meta:
        model = Node
        fields = (
            "id",
            "name",
            "state",
            "cpu_cores",
            "memory_mb",
            "clone_limit",
            *_MAINTAINED,
            "seen_at",
            "created_at",
            "updated_at",
        )


class NodeViewSerializer(serializers.Serializer[NodeView]):
    """A node with what may be and what is allocated on it."""

    cpu_capacity = serializers.IntegerField(source="room.cpu_capacity", allow_null=True)
    cpu_allocated = serializers.IntegerField(source="room.cpu_allocated")
    memory_capacity_mb = serializers.IntegerField(source="room.memory_capacity_mb", allow_null=True)
    memory_allocated_mb = serializers.IntegerField(source="room.memory_allocated_mb")

    def to_representation(self, instance: NodeView) -> dict[str, Any]:
        return {**NodeSerializer(instance.row).data, **super().to_representation(instance)}


class StorageViewSerializer(serializers.Serializer[StorageView]):
    """A storage; `node` is empty for a shared one."""

    id = serializers.UUIDField(source="row.pk")
    name = serializers.CharField(source="room.name")
    node = serializers.CharField(source="room.node")
    nodes = serializers.ListField(child=serializers.CharField(), source="room.node_names")
    is_shared = serializers.BooleanField(source="row.is_shared")
    is_active = serializers.BooleanField(source="row.is_active")
    is_enabled = serializers.BooleanField(source="row.is_enabled")
    total_gb = serializers.IntegerField(source="row.total_gb", allow_null=True)
    used_gb = serializers.IntegerField(source="row.used_gb", allow_null=True)
    capacity_gb = serializers.IntegerField(source="room.capacity_gb", allow_null=True)
    allocated_gb = serializers.IntegerField(source="room.allocated_gb")
    seen_at = serializers.DateTimeField(source="row.seen_at", allow_null=True)


class TemplatePlaceSerializer(serializers.Serializer[Any]):
    """One place of a template."""

    code = serializers.CharField()
    name = serializers.CharField()
    vmid = serializers.IntegerField()
    node = serializers.CharField()
    storage = serializers.CharField()
    bridge = serializers.CharField()


class ClusterRowSerializer(serializers.ModelSerializer[Cluster]):
    """The cluster itself."""

    maintenance_by: serializers.StringRelatedField[Cluster] = serializers.StringRelatedField()

    class Meta:
        model = Cluster
        fields = (
            "id",
            "code",
            "name",
            "is_active",
            "last_seen_at",
            "last_error",
            *_MAINTAINED,
            "created_at",
            "updated_at",
        )


class ClusterSerializer(serializers.Serializer[Any]):
    """A cluster with its hosts, nodes, storages and templates; `problem` says why nothing is placed there."""

    problem = serializers.CharField()
    api_hosts = ApiHostSerializer(source="row.api_hosts", many=True)
    nodes = NodeViewSerializer(many=True)
    storages = StorageViewSerializer(many=True)
    templates = TemplatePlaceSerializer(many=True)

    def to_representation(self, instance: ClusterView) -> dict[str, Any]:
        return {**ClusterRowSerializer(instance.row).data, **super().to_representation(instance)}


class InfrastructureViewSet(PortalViewSet):
    """Clusters as operators see them."""

    permissions: ClassVar[dict[str, str]] = {"*": Permission.INFRASTRUCTURE_VIEW}
    serializer_class = ClusterSerializer
    queryset = Cluster.objects.none()
    ordering_fields = ("code", "created_at")
    default_ordering = ("code", "id")
    filter_backends = ()

    @extend_schema(responses=ClusterSerializer(many=True))
    def list(self, request: Request) -> Response:
        rows = self.paginate_queryset(cluster_list(actor=self.actor)) or []
        answer: Response = self.get_paginated_response(
            ClusterSerializer(cluster_views(rows), many=True).data
        )
        return answer


class InfrastructureClusterViewSet(PortalViewSet):
    """One cluster, and its maintenance."""

    permissions: ClassVar[dict[str, str]] = {
        "*": Permission.INFRASTRUCTURE_VIEW,
        "partial_update": Permission.INFRASTRUCTURE_MANAGE,
    }
    serializer_class = ClusterSerializer
    queryset = Cluster.objects.none()
    lookup_url_kwarg = "cluster_id"
    http_method_names = ["get", "patch", "head", "options"]

    def retrieve(self, request: Request, cluster_id: str) -> Response:
        return self._shown(cluster_id)

    @extend_schema(request=MaintenanceSerializer)
    def partial_update(self, request: Request, cluster_id: str) -> Response:
        wanted = self.parsed(MaintenanceSerializer)
        cluster_maintenance_set(
            actor=self.actor,
            cluster_id=cluster_id,
            is_in_maintenance=wanted["maintenance"],
            reason=wanted.get("reason", ""),
        )
        with platform_alias():
            return self._shown(cluster_id)

    def _shown(self, cluster_id: str) -> Response:
        (view,) = cluster_views([cluster_get(actor=self.actor, cluster_id=cluster_id)])
        return Response(ClusterSerializer(view).data)


class InfrastructureNodeViewSet(PortalViewSet):
    """One node, and its maintenance."""

    permissions: ClassVar[dict[str, str]] = {
        "*": Permission.INFRASTRUCTURE_VIEW,
        "partial_update": Permission.INFRASTRUCTURE_MANAGE,
    }
    serializer_class = NodeSerializer
    queryset = Node.objects.none()
    lookup_url_kwarg = "node_id"
    http_method_names = ["get", "patch", "head", "options"]

    def retrieve(self, request: Request, node_id: str) -> Response:
        return Response(NodeSerializer(node_get(actor=self.actor, node_id=node_id)).data)

    @extend_schema(request=MaintenanceSerializer)
    def partial_update(self, request: Request, node_id: str) -> Response:
        wanted = self.parsed(MaintenanceSerializer)
        node = node_maintenance_set(
            actor=self.actor,
            node_id=node_id,
            is_in_maintenance=wanted["maintenance"],
            reason=wanted.get("reason", ""),
        )
        return Response(NodeSerializer(node).data)
