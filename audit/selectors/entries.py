"""Reading the audit of the tenant in scope; platform staff without a tenant read the platform's."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from audit.models import Entry
from portal.kernel.authz import Actor
from portal.kernel.errors import Refused
from portal.kernel.tenancy import PLATFORM_TENANT_ID, current_tenant_id


def entries(actor: Actor) -> QuerySet[Entry]:
    """Entries the actor may read, newest first.

    Platform entries are no tenant's: the runtime role may add but never read them, so they come through
    the platform role, for platform administrators who work outside any tenant.

    Raises:
        Refused: no tenant is in scope and the actor is no platform administrator.
    """
    if current_tenant_id() is not None:
        return Entry.objects.all()
    if not actor.is_platform_admin:
        raise Refused
    return Entry.across_tenants.filter(tenant_id=PLATFORM_TENANT_ID)


def changes(entry: Entry) -> list[dict[str, Any]]:
    """Field by field, what an entry says was before and after."""
    before, after = entry.before or {}, entry.after or {}
    return [
        {"field": name, "before": before.get(name), "after": after.get(name)}
        for name in dict.fromkeys([*before, *after])
    ]


def entries_about(target_id: UUID) -> QuerySet[Entry]:
    """The history of one object, newest first, for whoever may see the object (the caller checked that)."""
    return Entry.objects.filter(target_id=str(target_id)).order_by("-seq")
