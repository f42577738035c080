"""`/api/cloud-pods/…`: the routes of seed 003 with its own words; the same objects as elsewhere."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.models import Entry
from portal.kernel.api.fields import Choice
from portal.kernel.api.views import PortalViewSet
from portal.kernel.audit_tags import tag_specs
from provisioning.models import Deployment
from provisioning.permissions import Permission
from provisioning.selectors.admin_overview import AdminOverview, Resource, admin_overview
from provisioning.services.admin_views import overview_viewed


class PodTotals(serializers.Serializer[Any]):
    """Machines: `total` are not deleted, `active` run."""

    total = serializers.IntegerField()
    active = serializers.IntegerField()
    error = serializers.IntegerField()
    deleting = serializers.IntegerField()


class Totals(serializers.Serializer[Any]):
    """How many of what."""

    pods = PodTotals()
    tenants = serializers.IntegerField()


class ResourceShape(serializers.Serializer[Any]):
    """`usedApprox` is null while nothing was measured within the last hour."""

    allocated = serializers.IntegerField()
    usedApprox = serializers.IntegerField(allow_null=True)  # noqa: N815 - the seed's key


class ResourcesShape(serializers.Serializer[Any]):
    """What machines hold and use."""

    cpuCores = ResourceShape()  # noqa: N815 - the seed's key
    memoryMb = ResourceShape()  # noqa: N815 - the seed's key
    diskGb = ResourceShape()  # noqa: N815 - the seed's key


class HealthShape(serializers.Serializer[Any]):
    """How machines are."""

    unhealthyPods = serializers.IntegerField()  # noqa: N815 - the seed's key
    autoHealTriggeredLast24h = serializers.IntegerField()  # noqa: N815 - the seed's key


class RecentEvent(serializers.Serializer[Any]):
    """One entry of the audit."""

    id = serializers.CharField()
    tenantId = serializers.CharField()  # noqa: N815 - the seed's spelling
    category = Choice(choices=["lifecycle", "health", "backup", "quota"])
    tag = serializers.CharField()
    tagLabel = serializers.CharField()  # noqa: N815 - the seed's spelling
    outcome = serializers.CharField()
    actor = serializers.CharField()
    targetType = serializers.CharField()  # noqa: N815 - the seed's spelling
    targetId = serializers.CharField()  # noqa: N815 - the seed's spelling
    targetLabel = serializers.CharField()  # noqa: N815 - the seed's spelling
    createdAt = serializers.DateTimeField()  # noqa: N815 - the seed's spelling


class TenantUsageShape(serializers.Serializer[Any]):
    """One organisation with what its machines hold."""

    tenantId = serializers.CharField()  # noqa: N815 - the seed's key
    name = serializers.CharField()
    pods = serializers.IntegerField()
    cpuCores = serializers.IntegerField()  # noqa: N815 - the seed's key
    memoryMb = serializers.IntegerField()  # noqa: N815 - the seed's key


class AdminOverviewShape(serializers.Serializer[Any]):
    """Seed 003 §2.2, key by key."""

    totals = Totals()
    resources = ResourcesShape()
    health = HealthShape()
    recentEvents = RecentEvent(many=True)  # noqa: N815 - the seed's key
    topTenantsByUsage = TenantUsageShape(many=True)  # noqa: N815 - the seed's key


class CloudPodAdminViewSet(PortalViewSet):
    """The whole platform, for its administrators."""

    permissions: ClassVar[dict[str, str]] = {"*": Permission.OVERVIEW}
    pagination_class = None
    filter_backends = ()
    queryset = Deployment.objects.none()

    @extend_schema(responses=AdminOverviewShape)
    def overview(self, _request: Request) -> Response:
        """Totals, resources, health, recent events and the ten largest organisations."""
        found = admin_overview(actor=self.actor)
        overview_viewed(actor=self.actor, page="admin-overview")
        return Response(AdminOverviewShape(overview_json(found)).data)


def overview_json(found: AdminOverview) -> dict[str, Any]:
    """The overview under the seed's keys."""
    return {
        "totals": {
            "pods": {
                "total": found.total,
                "active": found.active,
                "error": found.error,
                "deleting": found.deleting,
            },
            "tenants": found.tenants,
        },
        "resources": {
            "cpuCores": _resource(found.cpu_cores),
            "memoryMb": _resource(found.memory_mb),
            "diskGb": _resource(found.disk_gb),
        },
        "health": {
            "unhealthyPods": found.unhealthy,
            "autoHealTriggeredLast24h": found.healed_24h,
        },
        "recentEvents": [_event(entry) for entry in found.events],
        "topTenantsByUsage": [
            {
                "tenantId": one.tenant_id,
                "name": one.name,
                "pods": one.pods,
                "cpuCores": one.cpu_cores,
                "memoryMb": one.memory_mb,
            }
            for one in found.top
        ],
    }


def _resource(resource: Resource) -> dict[str, int | None]:
    return {"allocated": resource.allocated, "usedApprox": resource.used_approx}


def _event(entry: Entry) -> dict[str, Any]:
    spec = tag_specs().get(entry.tag)
    return {
        "id": entry.pk,
        "tenantId": entry.tenant_id,
        "category": entry.category,
        "tag": entry.tag,
        "tagLabel": str(spec.label) if spec else entry.tag,
        "outcome": entry.outcome,
        "actor": entry.actor_label,
        "targetType": entry.target_type,
        "targetId": entry.target_id,
        "targetLabel": entry.target_label,
        "createdAt": entry.created_at,
    }
