"""Organisations."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from billing.models import Tenant
from billing.selectors.tenants import tenant_get, tenant_list
from billing.services import tenants
from portal.kernel.api.fields import Flag, Text
from portal.kernel.api.views import PortalViewSet
from portal.kernel.authz import SIGNED_IN
from portal.permissions import Permission

SLUG = r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"


class TenantSerializer(serializers.ModelSerializer[Tenant]):
    """An organisation; `slug` is what X-Tenant wants."""

    class Meta:
        model = Tenant
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "slug",
            "name",
            "timezone",
            "currency",
            "is_active",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


@extend_schema_serializer(examples=[OpenApiExample("new", {"slug": "acme", "name": "ACME"})])
class TenantCreateSerializer(serializers.Serializer[Any]):
    """A new organisation."""

    slug = serializers.RegexField(SLUG, max_length=40)
    name = Text(max_length=120)
    timezone = Text(max_length=64, required=False)


class TenantChangeSerializer(serializers.Serializer[Any]):
    """What may be changed of an organisation."""

    name = Text(max_length=120, required=False)
    timezone = Text(max_length=64, required=False)
    is_active = Flag(required=False)


class TenantViewSet(PortalViewSet):
    """One's own organisations; all of them, and their making, for platform staff."""

    permissions: ClassVar[dict[str, str]] = {
        "list": SIGNED_IN,
        "retrieve": SIGNED_IN,
        "*": Permission.USERS_MANAGE,
    }
    serializer_class = TenantSerializer
    queryset = Tenant.objects.none()
    lookup_field = "slug"
    ordering_fields = ("slug", "name", "created_at", "updated_at")
    default_ordering = ("slug", "id")
    filter_backends = ()
    http_method_names = ["get", "post", "patch", "head", "options"]
    is_tenant_optional = True

    def list(self, _request: Request) -> Response:
        """Organisations by slug."""
        response: Response = self.page(tenant_list(actor=self.actor), TenantSerializer)
        return response

    def retrieve(self, _request: Request, slug: str) -> Response:
        """One organisation."""
        return Response(TenantSerializer(tenant_get(actor=self.actor, slug=slug)).data)

    @extend_schema(request=TenantCreateSerializer, responses={201: TenantSerializer})
    def create(self, _request: Request) -> Response:
        """Makes an organisation; its first administrator is added under /api/users."""
        wanted = self.parsed(TenantCreateSerializer)
        tenant = tenants.tenant_create(actor=self.actor, must_be_new=True, **wanted)
        response = Response(TenantSerializer(tenant).data, status=status.HTTP_201_CREATED)
        response["Location"] = f"/api/tenants/{tenant.slug}"
        return response

    @extend_schema(request=TenantChangeSerializer, responses=TenantSerializer)
    def partial_update(self, _request: Request, slug: str) -> Response:
        """Changes name, zone, or whether its members get in."""
        changes = self.parsed(TenantChangeSerializer)
        tenant = tenants.tenant_change(actor=self.actor, slug=slug, changes=changes)
        return Response(TenantSerializer(tenant).data)
