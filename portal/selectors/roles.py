"""Roles, which are the same for every organisation."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils.translation import gettext

from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import NotFound
from portal.models import Role
from portal.permissions import Permission


def role_list(*, actor: Actor) -> QuerySet[Role]:
    """All roles by code."""
    authorize(actor, Permission.MEMBERS_VIEW)
    return Role.objects.order_by("code")


def role_get(*, actor: Actor, code: str) -> Role:
    """One role. Raises NotFound."""
    role = role_list(actor=actor).filter(code=code).first() if "\x00" not in code else None
    if role is None:
        raise NotFound(gettext("There is no such role."))
    return role
