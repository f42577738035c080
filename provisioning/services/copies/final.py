"""The last backup of a machine: made before a deletion, which follows only when it is complete."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from portal.kernel import clock
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Fault
from portal.models import Operation
from portal.services.settings import setting_get
from provisioning.errors import DeploymentInvalid, WrongState
from provisioning.logic.copy_states import BACKUP_OPEN, BackupKind, BackupStatus
from provisioning.models import Backup, Deployment
from provisioning.permissions import Permission
from provisioning.selectors.copies import work_that_excludes
from provisioning.services.copies.backups import backup_begin
from provisioning.services.copies.snapshots import copy_lock
from provisioning.services.leases import demand_no_hold
from provisioning.services.lifecycle import VOLUME_FATES

_TRY_AGAIN: Final = timedelta(hours=1)


@transaction.atomic
def delete_after_backup(
    *, actor: Actor, deployment_id: UUID | str, volumes: str = "keep"
) -> tuple[Deployment, Operation]:
    """Asks for a last backup, and for the deletion once it is complete; a failed one deletes nothing.

    Raises:
        NotFound, Refused, DeploymentBusy, WrongState, OnHold, DeploymentInvalid.
    """
    authorize(actor, Permission.DELETE)
    if volumes not in VOLUME_FATES:
        message = _("volumes must be keep or delete.")
        raise DeploymentInvalid(faults=(Fault("volumes", "invalid_choice", message),))
    if volumes == "delete":
        authorize(actor, Permission.VOLUMES_MANAGE)
    deployment = copy_lock(actor=actor, deployment_id=deployment_id)
    demand_no_hold(deployment)
    under_way = Backup.objects.filter(deployment=deployment, status__in=BACKUP_OPEN)
    if under_way.filter(kind=BackupKind.FINAL).exists():
        raise WrongState(_("Its last backup is under way. Wait until it has ended."))
    _backup, operation = backup_begin(
        deployment,
        actor=actor,
        kind=BackupKind.FINAL,
        is_protected=True,
        payload={"deletes": True, "volumes": volumes},
    )
    return deployment, operation


def final_backup_awaited(deployment: Deployment, *, actor: Actor) -> bool:
    """Whether the deletion at a lease's end still has to wait for the last backup; asks for it when due.

    The row is locked. A failed one is tried again every hour: meanwhile nothing is deleted.
    """
    if not setting_get("cloudpods.backup.final_before_lease_deletion"):
        return False
    if deployment.ready_at is None or not deployment.guest_uuid:
        return False
    since = deployment.expired_at or deployment.ready_at
    found = Backup.objects.filter(deployment=deployment, created_at__gte=since)
    if found.filter(status=BackupStatus.COMPLETE).exists():
        return False
    now = clock.now()
    tried = found.filter(status=BackupStatus.FAILED, ended_at__gt=now - _TRY_AGAIN)
    if found.filter(status__in=BACKUP_OPEN).exists() or tried.exists():
        return True
    if not deployment.is_busy and work_that_excludes(deployment) is None:
        backup_begin(deployment, actor=actor, kind=BackupKind.FINAL)
    return True
