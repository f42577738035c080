"""`/api/dns-zones`, `/api/dns-servers` and the names of a machine."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters as filters
from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from billing.models import Tenant
from portal.kernel.api.fields import Choice, Flag, Text, Whole
from portal.kernel.api.views import PortalViewSet
from portal.kernel.errors import Fault
from portal.kernel.tenancy import PLATFORM
from portal.models import Operation
from portal.selectors.operations import operation_brief
from provisioning.api.belongings import BehindMachine
from provisioning.api.serializers import (
    AttentionSerializer,
    EmptySerializer,
    OperationBriefSerializer,
)
from provisioning.errors import DeploymentInvalid
from provisioning.models import DnsRecord, DnsServer, DnsZone
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_get
from provisioning.selectors.dns import (
    record_get,
    records_of,
    server_get,
    server_list,
    zone_get,
    zone_list,
)
from provisioning.services.dns import naming, records, servers
from provisioning.states import DnsStatus, DnsType, ZoneKind


class DnsRecordFilter(filters.FilterSet):
    """Field filters of the list."""

    status = filters.MultipleChoiceFilter(choices=DnsStatus.choices)
    type = filters.MultipleChoiceFilter(choices=DnsType.choices)
    zone_name = filters.CharFilter(max_length=253)

    class Meta:
        model = DnsRecord
        fields: ClassVar[list[str]] = []


class DnsRecordSerializer(serializers.ModelSerializer[DnsRecord]):
    """A name of a machine; `found` is what the name server had when that was not ours."""

    tenant_id = serializers.UUIDField(read_only=True)
    deployment_id = serializers.UUIDField(read_only=True)
    zone_id = serializers.UUIDField(read_only=True)
    type = Choice(choices=DnsType.choices, read_only=True)
    status = Choice(choices=DnsStatus.choices, read_only=True)
    attention = AttentionSerializer(read_only=True, allow_null=True)
    found = serializers.ListField(child=serializers.CharField(), read_only=True, allow_null=True)

    class Meta:
        model = DnsRecord
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "tenant_id",
            "deployment_id",
            "zone_id",
            "zone_name",
            "hostname",
            "ip_address",
            "type",
            "ttl",
            "status",
            "attention",
            "found",
            "is_extra",
            "last_checked_at",
            "removed_at",
            "created_at",
            "updated_at",
        )


class DnsRecordAcceptedSerializer(DnsRecordSerializer):
    """A name and the work that was started on it; none while the machine has no address."""

    operation = OperationBriefSerializer(read_only=True, allow_null=True)

    class Meta(DnsRecordSerializer.Meta):
        fields: ClassVar[tuple[str, ...]] = (*DnsRecordSerializer.Meta.fields, "operation")


class DnsRecordCreateSerializer(serializers.Serializer[Any]):
    """One more name; without an address it follows the machine's own."""

    hostname = Text(max_length=253)
    ip_address = Text(max_length=45, required=False)


_ACCEPTED = {202: DnsRecordAcceptedSerializer}


class DnsRecordViewSet(BehindMachine):
    """The names of one machine."""

    permissions: ClassVar[dict[str, str]] = {
        "*": Permission.DNS_VIEW,
        "create": Permission.DNS_MANAGE,
        "destroy": Permission.DNS_MANAGE,
        "give_name": Permission.DNS_MANAGE,
        "set_again": Permission.DNS_MANAGE,
        "accept": Permission.DNS_MANAGE,
    }
    serializer_class = DnsRecordSerializer
    queryset = DnsRecord.objects.none()
    filterset_class = DnsRecordFilter
    ordering_fields = ("created_at", "hostname", "status")
    http_method_names = ["get", "post", "delete", "head", "options"]

    def list(self, request: Request, deployment_id: str) -> Response:
        deployment = deployment_get(actor=self.actor, deployment_id=deployment_id)
        rows = records_of(actor=self.actor, deployment=deployment)
        response: Response = self.page(rows, DnsRecordSerializer)
        return response

    @extend_schema(request=DnsRecordCreateSerializer, responses=_ACCEPTED)
    def create(self, request: Request, deployment_id: str) -> Response:
        deployment_get(actor=self.actor, deployment_id=deployment_id)
        wanted = self.parsed(DnsRecordCreateSerializer)
        return _accepted(
            *records.record_add(actor=self.actor, deployment_id=deployment_id, **wanted)
        )

    def retrieve(self, request: Request, deployment_id: str, pk: str) -> Response:
        deployment = deployment_get(actor=self.actor, deployment_id=deployment_id)
        record = record_get(actor=self.actor, record_id=pk, deployment_id=deployment.pk)
        return Response(DnsRecordSerializer(record).data)

    @extend_schema(responses=_ACCEPTED)
    def destroy(self, request: Request, deployment_id: str, pk: str) -> Response:
        return _accepted(*records.record_remove(**self._key(deployment_id, pk)))

    @extend_schema(request=EmptySerializer, responses=_ACCEPTED)
    @action(detail=False, methods=["post"], filterset_class=None, url_path="give-name")
    def give_name(self, request: Request, deployment_id: str) -> Response:
        """Give a machine without one its own name, as if it were made today."""
        self.parsed(EmptySerializer)
        return _accepted(*naming.name_give(actor=self.actor, deployment_id=deployment_id))

    @extend_schema(request=EmptySerializer, responses=_ACCEPTED)
    @action(detail=True, methods=["post"], url_path="set-again")
    def set_again(self, request: Request, deployment_id: str, pk: str) -> Response:
        """Write our content once more; somebody else's is still not overwritten."""
        self.parsed(EmptySerializer)
        return _accepted(*records.record_set_again(**self._key(deployment_id, pk)))

    @extend_schema(request=EmptySerializer, responses=DnsRecordSerializer)
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, deployment_id: str, pk: str) -> Response:
        """Leave the name to the name server, as it is there."""
        self.parsed(EmptySerializer)
        record = records.record_let_go(**self._key(deployment_id, pk))
        return Response(DnsRecordSerializer(record).data)

    def _key(self, deployment_id: str, pk: str) -> dict[str, Any]:
        return {"actor": self.actor, "deployment_id": deployment_id, "record_id": pk}


