"""Maintenance of nodes and clusters: nothing new is placed there, what would change something waits."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import trail
from portal.kernel import clock
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Fault, InvalidInput, NotFound
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID, platform_alias
from provisioning.models import Cluster, Node
from provisioning.permissions import Permission
from provisioning.tags import Tag

REASON_MAX = 300
_Row = TypeVar("_Row", Node, Cluster)


def node_maintenance_set(
    *, actor: Actor, node_id: UUID | str, is_in_maintenance: bool, reason: str = ""
) -> Node:
    """Begins or ends the maintenance of a node. Raises NotFound, Refused, InvalidInput."""
    return _set(Node, actor, node_id, is_in_maintenance=is_in_maintenance, reason=reason)


def cluster_maintenance_set(
    *, actor: Actor, cluster_id: UUID | str, is_in_maintenance: bool, reason: str = ""
) -> Cluster:
    """Begins or ends the maintenance of a cluster. Raises NotFound, Refused, InvalidInput."""
    return _set(Cluster, actor, cluster_id, is_in_maintenance=is_in_maintenance, reason=reason)


def _set(
    model: type[_Row], actor: Actor, key: UUID | str, *, is_in_maintenance: bool, reason: str
) -> _Row:
    authorize(actor, Permission.INFRASTRUCTURE_MANAGE)
    reason = " ".join(reason.split())
    with platform_alias(), transaction.atomic(using=PLATFORM):
        row = model.objects.select_for_update(of=("self",)).filter(pk=_key(key)).first()
        if row is None:
            raise NotFound(_("There is no such node or cluster."))
        if is_in_maintenance:
            _demand_reason(reason)
        before = {"is_in_maintenance": row.is_in_maintenance, "reason": row.maintenance_reason}
        after = {
            "is_in_maintenance": is_in_maintenance,
            "reason": reason if is_in_maintenance else "",
        }
        if before == after:
            return row
        was = row.is_in_maintenance
        row.is_in_maintenance, row.maintenance_reason = is_in_maintenance, str(after["reason"])
        row.maintenance_by_id = actor.user_id if is_in_maintenance else None
        since = row.maintenance_since if was else clock.now()
        row.maintenance_since = since if is_in_maintenance else None
        row.save(
            update_fields=[
                "is_in_maintenance",
                "maintenance_reason",
                "maintenance_by",
                "maintenance_since",
                "updated_at",
            ]
        )
        trail.record(
            tag=Tag.MAINTENANCE_SET if is_in_maintenance else Tag.MAINTENANCE_CLEARED,
            target=row,
            actor=actor,
            tenant_id=PLATFORM_TENANT_ID,
            before=before,
            after=after,
        )
    return row


def _demand_reason(reason: str) -> None:
    if 3 <= len(reason) <= REASON_MAX:
        return
    message = _("Say why, in 3 to %(most)s characters; people whose work waits will read it.") % {
        "most": REASON_MAX
    }
    raise InvalidInput(faults=(Fault("reason", "out_of_range", message),))


def _key(value: UUID | str) -> UUID:
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value)
    except ValueError as error:
        raise NotFound(_("There is no such node or cluster.")) from error
