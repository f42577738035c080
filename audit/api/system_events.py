"""System events through the API: read, never write."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api.serializers import Facts
from audit.models import Level, SystemEvent
from audit.permissions import Permission
from audit.selectors.system_events import SystemEventFilter, system_events
from portal.kernel.api.fields import Choice
from portal.kernel.api.views import PortalViewSet


class SystemEventShape(serializers.Serializer[Any]):
    """What a web process, worker or scheduler reported; rows are never changed."""

    id = serializers.CharField()
    service = serializers.CharField()
    level = Choice(choices=Level.choices)
    message = serializers.CharField()
    context = Facts()  # type: ignore[assignment]  # seed 003 names it so
    request_id = serializers.CharField()
    operation_id = serializers.CharField(allow_null=True)
    process = serializers.CharField(help_text="host and number of the process")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(source="created_at")


class SystemEventViewSet(PortalViewSet):
    """What processes of the platform report about themselves; for platform administrators."""

    permissions: ClassVar[dict[str, str]] = {"*": Permission.SYSTEM_EVENTS_VIEW}
    serializer_class = SystemEventShape
    filterset_class = SystemEventFilter
    queryset = SystemEvent.objects.none()

    def get_queryset(self) -> QuerySet[SystemEvent]:
        return system_events(self.actor)

    @extend_schema(responses=SystemEventShape(many=True))
    def list(self, _request: Request) -> Response:
        """Newest first."""
        response: Response = self.page(self.get_queryset(), SystemEventShape)
        return response
