"""Tenants are made by platform staff."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext

from audit.services import trail
from billing.models import Tenant
from billing.tags import Tag
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Fault, InvalidInput, NotFound
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID, platform_alias
from portal.services.members import membership_set

CHANGEABLE: Final = ("name", "timezone", "is_active")


def tenant_create(
    *,
    actor: Actor,
    slug: str,
    name: str,
    timezone: str = "Europe/Paris",
    must_be_new: bool = False,
) -> Tenant:
    """Makes a tenant, or answers the one that has the slug already.

    Raises:
        Refused: the actor is no platform administrator.
        InvalidInput: there is no such time zone, or the slug is taken and `must_be_new`.
    """
    authorize(actor, "users.manage")
    _zone_check(timezone)
    with platform_alias(), transaction.atomic(using=PLATFORM):
        tenant, is_new = Tenant.objects.using(PLATFORM).get_or_create(
            slug=slug, defaults={"name": name, "timezone": timezone}
        )
        if must_be_new and not is_new:
            message = gettext("Another organisation has this slug.")
            raise InvalidInput(faults=(Fault("slug", "slug_taken", message),))
        if is_new:
            trail.record(
                tag=Tag.TENANT_CREATED,
                target=tenant,
                actor=actor,
                tenant_id=PLATFORM_TENANT_ID,
                after={"slug": slug, "name": name},
            )
    return tenant


def tenant_change(*, actor: Actor, slug: str, changes: Mapping[str, Any]) -> Tenant:
    """Changes name, time zone, or whether the members get in.

    Raises:
        Refused: the actor is no platform administrator.
        NotFound: there is no such tenant.
        InvalidInput: there is no such time zone.
    """
    authorize(actor, "users.manage")
    if "timezone" in changes:
        _zone_check(changes["timezone"])
    with platform_alias(), transaction.atomic(using=PLATFORM):
        found = Tenant.objects.using(PLATFORM).select_for_update(no_key=True)
        tenant = found.filter(slug=slug).first() if "\x00" not in slug else None
        if tenant is None:
            raise NotFound(gettext("There is no such organisation."))
        before = {name: getattr(tenant, name) for name in CHANGEABLE}
        after = {name: changes.get(name, before[name]) for name in CHANGEABLE}
        if before != after:
            for name, value in after.items():
                setattr(tenant, name, value)
            tenant.save(using=PLATFORM)
            trail.record(
                tag=Tag.TENANT_CHANGED,
                target=tenant,
                actor=actor,
                tenant_id=PLATFORM_TENANT_ID,
                before=before,
                after=after,
            )
    return tenant


def _zone_check(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        message = gettext("This time zone is not known.")
        raise InvalidInput(faults=(Fault("timezone", "invalid", message),))


def first_tenant_ensure(*, admin_id: UUID) -> None:
    """Gives a new installation its first tenant, with the first administrator as its admin."""
    with platform_alias():
        if Tenant.objects.using(PLATFORM).exists():
            return
    actor = Actor.system("bootstrap")
    tenant = tenant_create(actor=actor, slug="uhub", name="uHub")
    membership_set(actor=actor, user_id=admin_id, tenant_id=tenant.id, role_code="admin")
