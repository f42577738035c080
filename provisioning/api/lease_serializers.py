"""Shapes of leases: extensions, requests, warnings."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from portal.kernel.api.fields import Choice, Text, Whole
from provisioning.api.serializers import DeploymentSerializer, PersonSerializer
from provisioning.logic.leases import HOURS_MOST
from provisioning.models import ExtensionRequest, LeaseWarning
from provisioning.states import LeaseEnd, RequestStatus


class ExtendSerializer(serializers.Serializer[Any]):
    """How many hours longer; below zero, shorter. A reason asks for what the rules do not give."""

    hours = Whole(min_value=-HOURS_MOST, max_value=HOURS_MOST)
    reason = Text(required=False, max_length=500, allow_blank=True)


class DecisionSerializer(serializers.Serializer[Any]):
    """Why it was decided so."""

    reason = Text(required=False, max_length=500, allow_blank=True)


class ExtensionRequestSerializer(serializers.ModelSerializer[ExtensionRequest]):
    """A request for more time."""

    tenant_id = serializers.UUIDField(read_only=True)
    deployment_id = serializers.UUIDField(read_only=True)
    deployment_name = serializers.CharField(source="deployment.name", read_only=True)
    status = Choice(choices=RequestStatus.choices, read_only=True)
    requester = PersonSerializer(read_only=True)
    decided_by = PersonSerializer(read_only=True, allow_null=True)

    class Meta:
        model = ExtensionRequest
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "tenant_id",
            "deployment_id",
            "deployment_name",
            "hours",
            "reason",
            "status",
            "requester",
            "decided_by",
            "decided_at",
            "decision_reason",
            "created_at",
            "updated_at",
        )
        read_only_fields: ClassVar[tuple[str, ...]] = fields


class DeploymentExtendedSerializer(DeploymentSerializer):
    """A deployment, and the request that its extension has become."""

    extension_request = ExtensionRequestSerializer(read_only=True)

    class Meta(DeploymentSerializer.Meta):
        fields: ClassVar[tuple[str, ...]] = (*DeploymentSerializer.Meta.fields, "extension_request")


class WarningRecipientSerializer(serializers.Serializer[Any]):
    """Whom a warning was sent to; `is_decisive` ones count as its delivery."""

    name = serializers.CharField()
    email = serializers.CharField()
    is_decisive = serializers.BooleanField()
    delivered_at = serializers.CharField(allow_null=True)
    failure = serializers.CharField(allow_blank=True)


class LeaseWarningSerializer(serializers.ModelSerializer[LeaseWarning]):
    """A warning that was sent before an end."""

    tenant_id = serializers.UUIDField(read_only=True)
    deployment_id = serializers.UUIDField(read_only=True)
    kind = Choice(choices=LeaseEnd.choices, read_only=True)
    recipients = WarningRecipientSerializer(many=True, read_only=True)

    class Meta:
        model = LeaseWarning
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "tenant_id",
            "deployment_id",
            "kind",
            "offset_hours",
            "lease_version",
            "ends_at",
            "recipients",
            "delivered_at",
            "failure",
            "created_at",
            "updated_at",
        )
        read_only_fields: ClassVar[tuple[str, ...]] = fields
