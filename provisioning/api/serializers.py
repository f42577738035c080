"""Shapes of the provisioning API: one serializer in, one out."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from portal.kernel.api.fields import Choice, Flag, Text, Whole
from portal.kernel.api.guards import GuardedFields
from provisioning.models import Cluster, Deployment, Template
from provisioning.permissions import Permission
from provisioning.selectors.prices import default_price_hour
from provisioning.services.plan import DeploymentPlan
from provisioning.states import DeploymentStatus, Health

_OPERATOR_FIELDS = (
    "proxmox_template_vmid",
    "default_node",
    "storage_pool",
    "network_bridge",
)


class PersonSerializer(serializers.Serializer[Any]):
    """A person, in short."""

    id = serializers.UUIDField()
    username = serializers.CharField()
    display_name = serializers.CharField()


class LimitsSerializer(serializers.Serializer[Any]):
    """Bounds and default of one figure."""

    minimum = serializers.IntegerField()
    default = serializers.IntegerField()
    maximum = serializers.IntegerField()


class TemplateSerializer(GuardedFields, serializers.ModelSerializer[Template]):
    """A template as tenants see it; operators see where it lives, too."""

    guarded_fields: ClassVar[dict[str, str]] = dict.fromkeys(_OPERATOR_FIELDS, Permission.MANAGE)
    price_hour = serializers.SerializerMethodField()
    currency = serializers.SerializerMethodField()
    limits = serializers.SerializerMethodField()

    class Meta:
        model = Template
        fields = (
            "id",
            "code",
            "name",
            "type",
            "description",
            "cpu_cores_default",
            "memory_mb_default",
            "disk_gb_default",
            "limits",
            "app_stack",
            "install_options",
            "bootstrap",
            "tags",
            "minimum_plan_code",
            "version",
            "is_active",
            "price_hour",
            "currency",
            *_OPERATOR_FIELDS,
            "created_at",
            "updated_at",
        )

    @extend_schema_field(serializers.DecimalField(max_digits=12, decimal_places=6))
    def get_price_hour(self, template: Template) -> str:
        return str(default_price_hour(template))

    @extend_schema_field(serializers.CharField())
    def get_currency(self, _template: Template) -> str:
        return "EUR"

    @extend_schema_field(serializers.DictField(child=LimitsSerializer()))
    def get_limits(self, template: Template) -> dict[str, dict[str, int]]:
        names = ("minimum", "default", "maximum")
        return {
            dimension: dict(zip(names, template.limits(dimension), strict=True))
            for dimension in ("cpu_cores", "memory_mb", "disk_gb")
        }


class AttentionSerializer(serializers.Serializer[Any]):
    """What a person must do."""

    code = serializers.CharField()
    message = serializers.CharField()
    command = serializers.CharField(allow_blank=True)


class OperationBriefSerializer(serializers.Serializer[Any]):
    """The work behind an answer 202."""

    id = serializers.UUIDField()
    status = serializers.CharField()
    href = serializers.CharField()


class PlacementReasonSerializer(serializers.Serializer[Any]):
    """Why a place was refused, with the numbers where there are any."""

    code = serializers.CharField()
    message = serializers.CharField()
    free = serializers.IntegerField(allow_null=True)
    needed = serializers.IntegerField(allow_null=True)


class CandidateSerializer(serializers.Serializer[Any]):
    """One place that was looked at; `score` is what stays free on the whole, null where it was refused."""

    cluster = serializers.CharField()
    node = serializers.CharField()
    storage = serializers.CharField()
    source_node = serializers.CharField()
    source_vmid = serializers.IntegerField()
    score = serializers.FloatField(allow_null=True)
    is_chosen = serializers.BooleanField()
    reasons = PlacementReasonSerializer(many=True)


class PlacementSerializer(GuardedFields, serializers.Serializer[Any]):
    """Where it is made, and why. Node, storage and candidates are for those who may see infrastructure."""

    guarded_fields: ClassVar[dict[str, str]] = dict.fromkeys(
        ("node", "storage", "candidates"), Permission.INFRASTRUCTURE_VIEW
    )
    instead: ClassVar[dict[str, Any]] = {"node": None, "storage": None, "candidates": []}
    fits = serializers.BooleanField()
    cluster = serializers.CharField()
    node = serializers.CharField(allow_null=True)
    storage = serializers.CharField(allow_null=True)
    reason = serializers.CharField()
    candidates = CandidateSerializer(many=True)


class DeploymentSerializer(serializers.ModelSerializer[Deployment]):
    """A deployment."""

    template: serializers.SlugRelatedField[Template] = serializers.SlugRelatedField(
        slug_field="code", read_only=True
    )
    owner = PersonSerializer(read_only=True)
    owner_id = serializers.UUIDField(read_only=True)
    tenant_id = serializers.UUIDField(read_only=True)
    cluster: serializers.SlugRelatedField[Cluster] = serializers.SlugRelatedField(
        slug_field="code", read_only=True
    )
    status = Choice(choices=DeploymentStatus.choices, read_only=True)
    health = Choice(choices=Health.choices, read_only=True)
    health_probe = serializers.DictField(read_only=True, allow_null=True)
    attention = AttentionSerializer(read_only=True, allow_null=True)
    ip_addresses = serializers.ListField(child=serializers.CharField(), read_only=True)
    tags = serializers.ListField(child=serializers.CharField(), read_only=True)
    placement = PlacementSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Deployment
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "tenant_id",
            "owner_id",
            "name",
            "hostname",
            "template",
            "template_version",
            "status",
            "health",
            "auto_heal",
            "health_probe",
            "attention",
            "cpu_cores",
            "memory_mb",
            "disk_gb",
            "ip_addresses",
            "parameters",
            "tags",
            "hold",
            "hold_reason",
            "is_protected",
            "cluster",
            "node",
            "vmid",
            "placement",
            "price_hour",
            "ttl_hours",
            "expires_at",
            "expired_at",
            "delete_after",
            "lease_version",
            "ready_at",
            "deleted_at",
            "owner",
            "created_at",
            "updated_at",
        )


class DeploymentAcceptedSerializer(DeploymentSerializer):
    """A deployment and the work that was started on it."""

    operation = OperationBriefSerializer(read_only=True)

    class Meta(DeploymentSerializer.Meta):
        fields: ClassVar[tuple[str, ...]] = (*DeploymentSerializer.Meta.fields, "operation")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "usual", {"template": "wordpress", "name": "web-1", "cpu_cores": 2, "ttl_hours": 72}
        )
    ]
)
class DeploymentCreateSerializer(serializers.Serializer[Any]):
    """What may be asked for."""

    template = Text(max_length=60)
    name = Text(max_length=63)
    cpu_cores = Whole(required=False, min_value=1, max_value=1_000)
    memory_mb = Whole(required=False, min_value=1, max_value=10_000_000)
    disk_gb = Whole(required=False, min_value=1, max_value=1_000_000)
    ttl_hours = Whole(required=False, min_value=1, max_value=1_000_000)
    hostname = Text(required=False, max_length=253)
    parameters = serializers.DictField(required=False)
    tags = serializers.ListField(child=Text(max_length=40), required=False, max_length=20)


class DeploymentChangeSerializer(serializers.Serializer[Any]):
    """What may be changed in place."""

    name = Text(max_length=63, required=False)
    tags = serializers.ListField(child=Text(max_length=40), required=False, max_length=20)
    hold = Flag(required=False)
    hold_reason = Text(max_length=200, required=False, allow_blank=True)
    auto_heal = Flag(required=False)
    health_probe = serializers.DictField(required=False, allow_null=True)


class StopSerializer(serializers.Serializer[Any]):
    """How to stop."""

    mode = Choice(choices=["shutdown", "force"], default="shutdown")


@extend_schema_serializer(examples=[OpenApiExample("usual", {"memory_mb": 4096})])
class ResizeSerializer(serializers.Serializer[Any]):
    """Other figures; at least one."""

    cpu_cores = Whole(required=False, min_value=1, max_value=1_000)
    memory_mb = Whole(required=False, min_value=1, max_value=10_000_000)
    disk_gb = Whole(required=False, min_value=1, max_value=1_000_000)


class EmptySerializer(serializers.Serializer[Any]):
    """No body."""


class VerdictSerializer(serializers.Serializer[Any]):
    """One quota dimension before and after; `limit` null is unlimited."""

    dimension = serializers.CharField()
    limit = serializers.IntegerField(allow_null=True)
    used = serializers.IntegerField()
    requested = serializers.IntegerField()
    after = serializers.IntegerField()
    is_allowed = serializers.BooleanField()


class CostSerializer(serializers.Serializer[Any]):
    """Amounts in `currency`."""

    currency = serializers.CharField()
    per_hour = serializers.DecimalField(max_digits=16, decimal_places=6)
    per_day = serializers.DecimalField(max_digits=16, decimal_places=2)
    per_month = serializers.DecimalField(max_digits=16, decimal_places=2)
    total = serializers.DecimalField(max_digits=16, decimal_places=2, allow_null=True)


class PolicySerializer(serializers.Serializer[Any]):
    """One rule that was asked."""

    code = serializers.CharField()
    level = serializers.CharField()
    message = serializers.CharField()


class FaultSerializer(serializers.Serializer[Any]):
    """One fault of one field."""

    attr = serializers.CharField(source="field", allow_null=True)
    code = serializers.CharField()
    detail = serializers.CharField(source="message")


class PlanNameSerializer(serializers.Serializer[Any]):
    """The zone of the full name; without one, `reason` says why nobody will find the machine by it."""

    zone = serializers.CharField(source="zone_name", allow_blank=True)
    reason = serializers.CharField(allow_blank=True)


class PlanSerializer(serializers.Serializer[Any]):
    """What a request would become; `is_allowed` is what a submit would decide now."""

    is_allowed = serializers.BooleanField()
    name = serializers.CharField()
    hostname = serializers.CharField()
    dns = PlanNameSerializer()
    template = serializers.SerializerMethodField()
    ttl_hours = serializers.IntegerField()
    expires_at = serializers.DateTimeField()
    delete_after = serializers.DateTimeField()
    parameters = serializers.DictField()
    tags = serializers.ListField(child=serializers.CharField())
    quota = VerdictSerializer(many=True)
    cost = CostSerializer()
    policies = PolicySerializer(many=True)
    placement = PlacementSerializer()
    faults = FaultSerializer(many=True)

    def get_template(self, plan: DeploymentPlan) -> str:
        return plan.template.code
