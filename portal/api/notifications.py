"""A person's own notices: parse, one selector or service, render."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.kernel.api.shapes import reads
from portal.kernel.api.views import PortalViewSet
from portal.kernel.authz import SIGNED_IN
from portal.kernel.tenancy import DEFAULT
from portal.models import Notification
from portal.selectors.notifications import (
    notification_detail,
    notification_list,
    notification_text,
)
from portal.services.notifications import notification_read, notifications_read

ID = OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH)


class NotificationFilter(filters.FilterSet):
    """`unread=true` are those not seen yet."""

    unread = filters.BooleanFilter(field_name="read_at", lookup_expr="isnull")
    kind = filters.CharFilter(max_length=63)

    class Meta:
        model = Notification
        fields: list[str] = []


class NotificationSerializer(serializers.ModelSerializer[Notification]):
    """One notice; `text` is in the reader's language, `path` the page of what happened."""

    text = serializers.SerializerMethodField()
    detail = serializers.SerializerMethodField()

    class Meta:
        model = Notification
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "kind",
            "text",
            "detail",
            "path",
            "read_at",
            "created_at",
            "updated_at",
        )

    @extend_schema_field(OpenApiTypes.STR)
    @reads("kind", "words")
    def get_text(self, row: Notification) -> str:
        return notification_text(row.kind, row.words)

    @extend_schema_field(OpenApiTypes.STR)
    @reads("words")
    def get_detail(self, row: Notification) -> str:
        return notification_detail(row.words)


class ReadShape(serializers.Serializer[Any]):
    """How many had not been seen before."""

    read = serializers.IntegerField()


class NotificationViewSet(PortalViewSet):
    """What one was told of, in the active organisation and by the platform."""

    permissions: ClassVar[dict[str, str]] = {"*": SIGNED_IN}
    serializer_class = NotificationSerializer
    queryset = Notification.objects.none()
    filterset_class = NotificationFilter
    ordering_fields = ("created_at",)

    @property
    def writes_to(self) -> str:
        """People mark their own rows themselves."""
        return DEFAULT

    def list(self, _request: Request) -> Response:
        """One's own notices, newest first."""
        response: Response = self.page(notification_list(actor=self.actor), NotificationSerializer)
        return response

    @extend_schema(parameters=[ID], request=None, responses=NotificationSerializer)
    def read(self, _request: Request, pk: str) -> Response:
        """Marks one as seen; again changes nothing."""
        notification = notification_read(actor=self.actor, notification_id=pk)
        return Response(NotificationSerializer(notification).data)

    @extend_schema(request=None, responses=ReadShape)
    def read_all(self, _request: Request) -> Response:
        """Marks all as seen."""
        return Response(ReadShape({"read": notifications_read(actor=self.actor)}).data)
