"""`/api/alerts`, `/api/alert-rules` and `/api/hosts`."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters as filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from portal.kernel.api.fields import Choice, Flag, Text
from portal.kernel.api.views import PortalViewSet
from portal.kernel.tenancy import PLATFORM_TENANT_ID
from provisioning.api.serializers import EmptySerializer
from provisioning.logic.alerting import AlertStatus, Operator, Severity
from provisioning.logic.measures import Metric, SubjectKind
from provisioning.models import Alert, AlertRule, HostKind, MonitoredHost
from provisioning.permissions import Permission
from provisioning.selectors.alerts import alert_get, alert_list, rule_get, rule_list
from provisioning.selectors.servers import host_list, server_get
from provisioning.services import hosts
from provisioning.services.alert_rules import (
    FOR_MOST_S,
    alert_acknowledge,
    rule_change,
    rule_create,
    rule_delete,
)

_SHOWN = [choice for choice in AlertStatus.choices if choice[0] != AlertStatus.PENDING]


class AlertFilter(filters.FilterSet):
    """Field filters of the list."""

    status = filters.MultipleChoiceFilter(choices=_SHOWN)
    severity = filters.MultipleChoiceFilter(choices=Severity.choices)
    subject_kind = filters.MultipleChoiceFilter(choices=SubjectKind.choices)
    subject_id = filters.UUIDFilter()

    class Meta:
        model = Alert
        fields: ClassVar[list[str]] = []


class OfTenant(serializers.ModelSerializer[Any]):
    """A row that may belong to no organisation."""

    tenant_id = serializers.SerializerMethodField()

    @extend_schema_field(serializers.UUIDField(allow_null=True))
    def get_tenant_id(self, row: Alert | AlertRule) -> str | None:
        return None if row.tenant_id == PLATFORM_TENANT_ID else str(row.tenant_id)


class AlertSerializer(OfTenant):
    """An alert; `tenant_id` is null for one of the platform's."""

    rule_id = serializers.UUIDField(read_only=True)
    rule = serializers.CharField(source="rule.name", read_only=True)
    metric = Choice(source="rule.metric", choices=Metric.choices, read_only=True)
    threshold = serializers.FloatField(source="rule.threshold", read_only=True)
    subject_kind = Choice(choices=SubjectKind.choices, read_only=True)
    severity = Choice(choices=Severity.choices, read_only=True)
    status = Choice(choices=_SHOWN, read_only=True)

    class Meta:
        model = Alert
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "tenant_id",
            "rule_id",
            "rule",
            "metric",
            "threshold",
            "subject_kind",
            "subject_id",
            "subject_name",
            "severity",
            "status",
            "value",
            "peak",
            "since",
            "seen_at",
            "fired_at",
            "resolved_at",
            "acknowledged_at",
            "acknowledged_by",
            "created_at",
            "updated_at",
        )


class AlertRuleSerializer(OfTenant):
    """A threshold; one with a `code` came with uHub and cannot be deleted."""

    subject_kind = Choice(choices=SubjectKind.choices)
    metric = Choice(choices=Metric.choices)
    operator = Choice(choices=Operator.choices)
    severity = Choice(choices=Severity.choices)

    class Meta:
        model = AlertRule
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "tenant_id",
            "code",
            "name",
            "subject_kind",
            "metric",
            "operator",
            "threshold",
            "hysteresis",
            "for_s",
            "severity",
            "is_active",
            "created_at",
            "updated_at",
        )


class AlertRuleChangeSerializer(serializers.Serializer[Any]):
    """Fields of a threshold to change."""

    name = Text(max_length=120, required=False)
    subject_kind = Choice(choices=SubjectKind.choices, required=False)
    metric = Choice(choices=Metric.choices, required=False)
    operator = Choice(choices=Operator.choices, required=False)
    threshold = serializers.FloatField(min_value=0, max_value=1e15, required=False)
    hysteresis = serializers.FloatField(min_value=0, max_value=1e15, required=False)
    for_s = serializers.IntegerField(min_value=0, max_value=FOR_MOST_S, required=False)
    severity = Choice(choices=Severity.choices, required=False)
    is_active = Flag(required=False)


class AlertRuleNewSerializer(AlertRuleChangeSerializer):
    """A threshold to set."""

    name = Text(max_length=120)
    subject_kind = Choice(choices=SubjectKind.choices)
    metric = Choice(choices=Metric.choices)
    threshold = serializers.FloatField(min_value=0, max_value=1e15)
    for_s = serializers.IntegerField(min_value=0, max_value=FOR_MOST_S)


class AlertViewSet(PortalViewSet):
    """Alerts of the organisation; platform staff see the platform's as well."""

    permissions: ClassVar[dict[str, str]] = {
        "*": Permission.ALERTS_VIEW,
        "acknowledge": Permission.ALERTS_MANAGE,
    }
    serializer_class = AlertSerializer
    queryset = Alert.objects.none()
    filterset_class = AlertFilter
    ordering_fields = ("created_at", "since", "severity", "status")
    http_method_names = ["get", "post", "head", "options"]

    def list(self, request: Request) -> Response:
        response: Response = self.page(alert_list(actor=self.actor), AlertSerializer)
        return response

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(AlertSerializer(alert_get(actor=self.actor, alert_id=pk)).data)

    @extend_schema(request=EmptySerializer)
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, pk: str) -> Response:
        self.parsed(EmptySerializer)
        alert = alert_acknowledge(actor=self.actor, alert_id=pk)
        return Response(AlertSerializer(alert).data)


