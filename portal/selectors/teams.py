"""Teams of the tenant in scope."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext

from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import NotFound
from portal.models import Team, TeamMember
from portal.permissions import Permission


def team_list(*, actor: Actor) -> QuerySet[Team]:
    """All teams with their people."""
    authorize(actor, Permission.TEAMS_VIEW)
    people = TeamMember.objects.select_related("user").order_by("user__username")
    return Team.objects.prefetch_related(Prefetch("places", people)).order_by("name", "id")


def team_get(*, actor: Actor, team_id: UUID | str, is_locked: bool = False) -> Team:
    """One team. Raises NotFound (also for another tenant's)."""
    teams = team_list(actor=actor)
    if is_locked:
        teams = teams.select_for_update(of=("self",))
    try:
        team = teams.filter(pk=UUID(str(team_id))).first()
    except ValueError:
        team = None
    if team is None:
        raise NotFound(gettext("There is no such team."))
    return team
