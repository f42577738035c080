"""`/api/maintenance-windows`: maintenance of clusters that is known beforehand."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from portal.kernel import clock
from portal.kernel.api.fields import Choice, Text
from portal.kernel.api.views import PortalViewSet
from provisioning.api.serializers import EmptySerializer
from provisioning.models import MaintenanceWindow
from provisioning.permissions import Permission
from provisioning.selectors.windows import window_get, window_list, window_next
from provisioning.services.windows import window_cancel, window_plan_new
from provisioning.states import Recurrence


class MaintenanceWindowSerializer(serializers.ModelSerializer[MaintenanceWindow]):
    """A window; `next_starts_at` is when it is open now or next."""

    cluster_id = serializers.UUIDField(read_only=True)
    cluster = serializers.CharField(source="cluster.code", read_only=True)
    next_starts_at = serializers.SerializerMethodField()

    class Meta:
        model = MaintenanceWindow
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "cluster_id",
            "cluster",
            "starts_at",
            "ends_at",
            "time_zone",
            "recurrence",
            "repeats_until",
            "reason",
            "is_begun",
            "next_starts_at",
            "canceled_at",
            "created_at",
            "updated_at",
        )
        read_only_fields: ClassVar[tuple[str, ...]] = fields

    @extend_schema_field({"type": ["string", "null"], "format": "date-time"})
    def get_next_starts_at(self, row: MaintenanceWindow) -> str | None:
        found = window_next(row, clock.now())
        return found.starts_at.isoformat().replace("+00:00", "Z") if found else None


class WindowNewSerializer(serializers.Serializer[Any]):
    """When, how often and why."""

    cluster_id = serializers.UUIDField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    reason = Text(max_length=300)
    recurrence = Choice(choices=Recurrence.choices, required=False)
    time_zone = Text(max_length=60, required=False)
    repeats_until = serializers.DateTimeField(required=False, allow_null=True)


class MaintenanceWindowViewSet(PortalViewSet):
    """Planned maintenance."""

    permissions: ClassVar[dict[str, str]] = {
        "*": Permission.INFRASTRUCTURE_VIEW,
        "create": Permission.INFRASTRUCTURE_MANAGE,
        "cancel": Permission.INFRASTRUCTURE_MANAGE,
    }
    serializer_class = MaintenanceWindowSerializer
    queryset = MaintenanceWindow.objects.none()
    ordering_fields = ("starts_at", "created_at")
    default_ordering = ("-starts_at", "-id")
    filter_backends = ()
    http_method_names = ["get", "post", "head", "options"]

    def list(self, request: Request) -> Response:
        response: Response = self.page(window_list(actor=self.actor), MaintenanceWindowSerializer)
        return response

    def retrieve(self, request: Request, pk: str) -> Response:
        row = window_get(actor=self.actor, window_id=pk)
        return Response(MaintenanceWindowSerializer(row).data)

    @extend_schema(request=WindowNewSerializer, responses={201: MaintenanceWindowSerializer})
    def create(self, request: Request) -> Response:
        row = window_plan_new(actor=self.actor, **self.parsed(WindowNewSerializer))
        answer = MaintenanceWindowSerializer(row).data
        return Response(answer, status=status.HTTP_201_CREATED)

    @extend_schema(request=EmptySerializer, responses=MaintenanceWindowSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Takes it back; what it has begun ends with it."""
        self.parsed(EmptySerializer)
        row = window_cancel(actor=self.actor, window_id=pk)
        return Response(MaintenanceWindowSerializer(row).data)
