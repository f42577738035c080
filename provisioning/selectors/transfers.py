"""Offers of machines, open to all of the organisation: so is whose they are."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import NotFound
from portal.kernel.tenancy import PLATFORM
from portal.models import Membership, User
from portal.selectors.memberships import memberships_permitted, people_who_may
from provisioning.models import Deployment, OwnershipTransfer
from provisioning.permissions import Permission
from provisioning.states import TransferStatus

PEOPLE_MOST = 200
RECEIVERS_MOST = 1000


def transfer_list(*, actor: Actor) -> QuerySet[OwnershipTransfer]:
    """The tenant's offers, newest first."""
    authorize(actor, Permission.VIEW)
    rows = OwnershipTransfer.objects.select_related(
        "deployment", "requester", "from_owner", "to_owner"
    )
    return rows.order_by("-created_at", "-id")


def transfer_get(*, actor: Actor, transfer_id: UUID | str) -> OwnershipTransfer:
    """One of them. Raises NotFound, Refused."""
    try:
        row = transfer_list(actor=actor).filter(pk=UUID(str(transfer_id))).first()
    except ValueError:
        row = None
    if row is None:
        raise NotFound(_("There is no such offer."))
    return row


def transfer_lock(row: OwnershipTransfer) -> tuple[Deployment, OwnershipTransfer]:
    """The deployment, then its offer, both locked."""
    deployment = Deployment.objects.select_for_update().get(pk=row.deployment_id)
    locked = (
        OwnershipTransfer.objects.select_for_update(of=("self",))
        .select_related("requester", "from_owner", "to_owner")
        .get(pk=row.pk)
    )
    return deployment, locked


def transfer_open_of(deployment: Deployment) -> OwnershipTransfer | None:
    """The offer of a machine that waits for its receiver."""
    rows = OwnershipTransfer.objects.select_related("to_owner", "requester")
    return rows.filter(deployment=deployment, status=TransferStatus.PENDING).first()


def receivers(*, tenant_id: UUID) -> tuple[User, ...]:
    """Who can own a machine in the organisation: active people who may operate one."""
    return people_who_may(tenant_id=tenant_id, permission=Permission.OPERATE, limit=PEOPLE_MOST)


def receivers_everywhere(*, actor: Actor, permission: Permission) -> list[Membership]:
    """The same of all active organisations, with `tenant` and `user`, for who may give machines to any of them.

    Raises:
        Refused: without that permission of the platform's.
    """
    authorize(actor, permission)
    rows = memberships_permitted(permission=Permission.OPERATE).using(PLATFORM)
    rows = rows.filter(tenant__is_active=True).select_related("tenant", "user")
    order = ("tenant__name", "tenant__slug", "user__display_name", "user__username")
    return list(rows.order_by(*order)[:RECEIVERS_MOST])
