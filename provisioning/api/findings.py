"""`/api/findings`: what differs between the clusters and uHub's rows, and what is decided about it."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters as filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from portal.kernel import context
from portal.kernel.api.fields import Choice, Text
from portal.kernel.api.views import PortalViewSet
from portal.kernel.authz import ANONYMOUS
from portal.kernel.tenancy import PLATFORM_TENANT_ID
from portal.models import Operation
from portal.selectors.operations import operation_brief
from provisioning.api.serializers import (
    DeploymentAcceptedSerializer,
    DeploymentSerializer,
    EmptySerializer,
    OperationBriefSerializer,
)
from provisioning.models import Cluster, Deployment, Finding
from provisioning.permissions import Permission
from provisioning.selectors.findings import finding_get, finding_list
from provisioning.selectors.watch import watched_list
from provisioning.services import decisions
from provisioning.services.adoption import AdoptionRequest, finding_adopt
from provisioning.services.dns.stale import names_leave, names_remove, names_repair
from provisioning.services.retired_disks import finding_delete_disks
from provisioning.services.watch import finding_destroy
from provisioning.states import FindingKind, FindingStatus, Resolution

_SHOWN = [choice for choice in FindingStatus.choices if choice[0] != FindingStatus.SUSPECTED]


class FindingFilter(filters.FilterSet):
    """Field filters of the list."""

    kind = filters.MultipleChoiceFilter(choices=FindingKind.choices)
    status = filters.MultipleChoiceFilter(choices=_SHOWN)
    cluster = filters.CharFilter(field_name="cluster__code", max_length=40)
    deployment_id = filters.UUIDFilter()
    vmid = filters.NumberFilter(min_value=0, max_value=999_999_999)

    class Meta:
        model = Finding
        fields: ClassVar[list[str]] = []


class FindingSerializer(serializers.ModelSerializer[Finding]):
    """A finding; `tenant_id` is null for what belongs to no organisation."""

    tenant_id = serializers.SerializerMethodField()
    cluster: serializers.SlugRelatedField[Cluster] = serializers.SlugRelatedField(
        slug_field="code", read_only=True
    )
    kind = Choice(choices=FindingKind.choices, read_only=True)
    status = Choice(choices=_SHOWN, read_only=True)
    resolution = Choice(choices=Resolution.choices, read_only=True, allow_blank=True)
    deployment_id = serializers.UUIDField(read_only=True, allow_null=True)
    expected = serializers.DictField(read_only=True)
    found = serializers.DictField(read_only=True)
    actions = serializers.SerializerMethodField()

    class Meta:
        model = Finding
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "tenant_id",
            "cluster",
            "vmid",
            "node",
            "kind",
            "status",
            "deployment_id",
            "expected",
            "found",
            "count",
            "first_seen_at",
            "last_seen_at",
            "resolution",
            "reason",
            "decided_by",
            "ended_at",
            "actions",
            "created_at",
            "updated_at",
        )

    @extend_schema_field(serializers.UUIDField(allow_null=True))
    def get_tenant_id(self, finding: Finding) -> str | None:
        is_platforms = finding.tenant_id == PLATFORM_TENANT_ID
        return None if is_platforms else str(finding.tenant_id)

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_actions(self, finding: Finding) -> list[str]:
        actor = context.current().actor or ANONYMOUS
        return decisions.actions_for(actor, finding)


class FindingAcceptedSerializer(FindingSerializer):
    """A finding and the work that was started about it."""

    operation = OperationBriefSerializer(read_only=True)

    class Meta(FindingSerializer.Meta):
        fields: ClassVar[tuple[str, ...]] = (*FindingSerializer.Meta.fields, "operation")


class FindingReasonSerializer(serializers.Serializer[Any]):
    """Why."""

    reason = Text(max_length=decisions.REASON_LIMIT)


class FindingAcceptSerializer(serializers.Serializer[Any]):
    """Why, which only a doubted listing needs."""

    reason = Text(max_length=decisions.REASON_LIMIT, required=False)


class FindingAdoptSerializer(serializers.Serializer[Any]):
    """To whom a machine is given, under which name, and as what."""

    tenant = Text(max_length=63)
    owner = Text(max_length=150)
    template = Text(max_length=60)
    name = Text(max_length=63)


class DisksDeleteSerializer(serializers.Serializer[Any]):
    """The number, typed by whoever means it."""

    typed = Text(max_length=12)


class WatchedSerializer(serializers.ModelSerializer[Deployment]):
    """A forgotten machine; `is_back` when it was seen again, `holds_volumes` until it is proven gone."""

    tenant_id = serializers.UUIDField(read_only=True)
    cluster: serializers.SlugRelatedField[Cluster] = serializers.SlugRelatedField(
        slug_field="code", read_only=True
    )
    is_back = serializers.BooleanField(read_only=True)
    holds_volumes = serializers.BooleanField(read_only=True)

    class Meta:
        model = Deployment
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "tenant_id",
            "name",
            "cluster",
            "vmid",
            "node",
            "deleted_at",
            "watched_until",
            "is_back",
            "holds_volumes",
        )


class FindingViewSet(PortalViewSet):
    """Findings of the organisation; platform staff see those of all and of none."""

    permissions: ClassVar[dict[str, str]] = {
        "*": Permission.FINDINGS_VIEW,
        "close": Permission.FINDINGS_MANAGE,
        "forget": Permission.FINDINGS_MANAGE,
        "accept": Permission.FINDINGS_MANAGE,
        "reapply": Permission.FINDINGS_MANAGE,
        "adopt": Permission.CLUSTERS_MANAGE,
        "delete_disks": Permission.CLUSTERS_MANAGE,
        "destroy_machine": Permission.CLUSTERS_MANAGE,
        "repair": Permission.FINDINGS_MANAGE,
        "remove": Permission.FINDINGS_MANAGE,
        "leave": Permission.FINDINGS_MANAGE,
    }
    serializer_class = FindingSerializer
    queryset = Finding.objects.none()
    filterset_class = FindingFilter
    ordering_fields = ("created_at", "last_seen_at", "kind", "status")
    http_method_names = ["get", "post", "head", "options"]

    def list(self, request: Request) -> Response:
        response: Response = self.page(finding_list(actor=self.actor), FindingSerializer)
        return response

    def retrieve(self, request: Request, pk: str) -> Response:
        return self._shown(finding_get(actor=self.actor, finding_id=pk))

    @extend_schema(request=FindingReasonSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str) -> Response:
        said = self.parsed(FindingReasonSerializer)
        return self._shown(decisions.finding_close(actor=self.actor, finding_id=pk, **said))

    @extend_schema(request=FindingReasonSerializer)
    @action(detail=True, methods=["post"])
    def forget(self, request: Request, pk: str) -> Response:
        said = self.parsed(FindingReasonSerializer)
        return self._shown(decisions.finding_forget(actor=self.actor, finding_id=pk, **said))

    @extend_schema(request=FindingAcceptSerializer)
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, pk: str) -> Response:
        said = self.parsed(FindingAcceptSerializer)
        return self._shown(decisions.finding_accept(actor=self.actor, finding_id=pk, **said))

    @extend_schema(request=EmptySerializer, responses={202: FindingAcceptedSerializer})
    @action(detail=True, methods=["post"])
    def reapply(self, request: Request, pk: str) -> Response:
        self.parsed(EmptySerializer)
        return self._begun(*decisions.finding_reapply(actor=self.actor, finding_id=pk))

    @extend_schema(request=FindingAdoptSerializer, responses={202: DeploymentAcceptedSerializer})
    @action(detail=True, methods=["post"])
    def adopt(self, request: Request, pk: str) -> Response:
        wanted = AdoptionRequest(**self.parsed(FindingAdoptSerializer))
        deployment, operation = finding_adopt(actor=self.actor, finding_id=pk, request=wanted)
        body = {**DeploymentSerializer(deployment).data, "operation": operation_brief(operation)}
        return Response(body, status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses=WatchedSerializer(many=True))
    @action(detail=False, methods=["get"], filterset_class=None)
    def watched(self, request: Request) -> Response:
        """Forgotten machines that may come back, the newest first."""
        response: Response = self.page(watched_list(actor=self.actor), WatchedSerializer)
        return response

    @extend_schema(request=DisksDeleteSerializer, responses={202: FindingAcceptedSerializer})
    @action(detail=True, methods=["post"], url_path="destroy")
    def destroy_machine(self, request: Request, pk: str) -> Response:
        """Destroys a forgotten machine that is back; `typed` is its number."""
        said = self.parsed(DisksDeleteSerializer)
        return self._begun(*finding_destroy(actor=self.actor, finding_id=pk, **said))

    @extend_schema(request=EmptySerializer)
    @action(detail=True, methods=["post"])
    def repair(self, request: Request, pk: str) -> Response:
        """Writes a machine's names again."""
        self.parsed(EmptySerializer)
        return self._shown(names_repair(actor=self.actor, finding_id=pk))

    @extend_schema(
        request=EmptySerializer,
        responses={200: FindingSerializer, 202: FindingAcceptedSerializer},
    )
    @action(detail=True, methods=["post"])
    def remove(self, request: Request, pk: str) -> Response:
        """Gives a machine's names up; names of nobody are removed by an operation (202)."""
        self.parsed(EmptySerializer)
        finding, operation = names_remove(actor=self.actor, finding_id=pk)
        return self._begun(finding, operation) if operation else self._shown(finding)

    @extend_schema(request=EmptySerializer)
    @action(detail=True, methods=["post"])
    def leave(self, request: Request, pk: str) -> Response:
        """Lets go of a machine's names; the name server keeps what it has."""
        self.parsed(EmptySerializer)
        return self._shown(names_leave(actor=self.actor, finding_id=pk))

    @extend_schema(request=DisksDeleteSerializer, responses={202: FindingAcceptedSerializer})
    @action(detail=True, methods=["post"], url_path="delete-disks")
    def delete_disks(self, request: Request, pk: str) -> Response:
        """Frees disks of nobody; `typed` is the number in their names."""
        said = self.parsed(DisksDeleteSerializer)
        return self._begun(*finding_delete_disks(actor=self.actor, finding_id=pk, **said))

    def _begun(self, finding: Finding, operation: Operation) -> Response:
        body = {**FindingSerializer(finding).data, "operation": operation_brief(operation)}
        return Response(body, status=status.HTTP_202_ACCEPTED)

    def _shown(self, finding: Finding) -> Response:
        return Response(FindingSerializer(finding).data)
