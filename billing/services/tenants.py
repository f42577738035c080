"""Tenants are made by platform staff."""

from __future__ import annotations

from django.db import transaction

from audit.services import trail
from billing.models import Tenant
from billing.tags import Tag
from portal.kernel.authz import Actor, authorize
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID, platform_alias


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
