"""Copies that were asked for as in life, and how one sees that their work was done."""

from __future__ import annotations

from uuid import uuid4

from portal.models import Operation
from provisioning.models import Backup, Deployment, Snapshot
from provisioning.services.copies import backups, restores, snapshots
from provisioning.services.operations import OperationType
from tests.provisioning.copies import scenes as copies
from tests.provisioning.retry_stage import Done, Stage


def _snapshot(stage: Stage, row: Deployment) -> Snapshot:
    return copies.snapshotted(stage, row)  # type: ignore[arg-type]


def _backup(stage: Stage, row: Deployment) -> Backup:
    return copies.backed_up(stage, row)  # type: ignore[arg-type]


def snapshot_create(stage: Stage) -> tuple[Operation, Done]:
    row = stage.deployment()
    operation = stage.asked(snapshots.snapshot_create, deployment_id=row.pk, name="before")
    return (
        operation,
        lambda: [one.name for one in stage.fake.snapshots(row.node, row.vmid)] == ["before"],
    )


def snapshot_rollback(stage: Stage) -> tuple[Operation, Done]:
    row = stage.deployment()
    snapshot = _snapshot(stage, row)
    operation = stage.asked(
        snapshots.snapshot_rollback, deployment_id=row.pk, snapshot_id=snapshot.pk
    )
    return operation, lambda: any(call.method == "rollback_submit" for call in stage.fake.calls)


def snapshot_delete(stage: Stage) -> tuple[Operation, Done]:
    row = stage.deployment()
    snapshot = _snapshot(stage, row)
    operation = stage.asked(
        snapshots.snapshot_delete, deployment_id=row.pk, snapshot_id=snapshot.pk
    )
    return operation, lambda: stage.fake.snapshots(row.node, row.vmid) == ()


def backup_create(stage: Stage) -> tuple[Operation, Done]:
    row = stage.deployment()
    operation = stage.asked(backups.backup_create, deployment_id=row.pk)
    return (
        operation,
        lambda: (
            Backup.across_tenants.get().status == "complete" and len(stage.fake._kept.archives) == 1
        ),
    )


def backup_restore(stage: Stage) -> tuple[Operation, Done]:
    row = stage.deployment(status="stopped")
    backup = _backup(stage, row)
    operation = stage.asked(restores.restore_in_place, backup_id=backup.pk)
    return operation, lambda: any(call.method == "restore_submit" for call in stage.fake.calls)


def backup_delete(stage: Stage) -> tuple[Operation, Done]:
    backup = _backup(stage, stage.deployment())
    operation = stage.asked(backups.backup_delete, backup_id=backup.pk)
    return operation, lambda: not stage.fake._kept.archives


def backup_prune(stage: Stage) -> tuple[Operation, None]:
    row = stage.deployment()
    backup = _backup(stage, row)
    told = {"backup_id": str(backup.pk), "schedule_id": str(uuid4())}
    return stage.enqueued(row, OperationType.BACKUP_PRUNE, **told), None
