"""Shapes of volumes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

import django_filters as filters
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from portal.kernel.api.fields import Choice, Text, Whole
from provisioning.api.serializers import (
    AttentionSerializer,
    CostSerializer,
    FaultSerializer,
    OperationBriefSerializer,
    PersonSerializer,
    VerdictSerializer,
)
from provisioning.logic.volumes import guest_path
from provisioning.models import Cluster, Volume
from provisioning.states import VolumeAction, VolumeStatus


class VolumeFilter(filters.FilterSet):
    """Field filters of the list."""

    status = filters.MultipleChoiceFilter(choices=VolumeStatus.choices)
    deployment_id = filters.UUIDFilter()
    owner_id = filters.UUIDFilter()
    name = filters.CharFilter(max_length=63)
    storage_pool = filters.CharFilter(max_length=60)
    has_attention = filters.BooleanFilter(
        field_name="attention", lookup_expr="isnull", exclude=True
    )
    search = filters.CharFilter(method="filter_search", max_length=63)

    class Meta:
        model = Volume
        fields: ClassVar[list[str]] = []

    def filter_search(self, queryset: QuerySet[Volume], _name: str, value: Any) -> QuerySet[Volume]:
        return queryset.filter(name__icontains=value)


class VolumeSerializer(serializers.ModelSerializer[Volume]):
    """A volume; `guest_path` is where a Linux guest finds it, `wanted_gb` what a growth asks for."""

    tenant_id = serializers.UUIDField(read_only=True)
    deployment_id = serializers.UUIDField(read_only=True, allow_null=True)
    owner = PersonSerializer(read_only=True)
    cluster: serializers.SlugRelatedField[Cluster] = serializers.SlugRelatedField(
        slug_field="code", read_only=True
    )
    status = Choice(choices=VolumeStatus.choices, read_only=True)
    action = Choice(choices=VolumeAction.choices, read_only=True, allow_blank=True)
    attention = AttentionSerializer(read_only=True, allow_null=True)
    guest_path = serializers.SerializerMethodField()
    price_hour = serializers.SerializerMethodField()

    class Meta:
        model = Volume
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "tenant_id",
            "deployment_id",
            "name",
            "size_gb",
            "wanted_gb",
            "storage_pool",
            "status",
            "action",
            "attention",
            "proxmox_volume_id",
            "slot",
            "guest_path",
            "cluster",
            "owner",
            "price_hour",
            "deleted_at",
            "created_at",
            "updated_at",
        )

    @extend_schema_field(serializers.CharField())
    def get_guest_path(self, volume: Volume) -> str:
        return guest_path(volume.pk)

    @extend_schema_field(serializers.DecimalField(max_digits=16, decimal_places=6))
    def get_price_hour(self, volume: Volume) -> str:
        return str(Decimal(volume.price_gb_hour) * volume.size_gb)


class VolumeAcceptedSerializer(VolumeSerializer):
    """A volume and the work that was started on it."""

    operation = OperationBriefSerializer(read_only=True)

    class Meta(VolumeSerializer.Meta):
        fields: ClassVar[tuple[str, ...]] = (*VolumeSerializer.Meta.fields, "operation")


@extend_schema_serializer(examples=[OpenApiExample("usual", {"name": "data-1", "size_gb": 20})])
class VolumeCreateSerializer(serializers.Serializer[Any]):
    """What may be asked for."""

    name = Text(max_length=63)
    size_gb = Whole(min_value=1, max_value=1_000_000)


class VolumeResizeSerializer(serializers.Serializer[Any]):
    """The new size; only a larger one."""

    size_gb = Whole(min_value=1, max_value=1_000_000)


class VolumeAttachSerializer(serializers.Serializer[Any]):
    """Where to; without a deployment where it was last."""

    deployment_id = serializers.UUIDField(required=False)


class VolumePlanSerializer(serializers.Serializer[Any]):
    """What a request would become; `is_allowed` is what a submit would decide now."""

    is_allowed = serializers.BooleanField()
    name = serializers.CharField()
    size_gb = serializers.IntegerField()
    storage_pool = serializers.CharField(source="storage")
    quota = VerdictSerializer(many=True)
    cost = CostSerializer()
    faults = FaultSerializer(many=True)
