"""Backups on their storages: made behind the machine's fence, deleted behind the archive's, thinned out."""

from __future__ import annotations

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction

from integrations.base.errors import Failed
from integrations.proxmox.interface import TaskRef
from integrations.proxmox.interface.copies import Archive
from portal.kernel import clock
from portal.kernel.errors import NotFound
from portal.kernel.fsm import may, transition
from portal.kernel.queue import (
    Advance,
    Complete,
    Failure,
    Poll,
    StepContext,
    StepFailed,
    StepResult,
    StepRetry,
)
from portal.kernel.stored_text import stored_text
from portal.services.settings import setting_get
from provisioning.errors import DeploymentBusy, OnHold
from provisioning.logic.copy_states import (
    BACKUP_TRANSITIONS,
    BackupKind,
    BackupStatus,
    Verification,
)
from provisioning.logic.retention import Kept, Retention, retained
from provisioning.models import Backup, BackupSchedule, SlotKind
from provisioning.services.copies.archives import (
    Shelf,
    archive_prove,
    backup_load,
    foreign,
    node_for,
    shelf_step,
    storage_choose,
)
from provisioning.services.copies.backups import backups_being_restored, deletion_begin
from provisioning.services.copies.tasks import copy_task
from provisioning.services.copies.telling import backup_told
from provisioning.services.lifecycle import deployment_delete
from provisioning.services.operations import OperationType, enqueue_for
from provisioning.services.saga.guest import Guest, deployment_load, guest_prove
from provisioning.services.saga.tasks import guest_step, poll, task_run
from provisioning.services.slots import slot_free, slot_take
from provisioning.tags import Tag

_ERROR_LINE = "ERROR: "


@guest_step
def save(ctx: StepContext, guest: Guest) -> StepResult:
    """Writes the archive; its storage is asked before, so that an answer that got lost makes no second one."""
    backup = backup_load(ctx)
    if backup.status == BackupStatus.COMPLETE or ctx.state.get("vzdump_succeeded"):
        return Advance(backup.storage)
    if not backup.is_open:
        raise StepFailed(
            stored_text("This backup has ended. Ask for a new one."), code="backup_ended"
        )
    if "vzdump" not in ctx.state:
        if backup.asked_at and "vzdump_asked" not in ctx.state and _still_written(guest, backup):
            return poll(stored_text("waiting for the end of an earlier try"))
        config = guest_prove(guest)
        if config.node != backup.node or not backup.storage or backup.status == "pending":
            backup = _placed(ctx, guest, backup, config.node)
        if _ours(guest.hypervisor.archives(backup.node, backup.storage), backup):
            return Advance(backup.storage)
        if wait := slot_take(guest.deployment, SlotKind.COPY, storage=backup.storage):
            return Poll(wait.after_s, str(wait))
    try:
        waiting = copy_task(ctx, guest, kind="vzdump", submit=lambda: _submit(guest, backup))
    except Failed as error:
        raise StepRetry(_reason(ctx, guest) or error.message, code="task_failed") from error
    return waiting or poll()


def _still_written(guest: Guest, backup: Backup) -> bool:
    """Whether a task of an earlier try, given up on our side, still writes: its archive would be a second one."""
    known = guest.hypervisor.copy_task_find(
        node=backup.node, vmid=guest.vmid, kind="vzdump", since=backup.created_at
    )
    return known is not None and guest.hypervisor.task_state(known).outcome is None


def _submit(guest: Guest, backup: Backup) -> TaskRef:
    return guest.hypervisor.backup_submit(
        node=backup.node,
        vmid=guest.vmid,
        storage=backup.storage,
        mode=backup.mode,
        marker=backup.marker,
    )


def _placed(ctx: StepContext, guest: Guest, backup: Backup, node: str) -> Backup:
    """Remembers where it is made: by its schedule's or the installation's wish, else what the node offers."""
    wanted = backup.storage or str(setting_get("cloudpods.backup.storage"))
    storage = storage_choose(guest.hypervisor, node, wanted)
    with transaction.atomic():
        row = _locked(ctx)
        values: dict[str, Any] = {"storage": storage, "node": node, "vmid": guest.vmid}
        if may(BACKUP_TRANSITIONS, row.status, BackupStatus.RUNNING):
            asked_at = row.asked_at or clock.now()
            transition(
                row,
                table=BACKUP_TRANSITIONS,
                to=BackupStatus.RUNNING,
                asked_at=asked_at,
                guest_uuid=guest.deployment.guest_uuid,
                **values,
            )
        else:
            Backup.objects.filter(pk=row.pk).update(**values)
    return backup_load(ctx)


