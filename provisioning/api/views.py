"""The provisioning API: parse, one service or selector, render."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api.serializers import EntryShape
from audit.selectors.entries import entries_about
from portal.api.serializers import OperationSerializer
from portal.kernel.api.views import PortalViewSet
from portal.kernel.errors import Refused
from portal.models import Operation
from portal.selectors.operations import operation_brief, operations_about
from provisioning.api import lease_serializers as lease_shapes
from provisioning.api import serializers as shapes
from provisioning.api.bulk_serializers import BulkAnswerSerializer, BulkSerializer
from provisioning.api.filters import DeploymentFilter
from provisioning.logic.requests import DeploymentRequest
from provisioning.models import Deployment, Template
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_get, deployment_list, deployment_row
from provisioning.selectors.leases import lease_warnings
from provisioning.selectors.templates import template_get, template_list
from provisioning.services import creation, lifecycle
from provisioning.services.bulk import deployments_bulk
from provisioning.services.copies.final import delete_after_backup
from provisioning.services.leases import deployment_extend
from provisioning.services.plan import deployment_plan

_ACCEPTED = {202: shapes.DeploymentAcceptedSerializer}
_BY_TIME = ("created_at",)
DRY_RUN = OpenApiParameter("dry_run", bool, description="Answer the plan; create nothing.")
_VOLUMES = OpenApiParameter(
    "volumes",
    str,
    enum=list(lifecycle.VOLUME_FATES),
    description="What happens with attached ones.",
)
_BACKED_UP_FIRST = OpenApiParameter(
    "is_backed_up_first",
    bool,
    description="Make a last backup, and delete when it is complete; a failed one deletes nothing.",
)
WITH_DELETED = OpenApiParameter("with_deleted", bool, description="Include tombstones.")


class TemplateViewSet(PortalViewSet):
    """Approved templates."""

    permissions: ClassVar[dict[str, str]] = {"*": Permission.TEMPLATES_VIEW}
    serializer_class = shapes.TemplateSerializer
    queryset = Template.objects.none()
    lookup_field = "code"
    ordering_fields = ("position", "code", "name", "created_at")
    default_ordering = ("position", "id")
    filter_backends = ()

    def list(self, request: Request) -> Response:
        response: Response = self.page(template_list(actor=self.actor), shapes.TemplateSerializer)
        return response

    def retrieve(self, request: Request, code: str) -> Response:
        template = template_get(actor=self.actor, code=code)
        return Response(shapes.TemplateSerializer(template).data)


class DeploymentViewSet(PortalViewSet):
    """Deployments of the active tenant."""

    permissions: ClassVar[dict[str, str]] = {
        "*": Permission.VIEW,
        "create": Permission.CREATE,
        "partial_update": Permission.OPERATE,
        "start": Permission.OPERATE,
        "stop": Permission.OPERATE,
        "restart": Permission.OPERATE,
        "resize": Permission.OPERATE,
        "extend": Permission.OPERATE,
        "retry": Permission.OPERATE,
        "bulk": Permission.OPERATE,
        "destroy": Permission.DELETE,
    }
    serializer_class = shapes.DeploymentSerializer
    queryset = Deployment.objects.none()
    filterset_class = DeploymentFilter
    ordering_fields = ("created_at", "name", "status", "expires_at", "updated_at")
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    @extend_schema(parameters=[WITH_DELETED])
    def list(self, request: Request) -> Response:
        rows = deployment_list(
            actor=self.actor, with_deleted=self.is_flagged(request, "with_deleted")
        )
        response: Response = self.page(rows, shapes.DeploymentSerializer)
        return response

    @extend_schema(
        parameters=[DRY_RUN],
        request=shapes.DeploymentCreateSerializer,
        responses={**_ACCEPTED, 200: OpenApiResponse(shapes.PlanSerializer, "With dry_run=true.")},
    )
    def create(self, request: Request) -> Response:
        wanted = DeploymentRequest(**self.parsed(shapes.DeploymentCreateSerializer))
        tenant_id, owner_id = self.tenant_id(), self.actor.user_id
        if self.is_flagged(request, "dry_run"):
            plan = deployment_plan(actor=self.actor, tenant_id=tenant_id, request=wanted)
            return Response(shapes.PlanSerializer(plan).data)
        if owner_id is None:
            raise Refused(gettext("A deployment needs a person as its owner."))
        return self._accepted(
            creation.deployment_create(
                actor=self.actor, tenant_id=tenant_id, owner_id=owner_id, request=wanted
            )
        )

    def retrieve(self, request: Request, pk: str) -> Response:
        row = deployment_row(actor=self.actor, deployment_id=pk)
        absent = gettext("There is no such deployment.")
        return Response(self.shown(row, shapes.DeploymentSerializer, absent=absent))

    @extend_schema(request=shapes.DeploymentChangeSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        changes = self.parsed(shapes.DeploymentChangeSerializer)
        changed = lifecycle.deployment_change(actor=self.actor, deployment_id=pk, **changes)
        return Response(self._shown(changed))

    @extend_schema(parameters=[_VOLUMES, _BACKED_UP_FIRST], responses=_ACCEPTED)
    def destroy(self, request: Request, pk: str) -> Response:
        is_backed_up_first = self.is_flagged(request, "is_backed_up_first")
        delete = delete_after_backup if is_backed_up_first else lifecycle.deployment_delete
        fate = request.query_params.get("volumes", "keep")
        return self._accepted(delete(actor=self.actor, deployment_id=pk, volumes=fate))

    @extend_schema(request=shapes.EmptySerializer, responses=_ACCEPTED)
    @action(detail=True, methods=["post"])
    def start(self, request: Request, pk: str) -> Response:
        self.parsed(shapes.EmptySerializer)
        return self._accepted(lifecycle.deployment_start(actor=self.actor, deployment_id=pk))

    @extend_schema(request=shapes.StopSerializer, responses=_ACCEPTED)
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, pk: str) -> Response:
        wanted = self.parsed(shapes.StopSerializer)
        return self._accepted(
            lifecycle.deployment_stop(actor=self.actor, deployment_id=pk, **wanted)
        )

    @extend_schema(request=shapes.EmptySerializer, responses=_ACCEPTED)
    @action(detail=True, methods=["post"])
    def restart(self, request: Request, pk: str) -> Response:
        self.parsed(shapes.EmptySerializer)
        return self._accepted(lifecycle.deployment_restart(actor=self.actor, deployment_id=pk))

    @extend_schema(request=shapes.ResizeSerializer, responses=_ACCEPTED)
    @action(detail=True, methods=["post"])
    def resize(self, request: Request, pk: str) -> Response:
        wanted = self.parsed(shapes.ResizeSerializer)
        return self._accepted(
            lifecycle.deployment_resize(actor=self.actor, deployment_id=pk, **wanted)
        )

    @extend_schema(
        request=lease_shapes.ExtendSerializer,
        responses={
            200: shapes.DeploymentSerializer,
            202: OpenApiResponse(
                lease_shapes.DeploymentExtendedSerializer, "Beyond the rules, with a reason."
            ),
        },
    )
    @action(detail=True, methods=["post"])
    def extend(self, request: Request, pk: str) -> Response:
        wanted = self.parsed(lease_shapes.ExtendSerializer)
        changed, asked = deployment_extend(actor=self.actor, deployment_id=pk, **wanted)
        if asked is None:
            return Response(self._shown(changed))
        told = lease_shapes.ExtensionRequestSerializer(asked).data
        body = {**self._shown(changed), "extension_request": told}
        return Response(body, status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses=lease_shapes.LeaseWarningSerializer(many=True), filters=False)
    @action(
        detail=True,
        methods=["get"],
        filterset_class=None,
        ordering_fields=_BY_TIME,
        url_path="lease-warnings",
    )
    def lease_warnings(self, request: Request, pk: str) -> Response:
        deployment = deployment_get(actor=self.actor, deployment_id=pk)
        rows = lease_warnings(actor=self.actor, deployment=deployment)
        response: Response = self.page(rows, lease_shapes.LeaseWarningSerializer)
        return response

    @extend_schema(request=shapes.EmptySerializer, responses=_ACCEPTED)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        self.parsed(shapes.EmptySerializer)
        return self._accepted(creation.deployment_retry(actor=self.actor, deployment_id=pk))

    @extend_schema(responses=OperationSerializer(many=True), filters=False)
    @action(detail=True, methods=["get"], filterset_class=None, ordering_fields=_BY_TIME)
    def operations(self, request: Request, pk: str) -> Response:
        deployment = deployment_get(actor=self.actor, deployment_id=pk)
        rows = operations_about(actor=self.actor, target_id=deployment.pk)
        response: Response = self.page(rows, OperationSerializer)
        return response

    @extend_schema(responses=EntryShape(many=True), filters=False)
    @action(detail=True, methods=["get"], filterset_class=None, ordering_fields=_BY_TIME)
    def events(self, request: Request, pk: str) -> Response:
        deployment = deployment_get(actor=self.actor, deployment_id=pk)
        rows = entries_about(deployment.pk)
        response: Response = self.page(rows, EntryShape)
        return response

    @extend_schema(request=BulkSerializer, responses=BulkAnswerSerializer, filters=False)
    @action(detail=False, methods=["post"], filterset_class=None)
    def bulk(self, request: Request) -> Response:
        """The same action on up to 100 deployments; each is answered for itself."""
        found = deployments_bulk(actor=self.actor, **self.parsed(BulkSerializer))
        return Response(BulkAnswerSerializer({"results": found}).data)

    def _shown(self, deployment: Deployment) -> dict[str, Any]:
        return dict(shapes.DeploymentSerializer(deployment).data)

    def _accepted(self, outcome: tuple[Deployment, Operation]) -> Response:
        deployment, operation = outcome
        body = {**self._shown(deployment), "operation": operation_brief(operation)}
        return Response(body, status=status.HTTP_202_ACCEPTED)
