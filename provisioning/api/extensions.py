"""`/api/extension-requests`: who asked for more time than the rules give, and what was decided."""

from __future__ import annotations

from typing import ClassVar

import django_filters as filters
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from portal.kernel.api.views import PortalViewSet
from portal.kernel.errors import NotFound
from provisioning.api import lease_serializers as shapes
from provisioning.api.serializers import EmptySerializer
from provisioning.models import ExtensionRequest
from provisioning.permissions import Permission
from provisioning.selectors.leases import extension_get, extension_list, extension_lock
from provisioning.services import extensions, leases
from provisioning.states import RequestStatus


class ExtensionRequestFilter(filters.FilterSet):
    """Field filters of the list."""

    status = filters.MultipleChoiceFilter(choices=RequestStatus.choices)
    deployment_id = filters.UUIDFilter()
    requester_id = filters.UUIDFilter()

    class Meta:
        model = ExtensionRequest
        fields: ClassVar[list[str]] = []


class ExtensionRequestViewSet(PortalViewSet):
    """Requests for more time, and their decisions."""

    permissions: ClassVar[dict[str, str]] = {
        "*": Permission.VIEW,
        "approve": Permission.APPROVE,
        "deny": Permission.APPROVE,
        "withdraw": Permission.OPERATE,
    }
    serializer_class = shapes.ExtensionRequestSerializer
    queryset = ExtensionRequest.objects.none()
    filterset_class = ExtensionRequestFilter
    ordering_fields = ("created_at", "status", "hours")
    http_method_names = ["get", "post", "head", "options"]

    def locked_version(self) -> str | None:
        """Behind the lock of the deployment: the order every change of a lease keeps."""
        try:
            extension_lock(extension_get(actor=self.actor, request_id=self.kwargs["pk"]))
        except NotFound:
            return None
        return super().locked_version()

    def list(self, request: Request) -> Response:
        response: Response = self.page(
            extension_list(actor=self.actor), shapes.ExtensionRequestSerializer
        )
        return response

    def retrieve(self, request: Request, pk: str) -> Response:
        return self._shown(extension_get(actor=self.actor, request_id=pk))

    @extend_schema(request=shapes.DecisionSerializer, responses=shapes.ExtensionRequestSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        said = self.parsed(shapes.DecisionSerializer)
        return self._shown(leases.extension_approve(actor=self.actor, request_id=pk, **said))

    @extend_schema(request=shapes.DecisionSerializer, responses=shapes.ExtensionRequestSerializer)
    @action(detail=True, methods=["post"])
    def deny(self, request: Request, pk: str) -> Response:
        said = self.parsed(shapes.DecisionSerializer)
        return self._shown(extensions.extension_deny(actor=self.actor, request_id=pk, **said))

    @extend_schema(request=EmptySerializer, responses=shapes.ExtensionRequestSerializer)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        self.parsed(EmptySerializer)
        return self._shown(extensions.extension_withdraw(actor=self.actor, request_id=pk))

    def _shown(self, row: ExtensionRequest) -> Response:
        return Response(shapes.ExtensionRequestSerializer(row).data)
