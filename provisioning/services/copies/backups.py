"""What people do with backups: make, protect, note, delete."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from integrations.proxmox.mapping import marker_build
from portal.kernel.authz import Actor
from portal.kernel.errors import Fault
from portal.kernel.fsm import transition
from portal.kernel.models import uuid7
from portal.models import Operation
from portal.services.operations import operation_enqueue
from portal.services.settings import setting_get
from portal.states import OPEN_STATUSES
from provisioning.errors import CopyLimit, DeploymentInvalid, WrongState
from provisioning.logic.copy_states import (
    BACKUP_OPEN,
    BACKUP_TRANSITIONS,
    BackupKind,
    BackupMode,
    BackupStatus,
)
from provisioning.models import Backup, BackupSchedule, Deployment
from provisioning.selectors.copies import backup_lock
from provisioning.services.copies.snapshots import copy_lock
from provisioning.services.copies.telling import backup_told
from provisioning.services.operations import OperationType, enqueue_for
from provisioning.tags import Tag

_COUNTED = (
    BackupStatus.PENDING,
    BackupStatus.RUNNING,
    BackupStatus.COMPLETE,
    BackupStatus.DELETING,
)


@transaction.atomic
def backup_create(
    *,
    actor: Actor,
    deployment_id: UUID | str,
    mode: str = BackupMode.SNAPSHOT,
    storage: str = "",
    notes: str = "",
    is_protected: bool = False,
) -> tuple[Backup, Operation]:
    """Asks for a backup now.

    Raises:
        NotFound, Refused, DeploymentBusy, WrongState, DeploymentInvalid, CopyLimit.
    """
    deployment = copy_lock(actor=actor, deployment_id=deployment_id)
    if mode not in BackupMode.values:
        message = _("mode must be snapshot, suspend or stop.")
        raise DeploymentInvalid(faults=(Fault("mode", "invalid_choice", message),))
    backup_demand_room(deployment)
    return backup_begin(
        deployment,
        actor=actor,
        kind=BackupKind.MANUAL,
        mode=mode,
        storage=storage,
        notes=notes,
        is_protected=is_protected,
    )


def backup_demand_room(deployment: Deployment) -> None:
    """One at a time, and no more than a machine may have. Raises WrongState, CopyLimit."""
    if Backup.objects.filter(deployment=deployment, status__in=BACKUP_OPEN).exists():
        raise WrongState(_("A backup of this deployment is under way. Wait until it has ended."))
    most = int(setting_get("cloudpods.backup.max_per_deployment"))
    if Backup.objects.filter(deployment=deployment, status__in=_COUNTED).count() >= most:
        message = _("A deployment has at most %(most)s backups. Delete one first.")
        raise CopyLimit(message % {"most": most}, limit=most)


def backup_begin(
    deployment: Deployment,
    *,
    actor: Actor,
    kind: BackupKind,
    schedule: BackupSchedule | None = None,
    mode: str = BackupMode.SNAPSHOT,
    storage: str = "",
    payload: Mapping[str, Any] | None = None,
    **more: Any,
) -> tuple[Backup, Operation]:
    """Writes the backup down and starts the work, in the open transaction; the machine's row is locked."""
    backup_id = uuid7()
    backup = Backup.objects.create(
        id=backup_id,
        tenant_id=deployment.tenant_id,
        deployment=deployment,
        deployment_name=deployment.name,
        hostname=deployment.hostname,
        schedule_id=schedule.pk if schedule else None,
        owner_id=deployment.owner_id,
        requester_id=actor.user_id,
        cluster_id=deployment.cluster_id,
        storage=storage,
        marker=marker_build(str(backup_id), secrets.token_hex(8)),
        mode=mode,
        kind=kind,
        node=deployment.node,
        vmid=deployment.vmid,
        source_marker=deployment.marker,
        **machine_then(deployment),
        **more,
    )
    backup_told(
        backup,
        tag=Tag.BACKUP_REQUESTED,
        actor=actor,
        after={"kind": str(kind), "mode": str(mode), "storage": storage},
    )
    operation = enqueue_for(
        deployment,
        OperationType.BACKUP_CREATE,
        actor=actor,
        backup_id=str(backup.pk),
        **(payload or {}),
    )
    return backup, operation


def machine_then(deployment: Deployment) -> dict[str, Any]:
    """The machine as it is while it is copied: what a restore needs when it is gone."""
    return {
        "guest_uuid": deployment.guest_uuid,
        "template_id": deployment.template_id,
        "cpu_cores": deployment.cpu_cores,
        "memory_mb": deployment.memory_mb,
        "disk_gb": deployment.disk_gb,
        "disk_storage": deployment.storage_pool,
    }


@transaction.atomic
def backup_change(
    *,
    actor: Actor,
    backup_id: UUID | str,
    is_protected: bool | None = None,
    notes: str | None = None,
) -> Backup:
    """Protects it from every deletion, or no longer; changes what is written beside it.

    Raises:
        NotFound, Refused, WrongState.
    """
    backup = backup_lock(actor=actor, backup_id=backup_id)
    if is_protected is not None and backup.status == BackupStatus.DELETING:
        raise WrongState(_("The backup is being deleted."))
    wanted = {"is_protected": is_protected, "notes": notes}
    changes = {k: v for k, v in wanted.items() if v is not None and v != getattr(backup, k)}
    if changes:
        before = {name: getattr(backup, name) for name in changes}
        for name, value in changes.items():
            setattr(backup, name, value)
        backup.save(update_fields=[*changes, "updated_at"])
        backup_told(backup, tag=Tag.BACKUP_CHANGED, actor=actor, before=before, after=changes)
    return backup


@transaction.atomic
def backup_delete(*, actor: Actor, backup_id: UUID | str) -> tuple[Backup, Operation | None]:
    """Asks for the end of a backup; one that failed and left nothing is gone at once.

    Raises:
        NotFound, Refused, WrongState.
    """
    backup = backup_lock(actor=actor, backup_id=backup_id)
    if backup.is_protected:
        raise WrongState(_("The backup is protected. Lift the protection first."))
    is_used = backup.is_open or backup.status == BackupStatus.DELETING
    if is_used or backups_being_restored([backup]):
        raise WrongState(_("Something is under way with this backup. Wait until it has ended."))
    if not backup.volume_id:
        transition(backup, table=BACKUP_TRANSITIONS, to=BackupStatus.DELETED)
        backup_told(backup, tag=Tag.BACKUP_DELETED, actor=actor)
        return backup, None
    return backup, deletion_begin(backup, actor=actor)


def backups_being_restored(backups: Collection[Backup]) -> set[UUID]:
    """Those of locked backups that a restore still reads: their disks may be gone already."""
    rows = Operation.objects.filter(
        type=OperationType.BACKUP_RESTORE,
        status__in=OPEN_STATUSES,
        payload__backup_id__in=[str(backup.pk) for backup in backups],
    )
    return {UUID(row.payload["backup_id"]) for row in rows}


def deletion_begin(backup: Backup, *, actor: Actor) -> Operation:
    """Starts the deletion of a backup whose row is locked."""
    transition(backup, table=BACKUP_TRANSITIONS, to=BackupStatus.DELETING, failure="")
    backup_told(backup, tag=Tag.BACKUP_DELETE_REQUESTED, actor=actor)
    return operation_enqueue(
        actor=actor,
        type=OperationType.BACKUP_DELETE,
        tenant_id=backup.tenant_id,
        target_type="backup",
        target_id=backup.pk,
        payload={"backup_id": str(backup.pk)},
        concurrency_key=f"backup:{backup.pk}",
    )
