"""People: members of the organisation in scope, and everybody for platform staff."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext

from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import NotFound
from portal.kernel.tenancy import DEFAULT, PLATFORM
from portal.models import Membership, User
from portal.permissions import Permission


def member_list(*, actor: Actor, tenant_id: UUID, alias: str = DEFAULT) -> QuerySet[User]:
    """The organisation's people with their role in it (`shown_memberships`).

    `alias` is the role that wrote, for who must see what it has not committed.
    """
    authorize(actor, Permission.MEMBERS_VIEW)
    mine = Membership.objects.using(alias).filter(tenant_id=tenant_id)
    people = User.objects.using(alias).filter(pk__in=mine.values("user_id"))
    return _with_memberships(people, mine)


def user_list(*, actor: Actor) -> QuerySet[User]:
    """Everybody with all memberships, through the platform's role."""
    authorize(actor, Permission.USERS_MANAGE)
    return _with_memberships(User.objects.using(PLATFORM), Membership.objects.using(PLATFORM))


def person_get(*, people: QuerySet[User], user_id: UUID | str) -> User:
    """One of `people`. Raises NotFound."""
    try:
        user = people.filter(pk=UUID(str(user_id))).first()
    except ValueError:
        user = None
    if user is None:
        raise NotFound(gettext("There is no such person."))
    return user


def _with_memberships(users: QuerySet[User], of: QuerySet[Membership]) -> QuerySet[User]:
    shown = of.select_related("tenant", "role").order_by("tenant__name", "id")
    return users.prefetch_related(Prefetch("memberships", shown, to_attr="shown_memberships"))
