"""`/api/ownership-transfers` and what hands machines over."""

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
from portal.kernel.errors import NotFound
from provisioning.api.lease_serializers import DecisionSerializer
from provisioning.api.serializers import EmptySerializer, PersonSerializer
from provisioning.models import OwnershipTransfer
from provisioning.permissions import Permission
from provisioning.selectors.transfers import transfer_get, transfer_list, transfer_lock
from provisioning.services import transfers
from provisioning.services.moves import deployment_move
from provisioning.states import TransferStatus


class TransferOfferSerializer(serializers.Serializer[Any]):
    """Which machine to whom."""

    deployment_id = serializers.UUIDField()
    to_user_id = serializers.UUIDField()
    reason = Text(required=False, max_length=500, allow_blank=True)


class MoveSerializer(serializers.Serializer[Any]):
    """A machine of the present organisation to a person of another one."""

    deployment_id = serializers.UUIDField()
    tenant_id = serializers.UUIDField()
    to_user_id = serializers.UUIDField()
    reason = Text(max_length=500)


class MovedSerializer(serializers.Serializer[Any]):
    """Whose it is now."""

    deployment_id = serializers.UUIDField()
    tenant_id = serializers.UUIDField()
    owner_id = serializers.UUIDField()


class OwnershipTransferSerializer(serializers.ModelSerializer[OwnershipTransfer]):
    """An offer of a machine, or a change of its owner."""

    tenant_id = serializers.UUIDField(read_only=True)
    deployment_id = serializers.UUIDField(read_only=True)
    deployment_name = serializers.CharField(source="deployment.name", read_only=True)
    status = Choice(choices=TransferStatus.choices, read_only=True)
    requester = PersonSerializer(read_only=True)
    from_owner = PersonSerializer(read_only=True)
    to_owner = PersonSerializer(read_only=True)

    class Meta:
        model = OwnershipTransfer
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "tenant_id",
            "deployment_id",
            "deployment_name",
            "status",
            "requester",
            "from_owner",
            "to_owner",
            "reason",
            "expires_at",
            "decided_at",
            "decision_reason",
            "created_at",
            "updated_at",
        )
        read_only_fields: ClassVar[tuple[str, ...]] = fields


class OwnershipTransferFilter(filters.FilterSet):
    """Field filters of the list."""

    status = filters.MultipleChoiceFilter(choices=TransferStatus.choices)
    deployment_id = filters.UUIDFilter()
    to_owner_id = filters.UUIDFilter()

    class Meta:
        model = OwnershipTransfer
        fields: ClassVar[list[str]] = []


class OwnershipTransferViewSet(PortalViewSet):
    """Machines that change hands within their organisation, or leave it."""

    permissions: ClassVar[dict[str, str]] = {
        "*": Permission.VIEW,
        "create": Permission.OPERATE,
        "accept": Permission.OPERATE,
        "decline": Permission.OPERATE,
        "withdraw": Permission.OPERATE,
        "move": Permission.MOVE,
    }
    serializer_class = OwnershipTransferSerializer
    queryset = OwnershipTransfer.objects.none()
    filterset_class = OwnershipTransferFilter
    ordering_fields = ("created_at", "status", "expires_at")
    http_method_names = ["get", "post", "head", "options"]

    def locked_version(self) -> str | None:
        """Behind the lock of the deployment: the order every change of an owner keeps."""
        try:
            transfer_lock(transfer_get(actor=self.actor, transfer_id=self.kwargs["pk"]))
        except NotFound:
            return None
        return super().locked_version()

    def list(self, request: Request) -> Response:
        response: Response = self.page(transfer_list(actor=self.actor), OwnershipTransferSerializer)
        return response

    def retrieve(self, request: Request, pk: str) -> Response:
        return self._shown(transfer_get(actor=self.actor, transfer_id=pk))

    @extend_schema(request=TransferOfferSerializer, responses={201: OwnershipTransferSerializer})
    def create(self, request: Request) -> Response:
        """Offers a machine; who manages all deployments hands it over at once."""
        wanted = self.parsed(TransferOfferSerializer)
        _, row = transfers.deployment_transfer(actor=self.actor, **wanted)
        return self._shown(row, status.HTTP_201_CREATED)

    @extend_schema(request=EmptySerializer, responses=OwnershipTransferSerializer)
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, pk: str) -> Response:
        self.parsed(EmptySerializer)
        return self._shown(transfers.transfer_accept(actor=self.actor, transfer_id=pk))

    @extend_schema(request=DecisionSerializer, responses=OwnershipTransferSerializer)
    @action(detail=True, methods=["post"])
    def decline(self, request: Request, pk: str) -> Response:
        said = self.parsed(DecisionSerializer)
        return self._shown(transfers.transfer_decline(actor=self.actor, transfer_id=pk, **said))

    @extend_schema(request=EmptySerializer, responses=OwnershipTransferSerializer)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        self.parsed(EmptySerializer)
        return self._shown(transfers.transfer_withdraw(actor=self.actor, transfer_id=pk))

    @extend_schema(request=MoveSerializer, responses=MovedSerializer, filters=False)
    @action(detail=False, methods=["post"], filterset_class=None)
    def move(self, request: Request) -> Response:
        """Gives a machine to another organisation, with its quota, at once (platform staff)."""
        wanted = self.parsed(MoveSerializer)
        row = deployment_move(
            actor=self.actor,
            deployment_id=wanted["deployment_id"],
            to_tenant_id=wanted["tenant_id"],
            to_user_id=wanted["to_user_id"],
            reason=wanted["reason"],
        )
        told = {"deployment_id": row.pk, "tenant_id": row.tenant_id, "owner_id": row.owner_id}
        return Response(MovedSerializer(told).data)

    def _shown(self, row: OwnershipTransfer, code: int = status.HTTP_200_OK) -> Response:
        return Response(OwnershipTransferSerializer(row).data, status=code)
