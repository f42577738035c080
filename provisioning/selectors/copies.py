"""Snapshots, backups and their schedules of the tenant in scope."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum
from django.utils.translation import gettext

from portal.kernel import clock
from portal.kernel.authz import Actor, ActorKind, authorize
from portal.kernel.errors import NotFound, Refused
from portal.models import Operation
from portal.states import OPEN_STATUSES
from provisioning.logic.copy_states import BackupStatus, SnapshotStatus
from provisioning.models import (
    Backup,
    BackupSchedule,
    BackupStore,
    Deployment,
    Snapshot,
)
from provisioning.permissions import Permission
from provisioning.selectors.deployments import is_in_hands_of
from provisioning.states import DeploymentStatus

_EXCLUSIVE = ("backup.restore", "snapshot.rollback")
DAY = timedelta(hours=24)


def snapshots_of(*, actor: Actor, deployment: Deployment) -> QuerySet[Snapshot]:
    """The machine's snapshots, newest first, without those that are gone."""
    authorize(actor, Permission.BACKUPS_VIEW)
    rows = Snapshot.objects.filter(deployment=deployment).select_related("requester")
    return rows.exclude(status=SnapshotStatus.DELETED).order_by("-created_at", "-id")


def backup_list(*, actor: Actor, with_deleted: bool = False) -> QuerySet[Backup]:
    """All of the tenant's, newest first."""
    authorize(actor, Permission.BACKUPS_VIEW)
    rows = Backup.objects.select_related("deployment", "cluster", "template", "owner", "requester")
    if not with_deleted:
        rows = rows.exclude(status=BackupStatus.DELETED)
    return rows.order_by("-created_at", "-id")


def backups_of(*, actor: Actor, deployment: Deployment) -> QuerySet[Backup]:
    """The machine's backups, newest first."""
    return backup_list(actor=actor).filter(deployment=deployment)


def backup_get(*, actor: Actor, backup_id: UUID | str) -> Backup:
    """One backup. Raises NotFound (also for another tenant's)."""
    rows = backup_list(actor=actor, with_deleted=True).filter(pk=_key(backup_id, _no_backup()))
    if (backup := rows.first()) is None:
        raise NotFound(_no_backup())
    return backup


def backup_home(backup_id: UUID | str) -> UUID | None:
    """The machine it is of, unlocked and unasked: for whoever has to lock that first."""
    rows = Backup.objects.filter(pk=_key(backup_id, _no_backup()))
    return rows.values_list("deployment_id", flat=True).first()


def backup_lock(*, actor: Actor, backup_id: UUID | str) -> Backup:
    """The row, locked, for an actor that may manage it: its machine's owner, or whoever manages all.

    Raises:
        NotFound, Refused.
    """
    authorize(actor, Permission.BACKUPS_VIEW)
    backup = (
        Backup.objects.select_for_update(of=("self",))
        .select_related("deployment__owner", "cluster", "template", "owner")
        .filter(pk=_key(backup_id, _no_backup()))
        .exclude(status=BackupStatus.DELETED)
        .first()
    )
    if backup is None:
        raise NotFound(_no_backup())
    authorize(actor, Permission.BACKUPS_MANAGE)
    if not is_backup_in_hands_of(actor, backup):
        message = gettext(
            "This backup belongs to %(owner)s. Ask that person, or someone who manages all deployments."
        )
        raise Refused(message % {"owner": backup.owner}, permission=str(Permission.MANAGE))
    return backup


def is_backup_in_hands_of(actor: Actor, backup: Backup) -> bool:
    """Whether the actor may act on this very backup; a machine that lives decides for its backups."""
    deployment = backup.deployment
    if deployment is not None and deployment.status != DeploymentStatus.DELETED:
        return is_in_hands_of(actor, deployment)
    if actor.kind is ActorKind.SYSTEM or actor.may(Permission.MANAGE):
        return True
    return actor.user_id == backup.owner_id


def schedule_list(*, actor: Actor) -> QuerySet[BackupSchedule]:
    """The tenant's schedules by name."""
    authorize(actor, Permission.BACKUPS_VIEW)
    return BackupSchedule.objects.select_related("deployment", "owner").order_by("name", "id")


def schedule_get(*, actor: Actor, schedule_id: UUID | str) -> BackupSchedule:
    """One schedule. Raises NotFound."""
    absent = gettext("There is no such schedule.")
    schedule = schedule_list(actor=actor).filter(pk=_key(schedule_id, absent)).first()
    if schedule is None:
        raise NotFound(absent)
    return schedule


def schedules_for(*, actor: Actor, deployment: Deployment) -> list[BackupSchedule]:
    """The active schedules that back up this machine, by name or by one of its tags."""
    rows = schedule_list(actor=actor).filter(is_active=True)
    by_tag = Q(deployment__isnull=True, tag__in=deployment.tags)
    return list(rows.filter(Q(deployment=deployment) | by_tag))


def schedule_targets(schedule: BackupSchedule) -> QuerySet[Deployment]:
    """The machines a schedule is for at this moment: those that are there."""
    rows = Deployment.objects.filter(ready_at__isnull=False).exclude(
        status__in=[DeploymentStatus.DELETING, DeploymentStatus.DELETED]
    )
    if schedule.deployment_id is not None:
        return rows.filter(pk=schedule.deployment_id)
    return rows.filter(tags__contains=[schedule.tag])


def work_that_excludes(deployment: Deployment) -> Operation | None:
    """A restore or a rollback of this machine that has not ended."""
    return Operation.objects.filter(
        target_id=deployment.pk, status__in=OPEN_STATUSES, type__in=_EXCLUSIVE
    ).first()


def copies_under_way(deployments: Collection[Deployment]) -> dict[UUID, set[str]]:
    """The kinds of work on copies of these machines that has not ended."""
    found: dict[UUID, set[str]] = {}
    rows = Operation.objects.filter(
        queue="backups", status__in=OPEN_STATUSES, target_id__in=[one.pk for one in deployments]
    )
    for target_id, type_ in rows.values_list("target_id", "type"):
        if target_id is not None:
            found.setdefault(target_id, set()).add(type_)
    return found


def backups_of_a_day(*, across_tenants: bool = False) -> dict[str, int]:
    """How many backups ended well and badly within 24 hours: {"ok": …, "failed": …}."""
    rows = Backup.across_tenants.all() if across_tenants else Backup.objects.all()
    found = rows.filter(ended_at__gte=clock.now() - DAY).aggregate(
        ok=Count("pk", filter=~Q(status=BackupStatus.FAILED)),
        failed=Count("pk", filter=Q(status=BackupStatus.FAILED)),
    )
    return {"ok": found["ok"], "failed": found["failed"]}


def backup_sums(*, actor: Actor) -> dict[str, int]:
    """What the tenant's backups amount to: how many are complete, missing, and their bytes."""
    authorize(actor, Permission.BACKUPS_VIEW)
    found = Backup.objects.aggregate(
        complete=Count("pk", filter=Q(status=BackupStatus.COMPLETE)),
        missing=Count("pk", filter=Q(status=BackupStatus.MISSING)),
        size=Sum("size_bytes", filter=Q(status=BackupStatus.COMPLETE)),
    )
    return {"complete": found["complete"], "missing": found["missing"], "size": found["size"] or 0}


def backup_stores() -> list[BackupStore]:
    """What the storages told last."""
    return list(BackupStore.objects.select_related("cluster").order_by("cluster__code", "name"))


def _no_backup() -> str:
    return gettext("There is no such backup.")


def _key(value: UUID | str, absent: str) -> UUID:
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value)
    except ValueError as error:
        raise NotFound(absent) from error