class DnsZoneFilter(filters.FilterSet):
    """Field filters of the list."""

    kind = filters.MultipleChoiceFilter(choices=ZoneKind.choices)
    is_active = filters.BooleanFilter()

    class Meta:
        model = DnsZone
        fields: ClassVar[list[str]] = []


class DnsZoneSerializer(serializers.ModelSerializer[DnsZone]):
    """A zone; `organisation_id` is null for one that is offered to all."""

    organisation_id = serializers.UUIDField(read_only=True, allow_null=True)
    server: serializers.SlugRelatedField[DnsServer] = serializers.SlugRelatedField(
        slug_field="code", read_only=True
    )
    kind = Choice(choices=ZoneKind.choices, read_only=True)
    attention = AttentionSerializer(read_only=True, allow_null=True)

    class Meta:
        model = DnsZone
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "organisation_id",
            "name",
            "kind",
            "server",
            "ttl",
            "is_default",
            "is_active",
            "checked_at",
            "attention",
            "created_at",
            "updated_at",
        )


class DnsZoneCreateSerializer(serializers.Serializer[Any]):
    """A further zone: of the organisation with that short name, or offered to all."""

    name = Text(max_length=253)
    server = Text(max_length=40)
    organisation = Text(max_length=63, required=False)
    ttl = Whole(required=False, min_value=30, max_value=604_800)
    is_default = Flag(required=False)


class DnsZoneChangeSerializer(serializers.Serializer[Any]):
    """What is changed; taking a zone out of use is platform staff's."""

    ttl = Whole(required=False, min_value=30, max_value=604_800)
    is_default = Flag(required=False)
    is_active = Flag(required=False)


class DnsZoneAcceptedSerializer(DnsZoneSerializer):
    """A zone and the check that was asked for."""

    operation = OperationBriefSerializer(read_only=True)

    class Meta(DnsZoneSerializer.Meta):
        fields: ClassVar[tuple[str, ...]] = (*DnsZoneSerializer.Meta.fields, "operation")


class NameGivenSerializer(serializers.Serializer[Any]):
    """What became of one machine: the name it got, or why it got none."""

    deployment_id = serializers.UUIDField(source="deployment.pk", read_only=True)
    name = serializers.CharField(source="deployment.name", read_only=True)
    hostname = serializers.CharField(read_only=True)
    reason = serializers.CharField(read_only=True)


class NamesGivenSerializer(serializers.Serializer[Any]):
    """What became of the machines without a name, the oldest hundred first."""

    given = serializers.IntegerField(read_only=True)
    results = NameGivenSerializer(many=True, read_only=True)


