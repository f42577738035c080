"""Asking for a restore: over the machine itself, or as a new one that takes its own quota, number and name."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from portal.kernel.authz import Actor
from portal.models import Operation
from provisioning.errors import DeploymentBusy, WrongState
from provisioning.logic.copy_states import BackupKind, BackupStatus
from provisioning.logic.placement import Place
from provisioning.logic.requests import DeploymentRequest
from provisioning.models import Backup, Deployment
from provisioning.permissions import Permission
from provisioning.selectors.copies import backup_home, backup_lock, work_that_excludes
from provisioning.selectors.deployments import deployment_lock, machine_lock
from provisioning.selectors.volumes import volumes_held
from provisioning.services.copies.backups import backup_begin
from provisioning.services.copies.restore_steps import IN_PLACE
from provisioning.services.copies.telling import copy_told
from provisioning.services.creation import Source, deployment_create
from provisioning.services.operations import OperationType, enqueue_for
from provisioning.states import DeploymentStatus
from provisioning.tags import Tag

Outcome = tuple[Deployment, Operation]


@transaction.atomic
def restore_in_place(
    *, actor: Actor, backup_id: UUID | str, is_backed_up_first: bool = False
) -> Outcome:
    """Asks for the machine to become what the backup is. It must be stopped.

    Raises:
        NotFound, Refused, DeploymentBusy, WrongState.
    """
    machine_lock(backup_home(backup_id))
    backup = _restorable(actor, backup_id)
    if backup.deployment_id is None or _is_gone(backup):
        raise WrongState(_("The deployment of this backup is gone. Restore it as a new one."))
    deployment = deployment_lock(
        actor=actor, deployment_id=backup.deployment_id, permission=Permission.BACKUPS_MANAGE
    )
    restore_demand_machine(deployment, backup)
    if is_backed_up_first:
        backup_begin(deployment, actor=actor, kind=BackupKind.MANUAL, notes=_("Before a restore"))
    copy_told(
        deployment,
        tag=Tag.RESTORE_REQUESTED,
        actor=actor,
        detail={"backup": str(backup.pk), "mode": IN_PLACE},
    )
    operation = enqueue_for(
        deployment,
        OperationType.BACKUP_RESTORE,
        actor=actor,
        backup_id=str(backup.pk),
        mode=IN_PLACE,
    )
    return deployment, operation


def restore_demand_machine(deployment: Deployment, backup: Backup) -> None:
    """The locked machine may be written over with the backup. Raises DeploymentBusy, WrongState."""
    if deployment.is_busy or work_that_excludes(deployment) is not None:
        raise DeploymentBusy
    if deployment.guest_uuid != backup.guest_uuid or deployment.marker != backup.source_marker:
        raise WrongState(_("The backup is of another machine. Restore it as a new deployment."))
    if deployment.hold:
        raise WrongState(_("The deployment is on hold. Lift the hold first."))
    is_failed = deployment.status == DeploymentStatus.ERROR and deployment.ready_at is not None
    if deployment.status != DeploymentStatus.STOPPED and not is_failed:
        raise WrongState(_("Stop the deployment first: its disks are written over."))
    if volumes_held(deployment):
        message = _(
            "Detach its volumes first: they are not in backups, and a restore would lose them."
        )
        raise WrongState(message)


@transaction.atomic
def restore_as_new(
    *,
    actor: Actor,
    tenant_id: UUID,
    owner_id: UUID,
    backup_id: UUID | str,
    name: str,
    ttl_hours: int | None = None,
) -> Outcome:
    """Asks for a new deployment out of a backup, also of a machine that is gone.

    Raises:
        NotFound, Refused, WrongState, DeploymentInvalid, QuotaExceeded, NoCapacity, NoVmidLeft.
    """
    backup = _restorable(actor, backup_id)
    request = DeploymentRequest(
        template=backup.template.code,
        name=name,
        cpu_cores=backup.cpu_cores,
        memory_mb=backup.memory_mb,
        disk_gb=backup.disk_gb,
        ttl_hours=ttl_hours,
    )
    place = Place(backup.cluster.code, backup.node, backup.vmid, backup.disk_storage)
    return deployment_create(
        actor=actor,
        tenant_id=tenant_id,
        owner_id=owner_id,
        request=request,
        source=Source(backup.pk, backup.cluster, place),
    )


def _restorable(actor: Actor, backup_id: UUID | str) -> Backup:
    backup = backup_lock(actor=actor, backup_id=backup_id)
    if backup.status != BackupStatus.COMPLETE:
        raise WrongState(_("Only a complete backup can be restored."))
    return backup


def _is_gone(backup: Backup) -> bool:
    deployment = backup.deployment
    return deployment is None or deployment.status == DeploymentStatus.DELETED
