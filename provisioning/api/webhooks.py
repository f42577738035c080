"""`/api/webhooks`: who is told of what, with which key, and every message."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from portal.kernel.api.fields import Choice, Text
from portal.kernel.api.views import PortalViewSet
from provisioning.logic.hook_rules import NAME_LIMIT
from provisioning.logic.hook_states import DeliveryStatus, WebhookState
from provisioning.logic.webhook_events import webhook_events
from provisioning.models import Webhook, WebhookDelivery
from provisioning.permissions import Permission
from provisioning.selectors.webhooks import delivery_get, delivery_list, webhook_get, webhook_list
from provisioning.services import webhooks
from provisioning.services.webhooks import WebhookRequest


class WebhookSerializer(serializers.ModelSerializer[Webhook]):
    """A webhook; of its headers the names alone."""

    owner_id = serializers.UUIDField(read_only=True)
    events = serializers.ListField(child=serializers.CharField(), read_only=True)
    headers = serializers.ListField(child=serializers.CharField(), read_only=True)
    state = Choice(choices=WebhookState.choices, read_only=True)

    class Meta:
        model = Webhook
        fields: ClassVar[tuple[str, ...]] = (
            *("id", "tenant_id", "owner_id", "name", "url", "events", "headers", "is_active"),
            *("state", "pause_reason", "paused_at", "previous_secret_until", "failures"),
            *("failing_since", "next_try_at", "last_delivered_at", "created_at", "updated_at"),
        )


class WebhookSecretSerializer(WebhookSerializer):
    """The webhook with its new key, shown this once."""

    secret = serializers.CharField(read_only=True)

    class Meta(WebhookSerializer.Meta):
        fields: ClassVar[tuple[str, ...]] = (*WebhookSerializer.Meta.fields, "secret")


class WebhookRequestSerializer(serializers.Serializer[Any]):
    """What a webhook is to be."""

    name = Text(max_length=NAME_LIMIT)
    url = Text(max_length=2048)
    events = serializers.ListField(child=Text(max_length=40), max_length=100)
    headers = serializers.DictField(child=Text(max_length=2000), required=False, allow_null=True)
    is_active = serializers.BooleanField(default=True)


class WebhookChangeSerializer(WebhookRequestSerializer):
    """The same; what is not given stays as it is."""

    name = Text(max_length=NAME_LIMIT, required=False)
    url = Text(max_length=2048, required=False)
    events = serializers.ListField(child=Text(max_length=40), max_length=100, required=False)
    is_active = serializers.BooleanField(required=False)


class DeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    """A message; `message_id` is the same over all tries and replays."""

    webhook_id = serializers.UUIDField(read_only=True)
    replay_of_id = serializers.UUIDField(read_only=True, allow_null=True)
    status = Choice(choices=DeliveryStatus.choices, read_only=True)
    payload = serializers.DictField(read_only=True)

    class Meta:
        model = WebhookDelivery
        fields: ClassVar[tuple[str, ...]] = (
            *("id", "webhook_id", "message_id", "event", "subject_type", "subject_id", "payload"),
            *("occurred_at", "status", "attempts", "next_try_at", "last_try_at"),
            *("response_status", "response_excerpt", "latency_ms", "reason", "ended_at"),
            *("replay_of_id", "created_at", "updated_at"),
        )


class ReplaySerializer(serializers.Serializer[Any]):
    """One message, or all that were given up since a moment."""

    delivery_id = serializers.UUIDField(required=False)
    since = serializers.DateTimeField(required=False)


class ReplayedSerializer(serializers.Serializer[Any]):
    """What is on its way again."""

    deliveries = DeliverySerializer(many=True, read_only=True)


class WebhookEventSerializer(serializers.Serializer[Any]):
    """Something to be told of, with an example of its data."""

    name = serializers.CharField(read_only=True)
    title = serializers.CharField(read_only=True)
    sample = serializers.DictField(read_only=True)


class DeliveryFilter(filters.FilterSet):
    """Field filters of the log."""

    status = filters.MultipleChoiceFilter(choices=DeliveryStatus.choices)
    event = filters.CharFilter(max_length=40)
    message_id = filters.CharFilter(max_length=40)

    class Meta:
        model = WebhookDelivery
        fields: ClassVar[list[str]] = []


_MANAGE = Permission.WEBHOOKS_MANAGE
_WEBHOOK = OpenApiParameter("webhook_id", OpenApiTypes.UUID, OpenApiParameter.PATH)


class WebhookViewSet(PortalViewSet):
    """Webhooks of the organisation and their messages."""

    permissions: ClassVar[dict[str, str]] = {
        "*": Permission.WEBHOOKS_VIEW,
        "create": _MANAGE,
        "partial_update": _MANAGE,
        "destroy": _MANAGE,
        "test": _MANAGE,
        "rotate_secret": _MANAGE,
        "replay": _MANAGE,
        "pause": _MANAGE,
        "resume": _MANAGE,
    }
    secret_actions = frozenset({"create", "rotate_secret"})
    serializer_class = WebhookSerializer
    queryset = Webhook.objects.none()
    ordering_fields = ("created_at", "name")
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    def list(self, request: Request) -> Response:
        response: Response = self.page(webhook_list(actor=self.actor), WebhookSerializer)
        return response

    def retrieve(self, request: Request, pk: str) -> Response:
        return self._shown(webhook_get(actor=self.actor, webhook_id=pk))

    @extend_schema(request=WebhookRequestSerializer, responses={201: WebhookSecretSerializer})
    def create(self, request: Request) -> Response:
        wanted = _wanted(self.parsed(WebhookRequestSerializer))
        webhook, secret = webhooks.webhook_create(
            actor=self.actor, tenant_id=self.tenant_id(), request=wanted
        )
        return self._secret(webhook, secret, status.HTTP_201_CREATED)

    @extend_schema(request=WebhookChangeSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        said = self.parsed(WebhookChangeSerializer)
        known = webhook_get(actor=self.actor, webhook_id=pk)
        values = {name: getattr(known, name) for name in ("name", "url", "events", "is_active")}
        wanted = _wanted({**values, **said})
        return self._shown(webhooks.webhook_change(actor=self.actor, webhook_id=pk, request=wanted))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        webhooks.webhook_delete(actor=self.actor, webhook_id=pk)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses=WebhookEventSerializer(many=True), filters=False)
    @action(detail=False, methods=["get"], pagination_class=None)
    def events(self, request: Request) -> Response:
        rows = [
            {"name": event.name, "title": str(event.label), "sample": dict(event.sample)}
            for event in webhook_events()
        ]
        return Response(rows)

    @extend_schema(request=None, responses={202: DeliverySerializer})
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        row = webhooks.webhook_test(actor=self.actor, webhook_id=pk)
        return Response(DeliverySerializer(row).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={200: WebhookSecretSerializer})
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, pk: str) -> Response:
        webhook, secret = webhooks.webhook_rotate(actor=self.actor, webhook_id=pk)
        return self._secret(webhook, secret, status.HTTP_200_OK)

    @extend_schema(request=ReplaySerializer, responses={202: ReplayedSerializer})
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, pk: str) -> Response:
        said = self.parsed(ReplaySerializer)
        rows = webhooks.webhook_replay(actor=self.actor, webhook_id=pk, **said)
        body = {"deliveries": DeliverySerializer(rows, many=True).data}
        return Response(body, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        return self._shown(webhooks.webhook_pause(actor=self.actor, webhook_id=pk))

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        return self._shown(webhooks.webhook_resume(actor=self.actor, webhook_id=pk))

    def _shown(self, webhook: Webhook) -> Response:
        return Response(WebhookSerializer(webhook).data)

    def _secret(self, webhook: Webhook, secret: str, code: int) -> Response:
        body = {**WebhookSerializer(webhook).data, "secret": secret}
        return Response(body, status=code, headers={"Cache-Control": "no-store"})


@extend_schema_view(
    list=extend_schema(parameters=[_WEBHOOK]), retrieve=extend_schema(parameters=[_WEBHOOK])
)
class DeliveryViewSet(PortalViewSet):
    """The messages of one webhook."""

    permissions: ClassVar[dict[str, str]] = {"*": Permission.WEBHOOKS_VIEW}
    serializer_class = DeliverySerializer
    queryset = WebhookDelivery.objects.none()
    filterset_class = DeliveryFilter
    ordering_fields = ("created_at",)
    http_method_names = ["get", "head", "options"]

    def list(self, request: Request, webhook_id: str) -> Response:
        rows = delivery_list(actor=self.actor, webhook_id=webhook_id)
        response: Response = self.page(rows, DeliverySerializer)
        return response

    def retrieve(self, request: Request, webhook_id: str, pk: str) -> Response:
        row = delivery_get(actor=self.actor, webhook_id=webhook_id, delivery_id=pk)
        return Response(DeliverySerializer(row).data)


def _wanted(said: dict[str, Any]) -> WebhookRequest:
    return WebhookRequest(**{**said, "events": tuple(said["events"])})