class DnsZoneViewSet(PortalViewSet):
    """Zones of the organisation and those offered to all; every zone for platform staff."""

    permissions: ClassVar[dict[str, str]] = {
        "*": Permission.DNS_VIEW,
        "create": Permission.CLUSTERS_MANAGE,
        "partial_update": Permission.ZONES_MANAGE,
        "check": Permission.DNS_MANAGE,
        "give_names": Permission.DNS_MANAGE,
    }
    serializer_class = DnsZoneSerializer
    queryset = DnsZone.objects.none()
    filterset_class = DnsZoneFilter
    ordering_fields = ("name", "created_at")
    default_ordering = ("name", "id")
    http_method_names = ["get", "post", "patch", "head", "options"]

    def list(self, request: Request) -> Response:
        response: Response = self.page(zone_list(actor=self.actor), DnsZoneSerializer)
        return response

    @extend_schema(request=DnsZoneCreateSerializer, responses={201: DnsZoneSerializer})
    def create(self, request: Request) -> Response:
        wanted = self.parsed(DnsZoneCreateSerializer)
        server = server_list(actor=self.actor).filter(code=wanted.pop("server")).first()
        slug = wanted.pop("organisation", None)
        tenant = Tenant.objects.using(PLATFORM).filter(slug=slug).first() if slug else None
        if server is None:
            raise _unknown("server", gettext("There is no such name server."))
        if slug and tenant is None:
            raise _unknown("organisation", gettext("There is no such organisation."))
        zone = servers.zone_save(
            actor=self.actor, server=server, organisation=tenant, is_new=True, **wanted
        )
        return Response(DnsZoneSerializer(zone).data, status=status.HTTP_201_CREATED)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(DnsZoneSerializer(zone_get(actor=self.actor, zone_id=pk)).data)

    @extend_schema(request=DnsZoneChangeSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        wanted = self.parsed(DnsZoneChangeSerializer)
        zone = servers.zone_change(actor=self.actor, zone_id=pk, **wanted)
        return Response(DnsZoneSerializer(zone).data)

    @extend_schema(request=EmptySerializer, responses=NamesGivenSerializer)
    @action(detail=True, methods=["post"], url_path="give-names")
    def give_names(self, request: Request, pk: str) -> Response:
        """Give the caller's machines without a name theirs, where this zone is the one for it."""
        self.parsed(EmptySerializer)
        results = naming.names_give(actor=self.actor, zone_id=pk)
        given = sum(bool(one.hostname) for one in results)
        return Response(NamesGivenSerializer({"given": given, "results": results}).data)

    @extend_schema(request=EmptySerializer, responses={202: DnsZoneAcceptedSerializer})
    @action(detail=True, methods=["post"])
    def check(self, request: Request, pk: str) -> Response:
        """Compare the zone with its name server now."""
        self.parsed(EmptySerializer)
        operation = servers.zone_check(actor=self.actor, zone_id=pk)
        zone = zone_get(actor=self.actor, zone_id=pk)
        body = {**DnsZoneSerializer(zone).data, "operation": operation_brief(operation)}
        return Response(body, status=status.HTTP_202_ACCEPTED)


class DnsServerSerializer(serializers.ModelSerializer[DnsServer]):
    """A name server; its key is never shown."""

    nameservers = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = DnsServer
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "code",
            "name",
            "provider",
            "url",
            "server_id",
            "resolver",
            "nameservers",
            "is_active",
            "last_seen_at",
            "last_error",
            "created_at",
            "updated_at",
        )


class DnsServerAcceptedSerializer(DnsServerSerializer):
    """A name server and the test that was asked for."""

    operation = OperationBriefSerializer(read_only=True)

    class Meta(DnsServerSerializer.Meta):
        fields: ClassVar[tuple[str, ...]] = (*DnsServerSerializer.Meta.fields, "operation")


class DnsServerViewSet(PortalViewSet):
    """Name servers, for platform staff."""

    permissions: ClassVar[dict[str, str]] = {"*": Permission.CLUSTERS_MANAGE}
    serializer_class = DnsServerSerializer
    queryset = DnsServer.objects.none()
    ordering_fields = ("code", "created_at")
    default_ordering = ("code", "id")
    filter_backends = ()
    http_method_names = ["get", "post", "head", "options"]

    def list(self, request: Request) -> Response:
        response: Response = self.page(server_list(actor=self.actor), DnsServerSerializer)
        return response

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(DnsServerSerializer(server_get(actor=self.actor, server_id=pk)).data)

    @extend_schema(request=EmptySerializer, responses={202: DnsServerAcceptedSerializer})
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """Ask the server for its version: address, certificate and key are proven by it."""
        self.parsed(EmptySerializer)
        operation = servers.server_test(actor=self.actor, server_id=pk)
        server = server_get(actor=self.actor, server_id=pk)
        body = {**DnsServerSerializer(server).data, "operation": operation_brief(operation)}
        return Response(body, status=status.HTTP_202_ACCEPTED)


def _accepted(record: DnsRecord, operation: Operation | None) -> Response:
    brief = operation_brief(operation) if operation is not None else None
    body = {**DnsRecordSerializer(record).data, "operation": brief}
    return Response(body, status=status.HTTP_202_ACCEPTED)


def _unknown(field: str, message: str) -> DeploymentInvalid:
    return DeploymentInvalid(faults=(Fault(field, "not_found", message),))
