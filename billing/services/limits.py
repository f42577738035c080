"""A tenant's own limits are set by platform staff."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext

from audit.services import trail
from billing.logic.quota import DIMENSIONS
from billing.models import Quota
from billing.tags import Tag
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Fault, InvalidInput
from portal.kernel.tenancy import PLATFORM, platform_alias


def quota_set(*, actor: Actor, tenant_id: UUID, limits: dict[str, int | None]) -> Quota:
    """Sets a tenant's limits: None is unlimited, 0 is none. Usage above a new limit only blocks growth.

    Raises:
        Refused: the actor is no platform administrator.
        InvalidInput: a limit is negative or no dimension.
    """
    authorize(actor, "users.manage")
    faults = tuple(
        Fault(
            name,
            "invalid",
            gettext("A limit is a whole number of at least 0, or empty for unlimited."),
        )
        for name, value in limits.items()
        if name not in DIMENSIONS or (value is not None and value < 0)
    )
    if faults:
        raise InvalidInput(faults=faults)
    with platform_alias(), transaction.atomic(using=PLATFORM):
        quota, is_new = Quota.objects.select_for_update().get_or_create(
            tenant_id=tenant_id, defaults=limits
        )
        before = None if is_new else {name: getattr(quota, name) for name in DIMENSIONS}
        for name, value in limits.items():
            setattr(quota, name, value)
        after = {name: getattr(quota, name) for name in DIMENSIONS}
        if before != after:
            quota.save(using=PLATFORM)
            trail.record(
                tag=Tag.QUOTA_CHANGED,
                target=quota,
                actor=actor,
                tenant_id=tenant_id,
                before=before,
                after=after,
            )
    return quota
