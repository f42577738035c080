"""The ends of leases: warn before, stop when one ends, delete after the grace. Each deployment on its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from audit.services import trail
from portal.kernel import clock, events
from portal.kernel.authz import Actor
from portal.kernel.errors import DomainError
from portal.kernel.stored_text import stored_text
from portal.kernel.tenancy import tenant_scope
from portal.services.settings import setting_get
from provisioning.events import LeaseEnded
from provisioning.models import Deployment, ExtensionRequest, LeaseWarning
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_lock
from provisioning.selectors.maintenance import maintenance_of
from provisioning.services.copies.final import final_backup_awaited
from provisioning.services.extensions import extensions_expire
from provisioning.services.lifecycle import deployment_delete, deployment_stop
from provisioning.services.warnings import lease_warn, offsets_hours
from provisioning.states import DeploymentStatus, LeaseEnd, RequestStatus
from provisioning.tags import Tag

log = structlog.get_logger(__name__)
_MAY_RUN = (DeploymentStatus.RUNNING, DeploymentStatus.ERROR)
_ENDED = (DeploymentStatus.DELETED, DeploymentStatus.DELETING)
_END_FIELDS = {LeaseEnd.STOP: "expires_at", LeaseEnd.DELETE: "delete_after"}
_Act = Callable[..., object]


def expiry_sweep() -> None:
    """Ends the leases that are due and warns of those that will be, of all tenants.

    It asks the same few questions whatever the number of deployments; what is due is done one by one, and
    one that fails does not hold up the others. It needs no memory of when it ran last.
    """
    now = clock.now()
    due = _live().filter(expires_at__lte=now)
    _each(due.filter(expired_at__isnull=True), lease_end)
    _each(due.filter(delete_after__lte=now), lease_delete)
    for kind in LeaseEnd:
        _each(_to_be_warned(kind), partial(lease_warn, kind=kind))


@transaction.atomic
def lease_end(*, actor: Actor, deployment_id: UUID) -> None:
    """Marks the lease as ended, sets the day of deletion and stops the machine if it may run.

    While something is under way, or its place is in maintenance, it does nothing: a later sweep does.
    """
    deployment = deployment_lock(
        actor=actor, deployment_id=deployment_id, permission=Permission.OPERATE
    )
    now = clock.now()
    is_due = deployment.expires_at <= now and deployment.expired_at is None
    if not is_due or _has_to_wait(deployment):
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
    _tell(deployment, LeaseEnd.STOP)
    if deployment.status in _MAY_RUN and deployment.ready_at is not None:
        deployment_stop(actor=actor, deployment_id=deployment_id)


@transaction.atomic
def lease_delete(*, actor: Actor, deployment_id: UUID) -> None:
    """Deletes a deployment whose grace is over and whose owner was told in time.

    One that was extended meanwhile stays. Where the warning is missing, the deletion moves behind it.
    """
    deployment = deployment_lock(
        actor=actor, deployment_id=deployment_id, permission=Permission.DELETE
    )
    is_due = deployment.delete_after is not None and deployment.delete_after <= clock.now()
    if not is_due or _has_to_wait(deployment) or _is_asked_for(deployment, actor):
        return
    if (moved := _deletion_moved(deployment)) is None:
        if final_backup_awaited(deployment, actor=actor):
            return
        deployment_delete(actor=actor, deployment_id=deployment_id)
        _tell(deployment, LeaseEnd.DELETE)
        return
    to, lease_version = moved
    Deployment.objects.filter(pk=deployment.pk).update(
        delete_after=to, lease_version=lease_version, updated_at=clock.now()
    )
    trail.record(
        tag=Tag.DELETION_MOVED,
        target=deployment,
        actor=actor,
        before={"delete_after": deployment.delete_after.isoformat()}
        if deployment.delete_after
        else None,
        after={"delete_after": to.isoformat(), "lease_version": lease_version},
        detail={"message": stored_text("no warning was delivered in time")},
    )


def _tell(deployment: Deployment, end: LeaseEnd) -> None:
    events.publish(
        LeaseEnded(
            deployment_id=deployment.pk,
            tenant_id=deployment.tenant_id,
            owner_id=deployment.owner_id,
            name=deployment.name,
            end=str(end),
            lease_version=deployment.lease_version,
        )
    )


def _deletion_moved(deployment: Deployment) -> tuple[datetime, int] | None:
    """Where the deletion has to move, and as which version; None when it was warned of in time.

    A version whose warnings all failed is given up, so that the next one is warned of anew.
    """
    notice = timedelta(hours=int(setting_get("cloudpods.lease.delete_notice_hours")))
    now, version = clock.now(), deployment.lease_version
    warnings = list(
        LeaseWarning.objects.filter(
            deployment=deployment, lease_version=version, kind=LeaseEnd.DELETE
        )
    )
    delivered = min((one.delivered_at for one in warnings if one.delivered_at), default=None)
    if delivered is not None:
        return None if delivered + notice <= now else (delivered + notice, version)
    if warnings and all(one.failure for one in warnings):
        version += 1
    return now + notice, version


def _has_to_wait(deployment: Deployment) -> bool:
    """Whether something stands before both ends: a hold, an action under way, maintenance of its place."""
    return deployment.hold or deployment.is_busy or bool(maintenance_of(deployment))


def _is_asked_for(deployment: Deployment, actor: Actor) -> bool:
    """Whether somebody still decides on more time; after a while beyond the day of deletion, nobody does.

    The patience counts from that day, not from the request: asking again and again wins no time.
    """
    waiting = ExtensionRequest.objects.filter(deployment=deployment, status=RequestStatus.PENDING)
    if deployment.delete_after is None or not waiting.exists():
        return False
    patience = timedelta(hours=int(setting_get("cloudpods.lease.request_wait_hours")))
    if clock.now() < deployment.delete_after + patience:
        return True
    extensions_expire(deployment, actor=actor)
    return False


def _live() -> QuerySet[Deployment]:
    return Deployment.across_tenants.filter(hold=False).exclude(status__in=_ENDED)


def _to_be_warned(kind: LeaseEnd) -> QuerySet[Deployment]:
    """Those that have reached an offset which this version of their lease was not warned of."""
    now, field, offsets = clock.now(), _END_FIELDS[kind], sorted(offsets_hours(kind))
    warned = (
        LeaseWarning.across_tenants.filter(
            tenant_id=OuterRef("tenant_id"),
            deployment_id=OuterRef("pk"),
            lease_version=OuterRef("lease_version"),
            kind=kind,
        )
        .order_by()
        .values("deployment_id")
        .annotate(nearest=Min("offset_hours"))
        .values("nearest")
    )
    reached = Q()
    nearer = now if kind is LeaseEnd.STOP else None
    for hours in offsets:
        span = timedelta(hours=hours)
        window = Q(**{f"{field}__lte": now + span})
        if nearer is not None:
            window &= Q(**{f"{field}__gt": nearer})
        if kind is LeaseEnd.STOP:
            window &= Q(expires_at__gt=F("since") + span)
        reached |= window & (Q(warned__isnull=True) | Q(warned__gt=hours))
        nearer = now + span
    rows = (
        _live()
        .annotate(warned=Subquery(warned), since=Coalesce("lease_set_at", "created_at"))
        .filter(reached)
    )
    return rows.filter(expired_at__isnull=True) if kind is LeaseEnd.STOP else rows


def _each(rows: QuerySet[Deployment], act: _Act) -> None:
    found: Iterable[tuple[UUID, UUID]] = list(rows.order_by().values_list("tenant_id", "pk"))
    for tenant_id, deployment_id in found:
        actor = Actor.system("expiry", tenant_id=tenant_id)
        try:
            with tenant_scope(tenant_id):
                act(actor=actor, deployment_id=deployment_id)
        except DomainError as error:
            log.warning("expiry.skipped", deployment=str(deployment_id), reason=str(error))
        except Exception:
            log.exception("expiry.failed", deployment=str(deployment_id))