def _reason(ctx: StepContext, guest: Guest) -> str:
    """The task's own words for why it failed: its exit status says no more than that it did."""
    known = guest.hypervisor.copy_task_find(
        node=guest.node, vmid=guest.vmid, kind="vzdump", since=backup_load(ctx).created_at
    )
    if known is None:
        return ""
    lines = guest.hypervisor.task_state(known).log_tail
    found = [line for line in lines if line.startswith(_ERROR_LINE)]
    return found[-1].removeprefix(_ERROR_LINE)[:300] if found else ""


@guest_step
def saved(ctx: StepContext, guest: Guest) -> StepResult:
    """Believes the storage: it lists the archive with our marker, and the machine's configuration is in it."""
    backup = backup_load(ctx)
    if backup.status == BackupStatus.COMPLETE and not ctx.payload.get("deletes"):
        return Complete()
    found = _ours(guest.hypervisor.archives(backup.node, backup.storage), backup)
    if found is None:
        raise StepRetry(
            stored_text("The storage does not show the archive."), code="archive_absent"
        )
    inside = guest.hypervisor.archive_config(backup.node, found.volume)
    if (inside.marker, inside.uuid) != (backup.source_marker, backup.guest_uuid or None):
        backup.volume_id = found.volume
        raise foreign(ctx, backup)
    if backup.is_protected and not found.is_protected:
        guest.hypervisor.archive_protect_set(
            node=backup.node, storage=backup.storage, volume=found.volume, is_protected=True
        )
    with transaction.atomic():
        row = _locked(ctx)
        if row.status != BackupStatus.COMPLETE:
            _completed(ctx, row, found)
        slot_free(guest.deployment.pk)
    if ctx.payload.get("deletes"):
        _delete_machine(ctx, guest)
    return Advance(found.volume)


def _delete_machine(ctx: StepContext, guest: Guest) -> None:
    """The deletion this last backup was made for; who held the machine meanwhile keeps it."""
    try:
        deployment_delete(
            actor=ctx.actor,
            deployment_id=guest.deployment.pk,
            volumes=str(ctx.payload.get("volumes", "keep")),
        )
    except (DeploymentBusy, NotFound):
        return
    except OnHold as error:
        raise StepFailed(error.message, code=error.code) from error


def _completed(ctx: StepContext, row: Backup, found: Archive) -> None:
    backup_complete(row, found, Verification.OK)
    backup_told(row, tag=Tag.BACKUP_CREATED, actor=ctx.actor, after={"volume": found.volume})
    if row.schedule_id is not None:
        enqueue_prune(row, actor=ctx.actor)


def backup_complete(row: Backup, found: Archive, verification: Verification) -> None:
    """Takes over what the storage shows of an archive that was proven ours."""
    transition(
        row,
        table=BACKUP_TRANSITIONS,
        to=BackupStatus.COMPLETE,
        volume_id=found.volume,
        size_bytes=found.size_bytes,
        archived_at=found.made_at,
        ended_at=row.ended_at or clock.now(),
        seen_at=clock.now(),
        absent_since=None,
        failure="",
        verification=verification,
    )


def enqueue_prune(backup: Backup, *, actor: Any) -> None:
    """Thins out what the backup's schedule has made of its machine."""
    if backup.deployment is not None:
        enqueue_for(
            backup.deployment,
            OperationType.BACKUP_PRUNE,
            actor=actor,
            backup_id=str(backup.pk),
            schedule_id=str(backup.schedule_id),
        )


def save_failed(ctx: StepContext, failure: Failure) -> None:
    """No archive that is known to be whole; should the storage show it later, the row follows it."""
    with transaction.atomic():
        backup = _locked(ctx)
        if not backup.is_open:
            return
        transition(
            backup,
            table=BACKUP_TRANSITIONS,
            to=BackupStatus.FAILED,
            failure=failure.message[:500],
            ended_at=clock.now(),
        )
        slot_free(deployment_load(ctx).pk)
        backup_told(
            backup,
            tag=Tag.BACKUP_FAILED,
            actor=ctx.actor,
            outcome="failed",
            detail={"code": failure.code, "message": failure.message},
        )


