"""Trying a copy once more: its row goes back to where the work begins, or the retry is refused with the way out.

Names and archives outlive their rows, so nothing is tried again about a copy that ended meanwhile: what bears
its name now is another one.
"""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _

from portal.kernel.authz import Actor
from portal.kernel.errors import NotFound
from portal.kernel.fsm import may, transition
from portal.kernel.queue import Payload
from provisioning.errors import DeploymentBusy, WrongState
from provisioning.logic.copy_states import (
    BACKUP_TRANSITIONS,
    SNAPSHOT_TRANSITIONS,
    BackupStatus,
    SnapshotStatus,
)
from provisioning.models import Backup, BackupSchedule, Deployment, Snapshot
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_lock, machine_lock
from provisioning.services.copies.backups import backup_demand_room, machine_then
from provisioning.services.copies.restore_steps import IN_PLACE
from provisioning.services.copies.restores import restore_demand_machine
from provisioning.services.copies.snapshots import copy_lock
from provisioning.services.copies.telling import backup_told
from provisioning.services.creation import provision_begin
from provisioning.services.leases import demand_no_hold
from provisioning.states import DeploymentStatus
from provisioning.tags import Tag


def backup_again(actor: Actor, payload: Payload) -> None:
    """A backup that failed waits again, with the machine's figures of now.

    One before a deletion is complete when the deletion alone failed: then that is what is tried again, by
    whoever may delete the machine.

    Raises:
        NotFound, Refused, DeploymentBusy, WrongState, OnHold, CopyLimit.
    """
    backup = _backup(payload)
    deployment = _machine(payload)
    if payload.get("deletes"):
        deployment_lock(actor=actor, deployment_id=deployment.pk, permission=Permission.DELETE)
        demand_no_hold(deployment)
        if backup.status == BackupStatus.COMPLETE:
            return
    if backup.status == BackupStatus.COMPLETE:
        raise WrongState(_("The backup is complete: there is nothing to try again."))
    if backup.status != BackupStatus.FAILED:
        raise WrongState(_("This backup has ended. Ask for a new one."))
    backup_demand_room(deployment)
    transition(
        backup,
        table=BACKUP_TRANSITIONS,
        to=BackupStatus.PENDING,
        failure="",
        ended_at=None,
        **machine_then(deployment),
    )
    backup_told(
        backup,
        tag=Tag.BACKUP_REQUESTED,
        actor=actor,
        after={"kind": backup.kind, "mode": backup.mode, "storage": backup.storage},
    )


def backup_delete_again(actor: Actor, payload: Payload) -> None:
    """A backup whose deletion failed is being deleted again. Raises WrongState."""
    backup = _backup(payload)
    if backup.is_protected:
        raise WrongState(_("The backup is protected. Lift the protection first."))
    if not backup.volume_id or not may(BACKUP_TRANSITIONS, backup.status, BackupStatus.DELETING):
        raise WrongState(_("There is nothing left to delete of this backup."))
    transition(backup, table=BACKUP_TRANSITIONS, to=BackupStatus.DELETING, failure="")
    backup_told(backup, tag=Tag.BACKUP_DELETE_REQUESTED, actor=actor)


def restore_again(actor: Actor, payload: Payload) -> None:
    """A restore is tried again while its backup is complete, and over a machine that is ready for it.

    A new machine is shown as being made again.

    Raises:
        NotFound, Refused, DeploymentBusy, WrongState.
    """
    backup = _backup(payload)
    if backup.status != BackupStatus.COMPLETE:
        raise WrongState(_("Only a complete backup can be restored."))
    if payload.get("mode") != IN_PLACE:
        provision_begin(actor=actor, deployment_id=str(payload["deployment_id"]))
        return
    deployment = _locked_machine(payload)
    if deployment.status == DeploymentStatus.DELETING:
        raise DeploymentBusy(_("The deployment is being deleted already."))
    restore_demand_machine(deployment, backup)


def prune_again(_actor: Actor, payload: Payload) -> None:
    """Backups are thinned out again while their machine and its schedule stand. Raises NotFound, WrongState."""
    backup = _backup(payload)
    schedules = BackupSchedule.objects.filter(pk=UUID(str(payload["schedule_id"])))
    if backup.deployment_id is None or not schedules.exists():
        raise WrongState(_("The schedule of these backups is gone: nothing thins them out."))


def snapshot_take_again(_actor: Actor, payload: Payload) -> None:
    """A snapshot that failed is being taken again. Raises NotFound, DeploymentBusy, WrongState."""
    _snapshot_again(payload, SnapshotStatus.ERROR, SnapshotStatus.CREATING)


def snapshot_roll_back_again(_actor: Actor, payload: Payload) -> None:
    """A rollback that failed is tried again. Raises NotFound, DeploymentBusy, WrongState."""
    _snapshot_again(payload, SnapshotStatus.READY, SnapshotStatus.ROLLING_BACK)


def snapshot_delete_again(_actor: Actor, payload: Payload) -> None:
    """A deletion that failed is tried again. Raises NotFound, DeploymentBusy, WrongState."""
    _snapshot_again(payload, SnapshotStatus.READY, SnapshotStatus.DELETING)


def _snapshot_again(payload: Payload, was: SnapshotStatus, to: SnapshotStatus) -> None:
    deployment = _machine(payload)
    key = UUID(str(payload["snapshot_id"]))
    rows = Snapshot.objects.select_for_update(of=("self",)).filter(deployment=deployment)
    snapshot = rows.filter(pk=key).first()
    if snapshot is None or snapshot.status != was:
        raise WrongState(_("This snapshot has changed meanwhile: there is nothing to try again."))
    transition(snapshot, table=SNAPSHOT_TRANSITIONS, to=to, failure="")


def _backup(payload: Payload) -> Backup:
    machine_lock(payload.get("deployment_id"))
    rows = Backup.objects.select_for_update(of=("self",)).select_related("deployment", "cluster")
    backup = rows.filter(pk=UUID(str(payload["backup_id"]))).first()
    if backup is None:
        raise NotFound(_("There is no such backup."))
    return backup


def _machine(payload: Payload) -> Deployment:
    """The machine, locked, when a copy can be made of it now; who may try again was asked before."""
    return copy_lock(actor=_system(), deployment_id=str(payload["deployment_id"]))


def _locked_machine(payload: Payload) -> Deployment:
    return deployment_lock(
        actor=_system(),
        deployment_id=str(payload["deployment_id"]),
        permission=Permission.BACKUPS_MANAGE,
    )


def _system() -> Actor:
    return Actor.system("retry")