class AlertRuleViewSet(PortalViewSet):
    """Thresholds of the organisation; platform staff set the platform's."""

    permissions: ClassVar[dict[str, str]] = {
        "*": Permission.ALERTS_MANAGE,
        "list": Permission.ALERTS_VIEW,
        "retrieve": Permission.ALERTS_VIEW,
        "metadata": Permission.ALERTS_VIEW,
    }
    serializer_class = AlertRuleSerializer
    queryset = AlertRule.objects.none()
    ordering_fields = ("name", "created_at")
    default_ordering = ("name", "id")
    filter_backends = ()
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    def list(self, request: Request) -> Response:
        response: Response = self.page(rule_list(actor=self.actor), AlertRuleSerializer)
        return response

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(AlertRuleSerializer(rule_get(actor=self.actor, rule_id=pk)).data)

    @extend_schema(request=AlertRuleNewSerializer, responses={201: AlertRuleSerializer})
    def create(self, request: Request) -> Response:
        rule = rule_create(actor=self.actor, values=self.parsed(AlertRuleNewSerializer))
        return Response(AlertRuleSerializer(rule).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=AlertRuleChangeSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        values = self.parsed(AlertRuleChangeSerializer)
        rule = rule_change(actor=self.actor, rule_id=pk, values=values)
        return Response(AlertRuleSerializer(rule).data)

    def destroy(self, request: Request, pk: str) -> Response:
        rule_delete(actor=self.actor, rule_id=pk)
        return Response(status=status.HTTP_204_NO_CONTENT)


class HostSerializer(OfTenant):
    """A host outside the clusters; `token_hint` are the last letters of its probe's token."""

    kind = Choice(choices=HostKind.choices, read_only=True)

    class Meta:
        model = MonitoredHost
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "tenant_id",
            "name",
            "kind",
            "note",
            "system",
            "interval_s",
            "token_hint",
            "created_at",
            "updated_at",
        )


class HostTokenSerializer(HostSerializer):
    """A host with its new token, which is told this once."""

    token = serializers.CharField(read_only=True)

    class Meta(HostSerializer.Meta):
        fields: ClassVar[tuple[str, ...]] = (*HostSerializer.Meta.fields, "token")


class HostNewSerializer(serializers.Serializer[Any]):
    """A host to be watched."""

    name = Text(max_length=120)
    note = Text(max_length=200, required=False, allow_blank=True)
    interval_s = serializers.IntegerField(
        min_value=hosts.INTERVAL_LEAST_S, max_value=hosts.INTERVAL_MOST_S, required=False
    )


class HostViewSet(PortalViewSet):
    """Hosts outside the clusters, and the tokens of their probes."""

    permissions: ClassVar[dict[str, str]] = {
        "*": Permission.HOSTS_MANAGE,
        "list": Permission.INFRASTRUCTURE_VIEW,
        "retrieve": Permission.INFRASTRUCTURE_VIEW,
        "metadata": Permission.INFRASTRUCTURE_VIEW,
    }
    secret_actions: ClassVar[frozenset[str]] = frozenset({"create", "token"})
    serializer_class = HostSerializer
    queryset = MonitoredHost.objects.none()
    ordering_fields = ("name", "created_at")
    default_ordering = ("name", "id")
    filter_backends = ()
    http_method_names = ["get", "post", "delete", "head", "options"]

    def list(self, request: Request) -> Response:
        response: Response = self.page(host_list(actor=self.actor), HostSerializer)
        return response

    def retrieve(self, request: Request, pk: str) -> Response:
        server = server_get(actor=self.actor, kind=SubjectKind.HOST, key=pk)
        return Response(HostSerializer(server.row).data)

    @extend_schema(request=HostNewSerializer, responses={201: HostTokenSerializer})
    def create(self, request: Request) -> Response:
        values = self.parsed(HostNewSerializer)
        host, token = hosts.host_add(actor=self.actor, tenant_id=self.tenant_id(), **values)
        return self._with_token(host, token, status.HTTP_201_CREATED)

    @extend_schema(request=EmptySerializer, responses=HostTokenSerializer)
    @action(detail=True, methods=["post"])
    def token(self, request: Request, pk: str) -> Response:
        self.parsed(EmptySerializer)
        return self._with_token(*hosts.host_token_make(actor=self.actor, host_id=pk))

    @extend_schema(request=EmptySerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        self.parsed(EmptySerializer)
        host = hosts.host_token_revoke(actor=self.actor, host_id=pk)
        return Response(HostSerializer(host).data)

    def destroy(self, request: Request, pk: str) -> Response:
        hosts.host_remove(actor=self.actor, host_id=pk)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _with_token(
        self, host: MonitoredHost, token: str, code: int = status.HTTP_200_OK
    ) -> Response:
        return Response({**HostSerializer(host).data, "token": token}, status=code)
