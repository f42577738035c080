"""Deployments of the tenant in scope: fetched and authorised in one call."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db.models import Count, QuerySet
from django.utils.translation import gettext

from portal.kernel import clock
from portal.kernel.authz import Actor, ActorKind, authorize
from portal.kernel.errors import NotFound, Refused
from provisioning.models import Deployment
from provisioning.permissions import Permission
from provisioning.states import DeploymentStatus


def deployment_list(*, actor: Actor, with_deleted: bool = False) -> QuerySet[Deployment]:
    """All of the tenant's, newest first; tombstones only when asked for."""
    authorize(actor, Permission.VIEW)
    queryset = Deployment.objects.select_related("template", "owner", "cluster")
    if not with_deleted:
        queryset = queryset.exclude(status=DeploymentStatus.DELETED)
    return queryset.order_by("-created_at", "-id")


def deployment_row(*, actor: Actor, deployment_id: UUID | str) -> QuerySet[Deployment]:
    """One deployment or none, tombstones included. Raises NotFound for what is no id."""
    queryset = deployment_list(actor=actor, with_deleted=True)
    return queryset.filter(pk=_key(deployment_id))


def deployment_get(*, actor: Actor, deployment_id: UUID | str) -> Deployment:
    """One deployment, tombstones included. Raises NotFound (also for another tenant's)."""
    deployment = deployment_row(actor=actor, deployment_id=deployment_id).first()
    if deployment is None:
        raise NotFound(gettext("There is no such deployment."))
    return deployment


def machine_lock(deployment_id: UUID | str | None) -> Deployment | None:
    """Locks a machine of the tenant in scope ahead of what belongs to it; asks nobody's leave.

    docs/provisioning.md, "The order of locks", says why.
    """
    try:
        key = UUID(str(deployment_id))
    except ValueError:
        return None
    return Deployment.objects.select_for_update(of=("self",)).filter(pk=key).first()


def deployment_lock(
    *, actor: Actor, deployment_id: UUID | str, permission: Permission
) -> Deployment:
    """The row, locked, for an actor that may do `permission` to it.

    Raises:
        NotFound: absent or another tenant's.
        Refused: the role lacks the permission, or the deployment is somebody else's.
    """
    authorize(actor, Permission.VIEW)
    rows = (
        Deployment.objects.select_for_update(of=("self",))
        .select_related("template", "cluster", "owner")
        .filter(pk=_key(deployment_id))
        .exclude(status=DeploymentStatus.DELETED)
    )
    # Asked twice: a row whose owner changed while we waited for its lock no longer fits the first join.
    deployment = rows.first() or rows.first()
    if deployment is None:
        raise NotFound(gettext("There is no such deployment."))
    authorize(actor, permission)
    demand_hands(actor, deployment)
    return deployment


def demand_hands(actor: Actor, deployment: Deployment) -> None:
    """Passes for who may act on this very deployment. Raises Refused, which names whose it is."""
    if not is_in_hands_of(actor, deployment):
        raise Refused(
            gettext(
                "This deployment belongs to %(owner)s. "
                "Ask that person, or someone who manages all deployments."
            )
            % {"owner": deployment.owner},
            permission=str(Permission.MANAGE),
        )


def is_in_hands_of(actor: Actor, deployment: Deployment) -> bool:
    """Whether the actor may act on this very deployment: the owner's, or everyone's with `manage`."""
    if actor.kind is ActorKind.SYSTEM or actor.may(Permission.MANAGE):
        return True
    return actor.user_id == deployment.owner_id


def deployment_counts(*, actor: Actor) -> dict[str, int]:
    """Live deployments by status."""
    authorize(actor, Permission.VIEW)
    rows = (
        Deployment.objects.exclude(status=DeploymentStatus.DELETED)
        .order_by()
        .values_list("status")
        .annotate(count=Count("id"))
    )
    return dict(rows)


def deployments_by_lease(rows: QuerySet[Deployment], lease: str) -> QuerySet[Deployment]:
    """Those whose lease is `held`, has `ended`, or stops within that many hours."""
    if lease == "held":
        return rows.filter(hold=True)
    if lease == "ended":
        return rows.filter(expired_at__isnull=False).exclude(status=DeploymentStatus.DELETED)
    soon = clock.now() + timedelta(hours=int(lease))
    return rows.filter(expires_at__lte=soon, expired_at__isnull=True, hold=False)


def name_suggestion(stem: str) -> str:
    """A name that is free: the stem with the lowest number no live deployment has."""
    live = Deployment.objects.exclude(status=DeploymentStatus.DELETED)
    taken = set(live.filter(name__startswith=f"{stem}-").values_list("name", flat=True))
    number = 1
    while f"{stem}-{number}" in taken:
        number += 1
    return f"{stem}-{number}"


def _key(value: UUID | str) -> UUID:
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value)
    except ValueError as error:
        raise NotFound(gettext("There is no such deployment.")) from error
