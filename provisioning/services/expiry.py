"""The end of a lease: stop when it ends, delete after the grace. Each deployment on its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import structlog
from django.db import DatabaseError, transaction

from audit.services import trail
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.errors import DomainError
from portal.kernel.tenancy import tenant_scope
from portal.services.settings import setting_get
from provisioning.models import Deployment
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_lock
from provisioning.services.lifecycle import deployment_delete, deployment_stop
from provisioning.states import DeploymentStatus
from provisioning.tags import Tag

log = structlog.get_logger(__name__)
_MAY_RUN = (DeploymentStatus.RUNNING, DeploymentStatus.ERROR)
_ENDED = (DeploymentStatus.DELETED, DeploymentStatus.DELETING)


def expiry_sweep() -> None:
    """Ends the leases that are due, of all tenants; one that fails does not hold up the others."""
    now = clock.now()
    due = Deployment.across_tenants.filter(expires_at__lte=now, hold=False).exclude(
        status__in=_ENDED
    )
    _each(due.filter(expired_at__isnull=True).values_list("tenant_id", "pk"), lease_end)
    _each(due.filter(delete_after__lte=now).values_list("tenant_id", "pk"), lease_delete)


@transaction.atomic
def lease_end(*, actor: Actor, deployment_id: UUID) -> None:
    """Marks the lease as ended, sets the day of deletion and stops the machine if it may run.

    While something is under way it does nothing: the next sweep finds the deployment settled.
    """
    deployment = deployment_lock(
        actor=actor, deployment_id=deployment_id, permission=Permission.OPERATE
    )
    now = clock.now()
    is_due = deployment.expires_at <= now and deployment.expired_at is None
    if not is_due or deployment.hold or deployment.is_busy:
        return
    grace = timedelta(hours=int(setting_get("cloudpods.lease.grace_hours")))
    Deployment.objects.filter(pk=deployment.pk).update(
        expired_at=now, delete_after=now + grace, updated_at=now
    )
    trail.record(
        tag=Tag.EXPIRED,
        target=deployment,
        actor=actor,
        after={"delete_after": (now + grace).isoformat()},
    )
    if deployment.status in _MAY_RUN and deployment.ready_at is not None:
        deployment_stop(actor=actor, deployment_id=deployment_id)


@transaction.atomic
def lease_delete(*, actor: Actor, deployment_id: UUID) -> None:
    """Deletes a deployment whose grace is over; one that was extended meanwhile stays."""
    deployment = deployment_lock(
        actor=actor, deployment_id=deployment_id, permission=Permission.DELETE
    )
    if deployment.delete_after is None or deployment.delete_after > clock.now() or deployment.hold:
        return
    deployment_delete(actor=actor, deployment_id=deployment_id)


def _each(rows: object, act: Callable[..., None]) -> None:
    for tenant_id, deployment_id in list(rows):  # type: ignore[call-overload]
        actor = Actor.system("expiry", tenant_id=tenant_id)
        try:
            with tenant_scope(tenant_id):
                act(actor=actor, deployment_id=deployment_id)
        except (DomainError, DatabaseError) as error:
            log.warning("expiry.skipped", deployment=str(deployment_id), reason=str(error))
