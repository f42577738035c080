"""What failed about a copy is tried once more, and does then what it was asked for, or is refused at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from portal.kernel.errors import DomainError, Refused
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from portal.services.drains import drain
from portal.services.operations import operation_retry
from provisioning.errors import OnHold, WrongState
from provisioning.models import Backup, Deployment, Snapshot
from provisioning.services import lifecycle
from provisioning.services.copies import backups, final, restores, snapshots
from tests.conftest import Cloud
from tests.engine import TestDesk, run_until_idle
from tests.provisioning import volume_scenes as volumes
from tests.provisioning.copies import scenes
from tests.provisioning.scenes import reloaded, running
from tests.provisioning.test_races import at_once


def retried(cloud: Cloud, operation: Operation) -> Operation:
    """The operation tried again, to its end."""
    with tenant_scope(cloud.world.north.pk):
        again = operation_retry(actor=cloud.world.actor("support"), operation_id=operation.pk)
    run_until_idle()
    return Operation.across_tenants.get(pk=again.pk)


def refused(cloud: Cloud, operation: Operation) -> DomainError:
    """Why it cannot be tried again; nothing was sent."""
    since = cloud.simulator.log_position()
    with pytest.raises(DomainError) as raised:
        retried(cloud, operation)
    run_until_idle()
    assert cloud.simulator.mutations(since) == []
    assert Operation.across_tenants.filter(retry_of_id=operation.pk).count() == 0
    return raised.value


def backup_failed(cloud: Cloud, deployment: Deployment) -> tuple[Backup, Operation]:
    """A backup whose every try failed."""
    cloud.simulator.fault("storage_full", match={"storage": "backup"}, count=0)
    backup, operation = scenes.asked(cloud, backups.backup_create, deployment_id=deployment.pk)
    run_until_idle()
    cloud.simulator.clear_faults()
    assert scenes.backup_of(backup).status == "failed"
    return backup, operation


def failed(cloud: Cloud, path: str, method: str, service: Any, **values: Any) -> tuple[Any, Any]:
    """What is asked while the cluster refuses it for good."""
    cloud.simulator.fault(
        "status",
        match={"method": method, "path": path},
        count=0,
        status=403,
        reason="Permission check failed",
    )
    answer: tuple[Any, Any] = scenes.asked(cloud, service, **values)
    run_until_idle()
    cloud.simulator.clear_faults()
    assert Operation.across_tenants.get(pk=answer[1].pk).status in {"failed", "dead"}
    return answer


def snapshot_row(snapshot: Snapshot) -> tuple[str, str]:
    row = scenes.snapshot_of(snapshot)
    return row.status, row.failure


def test_a_dead_backup_that_is_tried_again_is_made(cloud: Cloud) -> None:
    deployment = running(cloud)
    backup, dead = backup_failed(cloud, deployment)
    assert Operation.across_tenants.get(pk=dead.pk).status == "dead"

    again = retried(cloud, dead)

    row = scenes.backup_of(backup)
    assert (again.status, row.status, row.failure, row.verification) == (
        "completed",
        "complete",
        "",
        "ok",
    )
    assert scenes.archives(cloud) == [row.volume_id]


def test_two_retries_at_once_make_one_backup(cloud: Cloud) -> None:
    deployment = running(cloud)
    backup, dead = backup_failed(cloud, deployment)
    actor = cloud.world.actor("support")

    def retry(_number: int) -> None:
        with tenant_scope(cloud.world.north.pk):
            operation_retry(actor=actor, operation_id=dead.pk)

    assert at_once(2, retry) == {"ok": 1, "Conflict": 1}
    assert scenes.backup_of(backup).status == "pending"
    run_until_idle()

    assert scenes.archives(cloud) == [scenes.backup_of(backup).volume_id]


def test_a_retry_waits_for_the_archive_that_an_earlier_try_still_writes(cloud: Cloud) -> None:
    deployment = running(cloud)
    backup, dead = backup_failed(cloud, deployment)
    cloud.simulator.fault("hung_task", match={"task": "vzdump"})
    path = f"/nodes/{deployment.node}/vzdump"
    asked = {"vmid": deployment.vmid, "storage": "backup", "notes-template": backup.marker}
    upid = cloud.simulator.api("POST", path, asked).json()["data"]
    since = cloud.simulator.log_position()
    with tenant_scope(cloud.world.north.pk):
        operation_retry(actor=cloud.world.actor("support"), operation_id=dead.pk)

    for _ in range(3):
        drain("backups", desk=TestDesk())

    assert cloud.simulator.mutations(since) == []
    cloud.simulator.control("POST", "/crash-task", {"upid": upid})


def test_a_deleted_backup_is_not_tried_again(cloud: Cloud) -> None:
    backup, dead = backup_failed(cloud, running(cloud))
    scenes.asked(cloud, backups.backup_delete, backup_id=backup.pk)

    error = refused(cloud, dead)

    assert (error.message, scenes.archives(cloud)) == (
        "This backup has ended. Ask for a new one.",
        [],
    )
    assert scenes.backup_of(backup).status == "deleted"


def test_a_backup_is_not_tried_again_beside_another_one(cloud: Cloud) -> None:
    deployment = running(cloud)
    backup, dead = backup_failed(cloud, deployment)
    other, _ = scenes.asked(cloud, backups.backup_create, deployment_id=deployment.pk)

    with tenant_scope(cloud.world.north.pk), pytest.raises(WrongState, match="under way"):
        operation_retry(actor=cloud.world.actor("support"), operation_id=dead.pk)
    run_until_idle()

    assert scenes.backup_of(backup).status == "failed"
    assert scenes.archives(cloud) == [scenes.backup_of(other).volume_id]


@pytest.mark.soak
def test_a_failed_deletion_of_a_backup_is_tried_again(cloud: Cloud) -> None:
    backup = scenes.backed_up(cloud, running(cloud))
    _, dead = failed(cloud, "/content/", "DELETE", backups.backup_delete, backup_id=backup.pk)
    assert scenes.archives(cloud) == [backup.volume_id]

    again = retried(cloud, dead)

    assert (again.status, scenes.backup_of(backup).status) == ("completed", "deleted")
    assert scenes.archives(cloud) == []


@pytest.mark.soak
def test_a_backup_that_was_protected_meanwhile_is_not_deleted_by_a_retry(cloud: Cloud) -> None:
    backup = scenes.backed_up(cloud, running(cloud))
    _, dead = failed(cloud, "/content/", "DELETE", backups.backup_delete, backup_id=backup.pk)
    scenes.asked(cloud, backups.backup_change, backup_id=backup.pk, is_protected=True)

    assert "protected" in refused(cloud, dead).message
    assert scenes.archives(cloud) == [backup.volume_id]


def test_a_failed_snapshot_is_taken_by_a_retry(cloud: Cloud) -> None:
    deployment = running(cloud)
    snapshot, dead = failed(
        cloud,
        "/snapshot$",
        "POST",
        snapshots.snapshot_create,
        deployment_id=deployment.pk,
        name="before",
    )
    assert snapshot_row(snapshot)[0] == "error"

    again = retried(cloud, dead)

    assert (again.status, snapshot_row(snapshot)) == ("completed", ("ready", ""))


def test_a_retry_never_touches_a_newer_snapshot_of_the_same_name(cloud: Cloud) -> None:
    deployment = running(cloud)
    old = scenes.snapshotted(cloud, deployment)
    key = {"deployment_id": deployment.pk, "snapshot_id": old.pk}
    _, dead = failed(cloud, "/snapshot/", "DELETE", snapshots.snapshot_delete, **key)
    scenes.asked(cloud, snapshots.snapshot_delete, **key)
    run_until_idle()
    new = scenes.snapshotted(cloud, deployment)

    assert "changed meanwhile" in refused(cloud, dead).message
    assert snapshot_row(new) == ("ready", "")


@pytest.mark.soak
def test_a_failed_rollback_is_done_by_a_retry(cloud: Cloud) -> None:
    deployment = running(cloud)
    snapshot = scenes.snapshotted(cloud, deployment)
    key = {"deployment_id": deployment.pk, "snapshot_id": snapshot.pk}
    _, dead = failed(cloud, "/rollback$", "POST", snapshots.snapshot_rollback, **key)

    again = retried(cloud, dead)

    assert (again.status, snapshot_row(snapshot)) == ("completed", ("ready", ""))


def test_a_restore_is_not_tried_again_over_a_volume(cloud: Cloud) -> None:
    deployment = running(cloud)
    backup = scenes.backed_up(cloud, deployment)
    scenes.stopped(cloud, deployment)
    _, dead = failed(cloud, "/qemu$", "POST", restores.restore_in_place, backup_id=backup.pk)
    volume = volumes.attached(cloud, deployment)

    assert "Detach its volumes first" in refused(cloud, dead).message
    assert len(volumes.disks(cloud, volume)) == 1


def last_backup_failed(cloud: Cloud) -> tuple[Deployment, Operation]:
    """A deletion whose last backup failed."""
    deployment = running(cloud)
    cloud.simulator.fault("storage_full", match={"storage": "backup"}, count=0)
    _, operation = scenes.asked(cloud, final.delete_after_backup, deployment_id=deployment.pk)
    run_until_idle()
    cloud.simulator.clear_faults()
    return deployment, operation


def test_a_last_backup_that_is_tried_again_deletes_the_machine(cloud: Cloud) -> None:
    deployment, dead = last_backup_failed(cloud)
    assert reloaded(deployment).status == "running"

    retried(cloud, dead)

    (backup,) = Backup.across_tenants.all()
    assert (reloaded(deployment).status, backup.status) == ("deleted", "complete")
    assert scenes.archives(cloud) == [backup.volume_id]


def test_a_retry_deletes_nothing_that_is_on_hold(cloud: Cloud) -> None:
    deployment, dead = last_backup_failed(cloud)
    scenes.asked(
        cloud,
        lifecycle.deployment_change,
        role="admin",
        deployment_id=deployment.pk,
        hold=True,
        hold_reason="Evidence",
    )
    run_until_idle()

    told = refused(cloud, dead)
    assert (type(told), told.data) == (OnHold, {"reason": "Evidence"})
    assert "on hold (Evidence)" in told.message
    assert reloaded(deployment).status == "running"


def test_who_may_not_delete_deletes_nothing_by_a_retry(cloud: Cloud) -> None:
    deployment, dead = last_backup_failed(cloud)
    actor = cloud.world.actor("support")
    actor = replace(actor, permissions=actor.permissions - {"cloudpods.delete"})

    with tenant_scope(cloud.world.north.pk), pytest.raises(Refused):
        operation_retry(actor=actor, operation_id=dead.pk)
    run_until_idle()

    assert (reloaded(deployment).status, scenes.archives(cloud)) == ("running", [])
    assert Operation.across_tenants.filter(retry_of_id=dead.pk).count() == 0
