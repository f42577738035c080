"""Tenants are made by platform staff."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from audit.services import trail
from billing.models import Tenant
from billing.tags import Tag
from portal.kernel.authz import Actor, authorize
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID, platform_alias
from portal.services.members import membership_set


def tenant_create(*, actor: Actor, slug: str, name: str, timezone: str = "Europe/Paris") -> Tenant:
    """Makes a tenant, or answers the one that has the slug already.

    Raises:
        Refused: the actor is no platform administrator.
    """
    authorize(actor, "users.manage")
    with platform_alias(), transaction.atomic(using=PLATFORM):
        tenant, is_new = Tenant.objects.using(PLATFORM).get_or_create(
            slug=slug, defaults={"name": name, "timezone": timezone}
        )
        if is_new:
            trail.record(
                tag=Tag.TENANT_CREATED,
                target=tenant,
                actor=actor,
                tenant_id=PLATFORM_TENANT_ID,
                after={"slug": slug, "name": name},
            )
    return tenant


def first_tenant_ensure(*, admin_id: UUID) -> None:
    """Gives a new installation its first tenant, with the first administrator as its admin."""
    with platform_alias():
        if Tenant.objects.using(PLATFORM).exists():
            return
    actor = Actor.system("bootstrap")
    tenant = tenant_create(actor=actor, slug="uhub", name="uHub")
    membership_set(actor=actor, user_id=admin_id, tenant_id=tenant.id, role_code="admin")
