"""Organisations: one's own, and all of them for platform staff."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils.translation import gettext

from billing.models import Tenant
from portal.kernel.authz import Actor
from portal.kernel.errors import NotFound
from portal.kernel.tenancy import DEFAULT, PLATFORM
from portal.permissions import Permission


def tenant_list(*, actor: Actor) -> QuerySet[Tenant]:
    """Those the actor belongs to (the database shows no others); all of them to platform staff."""
    alias = PLATFORM if actor.may(Permission.USERS_MANAGE) else DEFAULT
    return Tenant.objects.using(alias).order_by("slug")


def tenant_get(*, actor: Actor, slug: str) -> Tenant:
    """One organisation. Raises NotFound, also for one the actor does not belong to."""
    tenant = tenant_list(actor=actor).filter(slug=slug).first() if "\x00" not in slug else None
    if tenant is None:
        raise NotFound(gettext("There is no such organisation."))
    return tenant
