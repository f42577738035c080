"""`/api/hooks` and `/api/hook-runs`: what is done around a machine's life, and how that went."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from portal.kernel.api.fields import Choice, Text
from portal.kernel.api.views import PortalViewSet
from portal.selectors.operations import operation_brief
from provisioning.api.serializers import OperationBriefSerializer
from provisioning.logic.hook_rules import NAME_LIMIT, TIMEOUT_S, HookConfig
from provisioning.logic.hook_states import HookEvent, HookType, OnFailure, RunStatus
from provisioning.models import Hook, HookRun
from provisioning.permissions import Permission
from provisioning.selectors.hooks import hook_get, hook_list, run_get, run_list
from provisioning.services import hooks
from provisioning.services.hooks import HookRequest


class HookConfigSerializer(serializers.Serializer[Any]):
    """How a hook runs; of secret values only the names are ever shown."""

    headers = serializers.DictField(child=Text(max_length=2000, allow_blank=True), required=False)
    env = serializers.DictField(child=Text(max_length=2000, allow_blank=True), required=False)
    timeout = serializers.IntegerField(default=TIMEOUT_S, min_value=1, max_value=3600)
    blocking = serializers.BooleanField(default=False)
    on_failure = Choice(choices=OnFailure.choices, default=OnFailure.OPEN)
    is_idempotent = serializers.BooleanField(default=False)
    secret_headers = serializers.ListField(child=serializers.CharField(), read_only=True)
    secret_env = serializers.ListField(child=serializers.CharField(), read_only=True)


class HookSerializer(serializers.ModelSerializer[Hook]):
    """A hook."""

    event = Choice(choices=HookEvent.choices, read_only=True)
    type = Choice(choices=HookType.choices, read_only=True)
    config = HookConfigSerializer(read_only=True)

    class Meta:
        model = Hook
        fields: ClassVar[tuple[str, ...]] = (
            *("id", "tenant_id", "name", "event", "type", "target", "is_active", "config"),
            *("created_at", "updated_at"),
        )


class HookRequestSerializer(serializers.Serializer[Any]):
    """What a hook is to be; `secrets` are further headers or variables that nobody is shown again."""

    name = Text(max_length=NAME_LIMIT)
    event = Choice(choices=HookEvent.choices)
    type = Choice(choices=HookType.choices)
    target = Text(max_length=2048)
    is_active = serializers.BooleanField(default=True)
    config = HookConfigSerializer(required=False)
    secrets = serializers.DictField(
        child=Text(max_length=2000), required=False, write_only=True, allow_null=True
    )


class HookChangeSerializer(HookRequestSerializer):
    """The same; what is not given stays as it is."""

    name = Text(max_length=NAME_LIMIT, required=False)
    event = Choice(choices=HookEvent.choices, required=False)
    type = Choice(choices=HookType.choices, required=False)
    target = Text(max_length=2048, required=False)
    is_active = serializers.BooleanField(required=False)


class HookRunSerializer(serializers.ModelSerializer[HookRun]):
    """One run of a hook; `code` is the exit status or the HTTP status."""

    hook_id = serializers.UUIDField(read_only=True, allow_null=True)
    deployment_id = serializers.UUIDField(read_only=True, allow_null=True)
    event = Choice(choices=HookEvent.choices, read_only=True)
    type = Choice(choices=HookType.choices, read_only=True)
    status = Choice(choices=RunStatus.choices, read_only=True)
    on_failure = Choice(choices=OnFailure.choices, read_only=True)
    payload = serializers.DictField(read_only=True)

    class Meta:
        model = HookRun
        fields: ClassVar[tuple[str, ...]] = (
            *("id", "hook_id", "hook_name", "event", "type", "deployment_id", "operation_id"),
            *("is_blocking", "on_failure", "status", "attempts", "code", "reason", "output"),
            *("payload", "duration_ms", "started_at", "ended_at", "decided_by"),
            *("created_at", "updated_at"),
        )


class HookRunSkippedSerializer(HookRunSerializer):
    """The run, and the deletion that goes on."""

    operation = OperationBriefSerializer(read_only=True)

    class Meta(HookRunSerializer.Meta):
        fields: ClassVar[tuple[str, ...]] = (*HookRunSerializer.Meta.fields, "operation")


class SkipSerializer(serializers.Serializer[Any]):
    """Why."""

    reason = Text(max_length=500)


class ScriptsSerializer(serializers.Serializer[Any]):
    """The approved scripts."""

    scripts = serializers.ListField(child=serializers.CharField(), read_only=True)


class HookFilter(filters.FilterSet):
    """Field filters of the list."""

    event = filters.MultipleChoiceFilter(choices=HookEvent.choices)
    type = filters.ChoiceFilter(choices=HookType.choices)
    is_active = filters.BooleanFilter()

    class Meta:
        model = Hook
        fields: ClassVar[list[str]] = []


class HookRunFilter(filters.FilterSet):
    """Field filters of the list."""

    hook_id = filters.UUIDFilter()
    deployment_id = filters.UUIDFilter()
    event = filters.MultipleChoiceFilter(choices=HookEvent.choices)
    status = filters.MultipleChoiceFilter(choices=RunStatus.choices)

    class Meta:
        model = HookRun
        fields: ClassVar[list[str]] = []


class HookViewSet(PortalViewSet):
    """Hooks of the organisation."""

    permissions: ClassVar[dict[str, str]] = {
        "*": Permission.HOOKS_VIEW,
        "create": Permission.HOOKS_MANAGE,
        "partial_update": Permission.HOOKS_MANAGE,
        "destroy": Permission.HOOKS_MANAGE,
    }
    serializer_class = HookSerializer
    queryset = Hook.objects.none()
    filterset_class = HookFilter
    ordering_fields = ("created_at", "name", "event")
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    def list(self, request: Request) -> Response:
        response: Response = self.page(hook_list(actor=self.actor), HookSerializer)
        return response

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(HookSerializer(hook_get(actor=self.actor, hook_id=pk)).data)

    @extend_schema(request=HookRequestSerializer, responses={201: HookSerializer})
    def create(self, request: Request) -> Response:
        said = self.parsed(HookRequestSerializer)
        wanted = HookRequest(**{**said, "config": HookConfig.read(said.get("config") or {})})
        hook = hooks.hook_create(actor=self.actor, tenant_id=self.tenant_id(), request=wanted)
        return Response(HookSerializer(hook).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=HookChangeSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        said = self.parsed(HookChangeSerializer)
        known = hook_get(actor=self.actor, hook_id=pk)
        values: dict[str, Any] = {
            name: getattr(known, name) for name in ("name", "event", "type", "target", "is_active")
        }
        config = HookConfig.read(said.pop("config") if "config" in said else known.config)
        wanted = HookRequest(**{**values, **said, "config": config})
        hook = hooks.hook_change(actor=self.actor, hook_id=pk, request=wanted)
        return Response(HookSerializer(hook).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        hooks.hook_delete(actor=self.actor, hook_id=pk)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses=ScriptsSerializer, filters=False)
    @action(detail=False, methods=["get"], pagination_class=None)
    def scripts(self, request: Request) -> Response:
        return Response({"scripts": list(hooks.hook_scripts(actor=self.actor))})


class HookRunViewSet(PortalViewSet):
    """Runs of hooks."""

    permissions: ClassVar[dict[str, str]] = {
        "*": Permission.HOOKS_VIEW,
        "skip": Permission.HOOKS_MANAGE,
    }
    serializer_class = HookRunSerializer
    queryset = HookRun.objects.none()
    filterset_class = HookRunFilter
    ordering_fields = ("created_at", "ended_at")
    http_method_names = ["get", "post", "head", "options"]

    def list(self, request: Request) -> Response:
        response: Response = self.page(run_list(actor=self.actor), HookRunSerializer)
        return response

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(HookRunSerializer(run_get(actor=self.actor, run_id=pk)).data)

    @extend_schema(request=SkipSerializer, responses={202: HookRunSkippedSerializer})
    @action(detail=True, methods=["post"])
    def skip(self, request: Request, pk: str) -> Response:
        said = self.parsed(SkipSerializer)
        run, operation = hooks.hook_skip(actor=self.actor, run_id=pk, **said)
        body = {**HookRunSerializer(run).data, "operation": operation_brief(operation)}
        return Response(body, status=status.HTTP_202_ACCEPTED)
