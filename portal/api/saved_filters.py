"""Saved filters of lists."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters as filters
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from portal.kernel.api.fields import Flag, Text
from portal.kernel.api.views import PortalViewSet
from portal.kernel.authz import SIGNED_IN
from portal.kernel.web.tables import QUERY_LENGTH
from portal.models import SavedFilter
from portal.selectors.saved_filters import saved_filter_get, saved_filter_list
from portal.services import saved_filters

NAME_LENGTH = 60


class SavedFilterShape(serializers.ModelSerializer[SavedFilter]):
    """A list's filters under a name; another person's is seen only when it is shared."""

    tenant_id = serializers.UUIDField(read_only=True)
    owner_id = serializers.UUIDField(read_only=True)

    class Meta:
        model = SavedFilter
        fields = (
            "id",
            "tenant_id",
            "owner_id",
            "table",
            "name",
            "query",
            "is_shared",
            "is_default",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "usual", {"table": "deployments", "name": "Running", "query": "status=running"}
        )
    ]
)
class SavedFilterCreateRequest(serializers.Serializer[Any]):
    """`query` is the list's query string: its filters, ordering, columns and size."""

    table = Text(max_length=40)
    name = Text(max_length=NAME_LENGTH)
    query = Text(max_length=QUERY_LENGTH, allow_blank=True, default="")
    is_shared = Flag(default=False)
    is_default = Flag(default=False)


class SavedFilterChangeRequest(serializers.Serializer[Any]):
    """What may be changed of a filter of one's own."""

    name = Text(max_length=NAME_LENGTH, required=False)
    query = Text(max_length=QUERY_LENGTH, allow_blank=True, required=False)
    is_shared = Flag(required=False)
    is_default = Flag(required=False)


class SavedFilterFilter(filters.FilterSet):
    """Field filters."""

    table = filters.CharFilter(max_length=40)
    is_shared = filters.BooleanFilter()

    class Meta:
        model = SavedFilter
        fields: list[str] = []


class SavedFilterViewSet(PortalViewSet):
    """One's own saved filters, and those that members of the organisation share."""

    permissions: ClassVar[dict[str, str]] = {"*": SIGNED_IN}
    serializer_class = SavedFilterShape
    queryset = SavedFilter.objects.none()
    filterset_class = SavedFilterFilter
    ordering_fields = ("name", "created_at", "updated_at")
    default_ordering = ("name", "id")

    def list(self, _request: Request) -> Response:
        """By name."""
        self.tenant_id()
        response: Response = self.page(saved_filter_list(actor=self.actor), SavedFilterShape)
        return response

    @extend_schema(responses=SavedFilterShape)
    def retrieve(self, _request: Request, pk: str) -> Response:
        """One of them."""
        return Response(SavedFilterShape(saved_filter_get(actor=self.actor, filter_id=pk)).data)

    @extend_schema(request=SavedFilterCreateRequest, responses={201: SavedFilterShape})
    def create(self, _request: Request) -> Response:
        """Keeps the filters of a list under a name."""
        wanted = self.parsed(SavedFilterCreateRequest)
        row = saved_filters.saved_filter_create(
            actor=self.actor, tenant_id=self.tenant_id(), **wanted
        )
        response = Response(SavedFilterShape(row).data, status=status.HTTP_201_CREATED)
        response["Location"] = f"/api/saved-filters/{row.pk}"
        return response

    @extend_schema(request=SavedFilterChangeRequest, responses=SavedFilterShape)
    def partial_update(self, _request: Request, pk: str) -> Response:
        """Changes a filter of one's own."""
        changes = self.parsed(SavedFilterChangeRequest)
        row = saved_filters.saved_filter_change(actor=self.actor, filter_id=pk, changes=changes)
        return Response(SavedFilterShape(row).data)

    @extend_schema(responses={204: None})
    def destroy(self, _request: Request, pk: str) -> Response:
        """Forgets a filter of one's own."""
        saved_filters.saved_filter_delete(actor=self.actor, filter_id=pk)
        return Response(status=status.HTTP_204_NO_CONTENT)
