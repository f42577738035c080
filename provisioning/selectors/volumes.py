"""Volumes of the tenant in scope: fetched and authorised in one call."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext

from portal.kernel.authz import Actor, ActorKind, authorize
from portal.kernel.errors import NotFound, Refused
from provisioning.models import Deployment, Storage, Volume
from provisioning.permissions import Permission
from provisioning.states import DeploymentStatus, VolumeStatus


def volume_list(*, actor: Actor, with_deleted: bool = False) -> QuerySet[Volume]:
    """All of the tenant's, newest first; tombstones only when asked for."""
    authorize(actor, Permission.VIEW)
    rows = Volume.objects.select_related("deployment", "cluster", "owner")
    if not with_deleted:
        rows = rows.exclude(status=VolumeStatus.DELETED)
    return rows.order_by("-created_at", "-id")


def volumes_of(*, actor: Actor, deployment: Deployment) -> QuerySet[Volume]:
    """Those attached to a deployment, or last attached there; the attached ones first."""
    rows = volume_list(actor=actor).filter(deployment_id=deployment.pk)
    return rows.order_by("status", "name")


def volumes_price(deployment: Deployment) -> tuple[int, int, Decimal]:
    """How many volumes are in a machine, of how many GiB together, and what an hour of them costs."""
    rows = Volume.objects.filter(deployment_id=deployment.pk)
    rows = rows.exclude(status__in=(VolumeStatus.DETACHED, VolumeStatus.DELETED))
    figures = rows.values_list("size_gb", "price_gb_hour")
    price = sum((size * rate for size, rate in figures), Decimal(0))
    return len(figures), sum(size for size, _rate in figures), price


def volumes_held(deployment: Deployment) -> bool:
    """Whether a disk is in one of the machine's drives, or on its way in or out."""
    rows = Volume.objects.filter(deployment_id=deployment.pk).exclude(status=VolumeStatus.DELETED)
    return rows.exclude(status=VolumeStatus.DETACHED, action="").exists()


def volume_get(*, actor: Actor, volume_id: UUID | str) -> Volume:
    """One volume, tombstones included. Raises NotFound (also for another tenant's)."""
    rows = volume_list(actor=actor, with_deleted=True)
    volume = rows.filter(pk=_key(volume_id)).first()
    if volume is None:
        raise NotFound(gettext("There is no such volume."))
    return volume


def volume_home(volume_id: UUID | str) -> UUID | None:
    """The machine it is in, or was in last, unlocked and unasked: for whoever has to lock that first."""
    rows = Volume.objects.filter(pk=_key(volume_id))
    return rows.values_list("deployment_id", flat=True).first()


def volume_lock(*, actor: Actor, volume_id: UUID | str) -> Volume:
    """The row, locked, for an actor that may change this volume.

    Raises:
        NotFound: absent, deleted or another tenant's.
        Refused: the role lacks the permission, or neither the volume nor its deployment is the actor's.
    """
    authorize(actor, Permission.VIEW)
    volume = (
        Volume.objects.select_for_update(of=("self",))
        .select_related("deployment__template", "deployment__cluster", "cluster", "owner")
        .filter(pk=_key(volume_id))
        .exclude(status=VolumeStatus.DELETED)
        .first()
    )
    if volume is None:
        raise NotFound(gettext("There is no such volume."))
    authorize(actor, Permission.VOLUMES_MANAGE)
    if not is_in_hands_of(actor, volume):
        raise Refused(
            gettext(
                "This volume belongs to %(owner)s. "
                "Ask that person, or someone who manages all deployments."
            )
            % {"owner": volume.owner},
            permission=str(Permission.MANAGE),
        )
    return volume


def is_in_hands_of(actor: Actor, volume: Volume) -> bool:
    """Whether the actor may change this very volume: its owner, its deployment's, or everybody's manager."""
    if actor.kind is ActorKind.SYSTEM or actor.may(Permission.MANAGE):
        return True
    home = volume.deployment
    return actor.user_id in {volume.owner_id, home.owner_id if home else volume.owner_id}


def reaches(deployment: Deployment, volume: Volume, storages: list[Storage]) -> bool:
    """Whether the deployment's node reaches the volume's storage, as the last listing showed it."""
    if deployment.cluster_id != volume.cluster_id:
        return False
    for row in storages:
        if row.cluster_id != volume.cluster_id or row.name != volume.storage_pool:
            continue
        if row.is_shared and deployment.node in row.node_names:
            return True
        if not row.is_shared and deployment.node == volume.node:
            return True
    return False


def storages_of(volume: Volume) -> list[Storage]:
    """The rows of the volume's storage: one when it is shared, one per node when it is local."""
    rows = Storage.objects.filter(cluster_id=volume.cluster_id, name=volume.storage_pool)
    return list(rows)


def volume_targets(*, actor: Actor, volume: Volume) -> list[Deployment]:
    """The deployments a volume may be attached to: the actor's, ready, and reaching its storage."""
    authorize(actor, Permission.VIEW)
    ready = Deployment.objects.filter(
        cluster_id=volume.cluster_id,
        status__in=(DeploymentStatus.RUNNING, DeploymentStatus.STOPPED),
    )
    if not (actor.kind is ActorKind.SYSTEM or actor.may(Permission.MANAGE)):
        ready = ready.filter(owner_id=actor.user_id)
    storages = storages_of(volume)
    return [one for one in ready.order_by("name") if reaches(one, volume, storages)]


def _key(value: UUID | str) -> UUID:
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value)
    except ValueError as error:
        raise NotFound(gettext("There is no such volume.")) from error
