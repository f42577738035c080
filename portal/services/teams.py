"""Teams of an organisation and who is in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext

from audit.services import trail
from portal.kernel import clock
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Fault, InvalidInput, NotFound
from portal.logic.validation import faults_of
from portal.models import Membership, Team, TeamMember, User
from portal.permissions import Permission
from portal.selectors.teams import team_get
from portal.tags import Tag

FIELDS: Final = ("name", "slug", "description")
TEAMS_MOST: Final = 200
MEMBERS_MOST: Final = 500


@transaction.atomic
def team_create(
    *, actor: Actor, tenant_id: UUID, name: str, slug: str = "", description: str = ""
) -> Team:
    """Makes an empty team; without a slug, one is made from the name.

    Raises:
        Refused: the actor does not manage teams.
        InvalidInput: a field breaks its rule, the slug is taken, or there are too many teams.
    """
    authorize(actor, Permission.TEAMS_MANAGE)
    if Team.objects.count() >= TEAMS_MOST:
        message = gettext("An organisation has at most {most} teams.").format(most=TEAMS_MOST)
        raise InvalidInput(faults=(Fault(None, "too_many", message),))
    made = slug or slugify(name)[:40].strip("-") or "team"
    team = Team(tenant_id=tenant_id, name=name, slug=made, description=description)
    _save(team, is_new=True)
    trail.record(tag=Tag.TEAM_CREATED, target=team, after=_shown(team), actor=actor)
    return team


@transaction.atomic
def team_change(*, actor: Actor, team_id: UUID | str, changes: Mapping[str, Any]) -> Team:
    """Changes name, slug or description.

    Raises:
        Refused, InvalidInput: as `team_create`.
        NotFound: there is no such team.
    """
    team = _locked(actor, team_id)
    before = _shown(team)
    for name in FIELDS:
        setattr(team, name, changes.get(name, getattr(team, name)))
    after = _shown(team)
    if before != after:
        _save(team, is_new=False)
        trail.record(tag=Tag.TEAM_CHANGED, target=team, before=before, after=after, actor=actor)
    return team


@transaction.atomic
def team_delete(*, actor: Actor, team_id: UUID | str) -> None:
    """Deletes a team; its members stay members of the organisation. Raises Refused, NotFound."""
    team = _locked(actor, team_id)
    trail.record(tag=Tag.TEAM_DELETED, target=team, before=_shown(team), actor=actor)
    team.delete()


@transaction.atomic
def team_member_add(*, actor: Actor, team_id: UUID | str, user_id: UUID) -> Team:
    """Puts a member of the organisation into the team; who is there already stays.

    Raises:
        Refused: the actor does not manage teams.
        NotFound: there is no such team.
        InvalidInput: the person is no member of the organisation, or the team is full.
    """
    team = _locked(actor, team_id)
    membership = Membership.objects.filter(tenant_id=team.tenant_id, user_id=user_id)
    user = User.objects.filter(pk__in=membership.values("user_id"), is_active=True).first()
    if user is None:
        message = gettext("Only active members of the organisation can join a team.")
        raise InvalidInput(faults=(Fault("user", "not_a_member", message),))
    places = TeamMember.objects.filter(team=team)
    if not places.filter(user=user).exists():
        if places.count() >= MEMBERS_MOST:
            message = gettext("A team has at most {most} members.").format(most=MEMBERS_MOST)
            raise InvalidInput(faults=(Fault("user", "too_many", message),))
        TeamMember.objects.create(tenant_id=team.tenant_id, team=team, user=user)
        _touch(team, Tag.TEAM_MEMBER_ADDED, user, actor)
    return team


@transaction.atomic
def team_member_remove(*, actor: Actor, team_id: UUID | str, user_id: UUID) -> Team:
    """Takes a person out of the team. Raises Refused, and NotFound for who is not in it."""
    team = _locked(actor, team_id)
    place = TeamMember.objects.filter(team=team, user_id=user_id).select_related("user").first()
    if place is None:
        raise NotFound(gettext("This person is not in the team."))
    place.delete()
    _touch(team, Tag.TEAM_MEMBER_REMOVED, place.user, actor)
    return team


def _locked(actor: Actor, team_id: UUID | str) -> Team:
    team = team_get(actor=actor, team_id=team_id, is_locked=True)
    authorize(actor, Permission.TEAMS_MANAGE)
    return team


def _touch(team: Team, tag: Tag, user: User, actor: Actor) -> None:
    """The members are part of the team: its version moves with them."""
    team.updated_at = clock.now()
    Team.objects.filter(pk=team.pk).update(updated_at=team.updated_at)
    trail.record(tag=tag, target=team, actor=actor, detail={"user": user.username})


def _save(team: Team, *, is_new: bool) -> None:
    try:
        team.clean_fields(exclude={"tenant"})
        with transaction.atomic():
            team.save(force_insert=is_new)
    except ValidationError as error:
        raise InvalidInput(faults=faults_of(error)) from error
    except IntegrityError as error:
        if "team_slug_once_per_tenant" not in str(error):
            raise
        message = gettext("Another team has this short name: choose another slug.")
        raise InvalidInput(faults=(Fault("slug", "slug_taken", message),)) from error


def _shown(team: Team) -> dict[str, Any]:
    return {name: getattr(team, name) for name in FIELDS}
