"""People: members of the active organisation; everybody, for platform staff."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.account_serializers import PersonChangeRequest, PersonCreateRequest, PersonShape
from portal.api.filters import PersonFilter
from portal.kernel.api.views import PortalViewSet
from portal.kernel.tenancy import DEFAULT, PLATFORM, current_tenant_id
from portal.models import User
from portal.permissions import Permission
from portal.selectors.members import member_list, person_get, user_list
from portal.services import accounts, members

ALL = OpenApiParameter("all", bool, description="Everybody, not members alone (platform staff).")


class UserViewSet(PortalViewSet):
    """Members with their roles. Outside any organisation platform staff see everybody."""

    permissions: ClassVar[dict[str, str]] = {
        "list": Permission.MEMBERS_VIEW,
        "retrieve": Permission.MEMBERS_VIEW,
        "*": Permission.MEMBERS_MANAGE,
    }
    serializer_class = PersonShape
    queryset = User.objects.none()
    filterset_class = PersonFilter
    ordering_fields = ("username", "display_name", "created_at", "updated_at")
    default_ordering = ("username", "id")

    @extend_schema(parameters=[ALL])
    def list(self, _request: Request) -> Response:
        """People by user name."""
        response: Response = self.page(self._people(), PersonShape)
        return response

    @extend_schema(parameters=[ALL], responses=PersonShape)
    def retrieve(self, _request: Request, pk: str) -> Response:
        """One person."""
        return Response(PersonShape(person_get(people=self._people(), user_id=pk)).data)

    @extend_schema(request=PersonCreateRequest, responses={201: PersonShape})
    def create(self, _request: Request) -> Response:
        """Makes a person who belongs to the active organisation."""
        wanted = self.parsed(PersonCreateRequest)
        user = members.member_add(
            actor=self.actor, tenant_id=self.tenant_id(), role_code=wanted.pop("role"), **wanted
        )
        response = self._shown(user.pk, code=status.HTTP_201_CREATED)
        response["Location"] = f"/api/users/{user.pk}"
        return response

    @extend_schema(parameters=[ALL], request=PersonChangeRequest, responses=PersonShape)
    def partial_update(self, _request: Request, pk: str) -> Response:
        """Gives another role in the active organisation; platform staff change the account."""
        changes = self.parsed(PersonChangeRequest)
        person = person_get(people=self._people(), user_id=pk)
        role = changes.pop("role", None)
        if role is not None:
            members.member_change(
                actor=self.actor, tenant_id=self.tenant_id(), user_id=person.pk, role_code=role
            )
        if changes:
            accounts.user_update(actor=self.actor, user_id=person.pk, changes=changes)
        return self._shown(person.pk)

    @extend_schema(responses={204: None})
    def destroy(self, _request: Request, pk: str) -> Response:
        """Ends the membership in the active organisation; the account stays."""
        person = person_get(people=self._people(), user_id=pk)
        members.member_remove(actor=self.actor, tenant_id=self.tenant_id(), user_id=person.pk)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def locked_version(self) -> str | None:
        """Whoever is no member is absent here, too."""
        person_get(people=self._people(), user_id=self.kwargs["pk"])
        return super().locked_version()

    def _people(self, alias: str = DEFAULT) -> QuerySet[User]:
        tenant_id = current_tenant_id()
        if tenant_id is None or self.is_flagged(self.request, "all"):
            return user_list(actor=self.actor)
        return member_list(actor=self.actor, tenant_id=tenant_id, alias=alias)

    def _shown(self, user_id: UUID, code: int = status.HTTP_200_OK) -> Response:
        """As the role sees it that wrote: its transaction is open."""
        person = person_get(people=self._people(alias=PLATFORM), user_id=user_id)
        data: dict[str, Any] = dict(PersonShape(person).data)
        return Response(data, status=code)
