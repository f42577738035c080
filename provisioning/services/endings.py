"""The end of a deployment: what it held is given back, and a tombstone with its reason stays."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from audit.services import trail
from billing.services.quotas import quota_release
from portal.kernel import clock, events
from portal.kernel.authz import Actor
from portal.kernel.fsm import transition
from provisioning.events import DeploymentChanged
from provisioning.models import Deployment
from provisioning.services.saga.volume_outcome import volumes_lock
from provisioning.services.slots import slot_free
from provisioning.services.vmids import vmid_block, vmid_release
from provisioning.states import DEPLOYMENT_TRANSITIONS, DeploymentStatus, Health
from provisioning.tags import Tag


@transaction.atomic
def deployment_end(
    row: Deployment,
    *,
    actor: Actor,
    tag: Tag,
    attention: dict[str, str] | None = None,
    watched_until: datetime | None = None,
    is_taken: bool = False,
    **entry: Any,
) -> None:
    """Ends the locked deployment: quota, slot, name and number are free, audit and event say why.

    The number goes into quarantine, longer where the tombstone is watched; one that another machine has
    taken is blocked. `entry` is what the audit tells beside the tag. Its volumes are let go by whoever
    hears of the end, if its caller did not decide on them.

    Raises:
        InvalidTransition: it has ended already.
    """
    if row.status != DeploymentStatus.DELETING:
        transition(row, table=DEPLOYMENT_TRANSITIONS, to=DeploymentStatus.DELETING)
    volumes_lock(row.pk)
    quota_release(tenant_id=row.tenant_id, subject_id=row.pk)
    slot_free(row.pk)
    if is_taken:
        vmid_block(cluster_id=row.cluster_id, vmid=row.vmid)
    else:
        vmid_release(
            cluster_id=row.cluster_id, vmid=row.vmid, deployment_id=row.pk, until=watched_until
        )
    transition(
        row,
        table=DEPLOYMENT_TRANSITIONS,
        to=DeploymentStatus.DELETED,
        deleted_at=clock.now(),
        watched_until=watched_until,
        attention=attention,
        ip_addresses=[],
        health=Health.UNKNOWN,
    )
    trail.record(tag=tag, target=row, actor=actor, **entry)
    events.publish(DeploymentChanged(row.pk, row.tenant_id, row.status, str(tag)))