@shelf_step
def remove(ctx: StepContext, shelf: Shelf) -> StepResult:
    """Deletes the archive, proven ours a moment ago; that it is gone is what its storage says then."""
    backup = shelf.backup
    if backup.status != BackupStatus.DELETING:
        return Complete({"canceled": True})
    node = node_for(backup, shelf.hypervisor)
    if "imgdel" not in ctx.state:
        found = archive_prove(ctx, backup, shelf.hypervisor, node=node)
        if found is None:
            return _removed(ctx)
        if found.is_protected:
            raise StepFailed(
                stored_text("Somebody protected the archive on its storage: it stays."),
                code="archive_protected",
            )
    waiting = task_run(
        ctx,
        shelf,
        "imgdel",
        lambda: shelf.hypervisor.archive_delete_submit(
            node=node, storage=backup.storage, volume=backup.volume_id
        ),
    )
    return waiting or poll()


def _removed(ctx: StepContext) -> StepResult:
    with transaction.atomic():
        row = _locked(ctx)
        transition(row, table=BACKUP_TRANSITIONS, to=BackupStatus.DELETED, is_protected=False)
        backup_told(row, tag=Tag.BACKUP_DELETED, actor=ctx.actor)
    return Complete()


def remove_failed(ctx: StepContext, failure: Failure) -> None:
    """The archive is there still, as far as anybody knows."""
    with transaction.atomic():
        row = _locked(ctx)
        if row.status != BackupStatus.DELETING:
            return
        transition(
            row,
            table=BACKUP_TRANSITIONS,
            to=BackupStatus.COMPLETE,
            failure=failure.message[:500],
        )
        backup_told(
            row,
            tag=Tag.BACKUP_CHANGED,
            actor=ctx.actor,
            outcome="failed",
            detail={"code": failure.code, "message": failure.message},
        )


@shelf_step
def prune(ctx: StepContext, shelf: Shelf) -> StepResult:
    """Chooses what the schedule's retention no longer covers, from what the storage holds at this moment."""
    schedule_id = UUID(str(ctx.payload["schedule_id"]))
    held = shelf.hypervisor.archives(node_for(shelf.backup, shelf.hypervisor), shelf.backup.storage)
    present = {one.volume: one for one in held}
    with transaction.atomic():
        schedule = BackupSchedule.objects.filter(pk=schedule_id).first()
        if schedule is None or shelf.backup.deployment_id is None:
            return Complete({"deleted": 0})
        rows = [
            row
            for row in Backup.objects.select_for_update(of=("self",))
            .filter(
                deployment_id=shelf.backup.deployment_id,
                schedule_id=schedule_id,
                kind=BackupKind.SCHEDULED,
                storage=shelf.backup.storage,
                status=BackupStatus.COMPLETE,
            )
            .select_related("deployment")
            .order_by("pk")
            if row.volume_id in present and present[row.volume_id].marker == row.marker
        ]
        used = backups_being_restored(rows)
        doomed = [row for row in _doomed(rows, present, schedule) if row.pk not in used]
        for row in doomed:
            deletion_begin(row, actor=ctx.actor)
        if doomed:
            backup_told(
                shelf.backup,
                tag=Tag.BACKUP_PRUNED,
                actor=ctx.actor,
                detail={"schedule": schedule.name, "deleted": len(doomed), "kept": len(rows)},
            )
    return Complete({"deleted": len(doomed)})


def _doomed(
    rows: list[Backup], present: dict[str, Archive], schedule: BackupSchedule
) -> list[Backup]:
    kept = retained(
        (
            Kept(
                key=row.pk,
                made_at=row.archived_at or row.created_at,
                is_good=row.verification != Verification.FAILED,
                is_protected=row.is_protected or present[row.volume_id].is_protected,
            )
            for row in rows
        ),
        Retention(
            last=schedule.keep_last,
            daily=schedule.keep_daily,
            weekly=schedule.keep_weekly,
            monthly=schedule.keep_monthly,
        ),
        ZoneInfo(schedule.time_zone),
    )
    return [row for row in rows if row.pk not in kept]


def _ours(listed: tuple[Archive, ...], backup: Backup) -> Archive | None:
    return next((one for one in listed if one.marker == backup.marker), None)


def _locked(ctx: StepContext) -> Backup:
    rows = Backup.objects.select_for_update(of=("self",)).select_related("deployment")
    return rows.get(pk=UUID(str(ctx.payload["backup_id"])))
