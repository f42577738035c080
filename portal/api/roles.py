"""Roles and the permissions they are made of."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.account_serializers import (
    PermissionPage,
    PermissionShape,
    RoleChangeRequest,
    RoleCreateRequest,
    RoleShape,
)
from portal.kernel.api.views import PortalViewSet
from portal.kernel.authz import permission_specs
from portal.models import Role
from portal.permissions import Permission
from portal.selectors.roles import role_get, role_list
from portal.services import roles


class RoleViewSet(PortalViewSet):
    """Roles are the same for every organisation: members read them, platform staff edit them."""

    permissions: ClassVar[dict[str, str]] = {
        "list": Permission.MEMBERS_VIEW,
        "retrieve": Permission.MEMBERS_VIEW,
        "*": Permission.USERS_MANAGE,
    }
    serializer_class = RoleShape
    queryset = Role.objects.none()
    lookup_field = "code"
    ordering_fields = ("code", "name", "created_at", "updated_at")
    default_ordering = ("code", "id")
    filter_backends = ()

    def list(self, _request: Request) -> Response:
        """Roles by code."""
        response: Response = self.page(role_list(actor=self.actor), RoleShape)
        return response

    @extend_schema(responses=RoleShape)
    def retrieve(self, _request: Request, code: str) -> Response:
        """One role."""
        return Response(RoleShape(role_get(actor=self.actor, code=code)).data)

    @extend_schema(request=RoleCreateRequest, responses={201: RoleShape})
    def create(self, _request: Request) -> Response:
        """Makes a role beside the six uHub comes with."""
        wanted = self.parsed(RoleCreateRequest)
        role = roles.role_save(actor=self.actor, must_be_new=True, **wanted)
        response = Response(RoleShape(role).data, status=status.HTTP_201_CREATED)
        response["Location"] = f"/api/roles/{role.code}"
        return response

    @extend_schema(request=RoleChangeRequest, responses=RoleShape)
    def partial_update(self, _request: Request, code: str) -> Response:
        """Changes name or permissions; members feel it with their next request."""
        changes = self.parsed(RoleChangeRequest)
        return Response(RoleShape(roles.role_change(actor=self.actor, code=code, **changes)).data)

    @extend_schema(responses={204: None})
    def destroy(self, _request: Request, code: str) -> Response:
        """Deletes a role nobody holds; the six uHub comes with stay."""
        roles.role_delete(actor=self.actor, code=code)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=RoleShape)
    def reset(self, _request: Request, code: str) -> Response:
        """Gives one of the six its name and permissions back."""
        return Response(RoleShape(roles.role_reset(actor=self.actor, code=code)).data)


class PermissionViewSet(PortalViewSet):
    """What there is to permit."""

    permissions: ClassVar[dict[str, str]] = {"*": Permission.MEMBERS_VIEW}
    serializer_class = PermissionShape
    pagination_class = None
    filter_backends = ()

    @extend_schema(responses=PermissionPage)
    def list(self, _request: Request) -> Response:
        """All permissions by code."""
        specs = [
            {
                "code": code,
                "label": str(spec.label),
                "roles": sorted(spec.roles),
                "is_platform": spec.is_platform,
            }
            for code, spec in sorted(permission_specs().items())
        ]
        return Response(PermissionPage({"results": specs, "next": None, "previous": None}).data)
