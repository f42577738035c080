"""`/api/volumes`, `/api/deployments/{id}/volumes`, and the same under `/api/cloud-pods`."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from portal.kernel.errors import NotFound
from portal.models import Operation
from portal.selectors.operations import operation_brief
from provisioning.api import volume_shapes as shapes
from provisioning.api.belongings import BehindMachine
from provisioning.api.serializers import EmptySerializer
from provisioning.models import Volume
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_get
from provisioning.selectors.volumes import volume_get, volume_home, volume_list, volumes_of
from provisioning.services import volumes

_ACCEPTED = {202: shapes.VolumeAcceptedSerializer}
_PLANNED = {
    **_ACCEPTED,
    200: OpenApiResponse(shapes.VolumePlanSerializer, "With dry_run=true."),
}
_DRY_RUN = OpenApiParameter("dry_run", bool, description="Answer the plan; change nothing.")
_WITH_DELETED = OpenApiParameter("with_deleted", bool, description="Include tombstones.")
_WRITE = Permission.VOLUMES_MANAGE


class VolumeViewSet(BehindMachine):
    """All volumes of the active tenant, also those attached to nothing."""

    permissions: ClassVar[dict[str, str]] = {
        "*": Permission.VIEW,
        "destroy": _WRITE,
        "attach": _WRITE,
        "detach": _WRITE,
        "resize": _WRITE,
    }
    serializer_class = shapes.VolumeSerializer
    queryset = Volume.objects.none()
    filterset_class = shapes.VolumeFilter
    ordering_fields = ("created_at", "name", "size_gb", "status", "updated_at")
    http_method_names = ["get", "post", "delete", "head", "options"]

    def home(self) -> UUID | str | None:
        return self.kwargs.get("deployment_id") or volume_home(self.kwargs["pk"])

    @extend_schema(parameters=[_WITH_DELETED])
    def list(self, request: Request) -> Response:
        rows = volume_list(actor=self.actor, with_deleted=self.is_flagged(request, "with_deleted"))
        response: Response = self.page(rows, shapes.VolumeSerializer)
        return response

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(shapes.VolumeSerializer(volume_get(actor=self.actor, volume_id=pk)).data)

    @extend_schema(responses=_ACCEPTED)
    def destroy(self, request: Request, pk: str) -> Response:
        return _accepted(*volumes.volume_delete(actor=self.actor, volume_id=pk))

    @extend_schema(request=shapes.VolumeAttachSerializer, responses=_ACCEPTED)
    @action(detail=True, methods=["post"])
    def attach(self, request: Request, pk: str) -> Response:
        wanted = self.parsed(shapes.VolumeAttachSerializer)
        return _accepted(*volumes.volume_attach(actor=self.actor, volume_id=pk, **wanted))

    @extend_schema(request=EmptySerializer, responses=_ACCEPTED)
    @action(detail=True, methods=["post"])
    def detach(self, request: Request, pk: str) -> Response:
        self.parsed(EmptySerializer)
        return _accepted(*volumes.volume_detach(actor=self.actor, volume_id=pk))

    @extend_schema(parameters=[_DRY_RUN], request=shapes.VolumeResizeSerializer, responses=_PLANNED)
    @action(detail=True, methods=["post"])
    def resize(self, request: Request, pk: str) -> Response:
        return self._resized(request, pk)

    def _resized(self, request: Request, pk: str) -> Response:
        wanted = self.parsed(shapes.VolumeResizeSerializer)
        if self.is_flagged(request, "dry_run"):
            plan = volumes.volume_resize_plan(actor=self.actor, volume_id=pk, **wanted)
            return Response(shapes.VolumePlanSerializer(plan).data)
        return _accepted(*volumes.volume_resize(actor=self.actor, volume_id=pk, **wanted))


class DeploymentVolumeViewSet(VolumeViewSet):
    """Volumes of one deployment: those in it, and those that were in it last."""

    permissions: ClassVar[dict[str, str]] = {**VolumeViewSet.permissions, "create": _WRITE}

    @extend_schema(parameters=[])
    def list(self, request: Request, deployment_id: str) -> Response:  # type: ignore[override]
        deployment = deployment_get(actor=self.actor, deployment_id=deployment_id)
        rows = volumes_of(actor=self.actor, deployment=deployment)
        response: Response = self.page(rows, shapes.VolumeSerializer)
        return response

    @extend_schema(parameters=[_DRY_RUN], request=shapes.VolumeCreateSerializer, responses=_PLANNED)
    def create(self, request: Request, deployment_id: str) -> Response:
        wanted = self.parsed(shapes.VolumeCreateSerializer)
        asked: dict[str, Any] = {"actor": self.actor, "deployment_id": deployment_id, **wanted}
        if self.is_flagged(request, "dry_run"):
            return Response(shapes.VolumePlanSerializer(volumes.volume_plan(**asked)).data)
        return _accepted(*volumes.volume_create(**asked))

    def retrieve(self, request: Request, deployment_id: str, pk: str) -> Response:  # type: ignore[override]
        return super().retrieve(request, self._within(deployment_id, pk))

    @extend_schema(responses=_ACCEPTED)
    def destroy(self, request: Request, deployment_id: str, pk: str) -> Response:  # type: ignore[override]
        return super().destroy(request, self._within(deployment_id, pk))

    @extend_schema(request=EmptySerializer, responses=_ACCEPTED)
    @action(detail=True, methods=["post"])
    def attach(self, request: Request, deployment_id: str, pk: str) -> Response:  # type: ignore[override]
        self.parsed(EmptySerializer)
        outcome = volumes.volume_attach(actor=self.actor, volume_id=pk, deployment_id=deployment_id)
        return _accepted(*outcome)

    @extend_schema(request=EmptySerializer, responses=_ACCEPTED)
    @action(detail=True, methods=["post"])
    def detach(self, request: Request, deployment_id: str, pk: str) -> Response:  # type: ignore[override]
        self.parsed(EmptySerializer)
        key = self._within(deployment_id, pk)
        return _accepted(*volumes.volume_detach(actor=self.actor, volume_id=key))

    @extend_schema(parameters=[_DRY_RUN], request=shapes.VolumeResizeSerializer, responses=_PLANNED)
    @action(detail=True, methods=["post"])
    def resize(self, request: Request, deployment_id: str, pk: str) -> Response:  # type: ignore[override]
        return self._resized(request, self._within(deployment_id, pk))

    def _within(self, deployment_id: str, pk: str) -> str:
        """The volume's key, if it belongs to that deployment. Raises NotFound."""
        volume = volume_get(actor=self.actor, volume_id=pk)
        try:
            is_there = volume.deployment_id == UUID(deployment_id)
        except ValueError:
            is_there = False
        if not is_there:
            raise NotFound(gettext("There is no such volume."))
        return str(volume.pk)


def _accepted(volume: Volume, operation: Operation) -> Response:
    body = {
        **shapes.VolumeSerializer(volume).data,
        "operation": operation_brief(operation),
    }
    return Response(body, status=status.HTTP_202_ACCEPTED)
