"""Teams of the active organisation."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.account_serializers import (
    TeamChangeRequest,
    TeamCreateRequest,
    TeamMemberRequest,
    TeamShape,
)
from portal.api.filters import TeamFilter
from portal.kernel.api.views import PortalViewSet, key_of
from portal.kernel.errors import NotFound
from portal.models import Team
from portal.permissions import Permission
from portal.selectors.teams import team_get, team_list
from portal.services import teams


class TeamViewSet(PortalViewSet):
    """Who works together."""

    permissions: ClassVar[dict[str, str]] = {
        "list": Permission.TEAMS_VIEW,
        "retrieve": Permission.TEAMS_VIEW,
        "*": Permission.TEAMS_MANAGE,
    }
    serializer_class = TeamShape
    queryset = Team.objects.none()
    filterset_class = TeamFilter
    ordering_fields = ("name", "slug", "created_at", "updated_at")
    default_ordering = ("name", "id")

    def list(self, _request: Request) -> Response:
        """Teams by name."""
        response: Response = self.page(team_list(actor=self.actor), TeamShape)
        return response

    @extend_schema(responses=TeamShape)
    def retrieve(self, _request: Request, pk: str) -> Response:
        """One team with its people."""
        return self._shown(pk)

    @extend_schema(request=TeamCreateRequest, responses={201: TeamShape})
    def create(self, _request: Request) -> Response:
        """Makes an empty team."""
        wanted = self.parsed(TeamCreateRequest)
        team = teams.team_create(actor=self.actor, tenant_id=self.tenant_id(), **wanted)
        response = self._shown(str(team.pk), code=status.HTTP_201_CREATED)
        response["Location"] = f"/api/teams/{team.pk}"
        return response

    @extend_schema(request=TeamChangeRequest, responses=TeamShape)
    def partial_update(self, _request: Request, pk: str) -> Response:
        """Changes name, slug or description."""
        changes = self.parsed(TeamChangeRequest)
        teams.team_change(actor=self.actor, team_id=pk, changes=changes)
        return self._shown(pk)

    @extend_schema(responses={204: None})
    def destroy(self, _request: Request, pk: str) -> Response:
        """Deletes the team; its members stay members of the organisation."""
        teams.team_delete(actor=self.actor, team_id=pk)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=TeamMemberRequest, responses=TeamShape)
    def add_member(self, _request: Request, pk: str) -> Response:
        """Puts a member of the organisation into the team."""
        wanted = self.parsed(TeamMemberRequest)
        teams.team_member_add(actor=self.actor, team_id=pk, user_id=wanted["user"])
        return self._shown(pk)

    @extend_schema(responses={200: TeamShape})
    def remove_member(self, _request: Request, pk: str, user_id: str) -> Response:
        """Takes somebody out of the team."""
        person = key_of(user_id)
        if person is None:
            raise NotFound
        teams.team_member_remove(actor=self.actor, team_id=pk, user_id=person)
        return self._shown(pk)

    def _shown(self, team_id: str, code: int = status.HTTP_200_OK) -> Response:
        team = team_get(actor=self.actor, team_id=team_id)
        return Response(TeamShape(team).data, status=code)
