"""Nothing is written that is not proven ours: machines, archives, and what races with them."""

from __future__ import annotations

import pytest

from portal.kernel.errors import DomainError
from provisioning.errors import DeploymentBusy, WrongState
from provisioning.services import lifecycle
from provisioning.services.copies import backups, restores, snapshots
from tests.conftest import Cloud
from tests.engine import run_until_idle
from tests.provisioning.copies import scenes
from tests.provisioning.scenes import last_operation, reloaded, running

STRANGE = "uhub:0192f0c1-7a3b-7000-8000-00000000dead:b4d"


def annotate(cloud: Cloud, volume: str, **values: object) -> None:
    """Changes an archive behind everybody's back."""
    path = f"/nodes/pve1/storage/backup/content/{volume}"
    assert cloud.simulator.api("PUT", path, values).status_code == 200


def test_a_strangers_archive_under_our_name_is_not_deleted(cloud: Cloud) -> None:
    backup = scenes.backed_up(cloud, running(cloud))
    annotate(cloud, backup.volume_id, notes=STRANGE)
    since = cloud.simulator.log_position()

    scenes.asked(cloud, backups.backup_delete, backup_id=backup.pk)
    run_until_idle()

    assert cloud.simulator.mutations(since) == []
    assert scenes.archives(cloud) == [backup.volume_id]
    row = scenes.backup_of(backup)
    assert (row.status, "is not this backup" in row.failure) == ("complete", True)


def test_a_strangers_archive_under_our_name_is_not_restored(cloud: Cloud) -> None:
    deployment = running(cloud)
    backup = scenes.backed_up(cloud, deployment)
    scenes.stopped(cloud, deployment)
    bytes_before = scenes.disk_bytes(cloud, deployment.vmid)
    annotate(cloud, backup.volume_id, notes=STRANGE)
    since = cloud.simulator.log_position()

    operation = scenes.restored_over(cloud, backup)

    row = reloaded(deployment)
    assert (operation.status, row.status) == ("failed", "stopped")
    assert (row.attention or {})["code"] == "archive_mismatch"
    assert cloud.simulator.mutations(since) == []
    assert scenes.disk_bytes(cloud, deployment.vmid) == bytes_before


def test_a_strangers_machine_is_neither_snapshotted_nor_backed_up(cloud: Cloud) -> None:
    deployment = running(cloud)
    cloud.simulator.foreign_vm(deployment.vmid)
    since = cloud.simulator.log_position()

    snapshot, _ = scenes.asked(
        cloud, snapshots.snapshot_create, deployment_id=deployment.pk, name="before"
    )
    backup, _ = scenes.asked(cloud, backups.backup_create, deployment_id=deployment.pk)
    run_until_idle()

    assert cloud.simulator.mutations(since) == []
    assert scenes.snapshot_of(snapshot).status == "error"
    assert scenes.backup_of(backup).status == "failed"


def test_two_restores_at_once_are_one(cloud: Cloud) -> None:
    deployment = running(cloud)
    backup = scenes.backed_up(cloud, deployment)
    scenes.stopped(cloud, deployment)

    scenes.asked(cloud, restores.restore_in_place, backup_id=backup.pk)
    with pytest.raises(DeploymentBusy):
        scenes.asked(cloud, restores.restore_in_place, backup_id=backup.pk)
    run_until_idle()

    assert reloaded(deployment).status == "stopped"
    tasks = [row["upid"] for row in cloud.simulator.state()["tasks"]]
    assert len([upid for upid in tasks if f":qmrestore:{deployment.vmid}:" in upid]) == 1


def test_a_running_machine_is_not_written_over(cloud: Cloud) -> None:
    deployment = running(cloud)
    backup = scenes.backed_up(cloud, deployment)

    with pytest.raises(WrongState):
        scenes.asked(cloud, restores.restore_in_place, backup_id=backup.pk)

    assert reloaded(deployment).status == "running"


def test_a_backup_waits_for_nothing_when_its_machine_is_deleted(cloud: Cloud) -> None:
    deployment = running(cloud)
    backup, _ = scenes.asked(cloud, backups.backup_create, deployment_id=deployment.pk)

    scenes.asked(cloud, lifecycle.deployment_delete, deployment_id=deployment.pk)
    run_until_idle()

    assert reloaded(deployment).status == "deleted"
    assert (scenes.backup_of(backup).status, scenes.archives(cloud)) == ("failed", [])


def test_a_failed_restore_keeps_the_archive_and_can_be_tried_again(cloud: Cloud) -> None:
    deployment = running(cloud)
    saved = scenes.disk_bytes(cloud, deployment.vmid)
    backup = scenes.backed_up(cloud, deployment)
    scenes.stopped(cloud, deployment)
    cloud.simulator.fault("storage_full", match={"storage": "ceph-vm"}, count=0)

    scenes.restored_over(cloud, backup)
    failed = reloaded(deployment)
    cloud.simulator.clear_faults()
    again = scenes.restored_over(cloud, backup)

    assert (failed.status, failed.attention is not None) == ("error", True)
    assert scenes.archives(cloud) == [backup.volume_id]
    row = reloaded(deployment)
    assert (again.status, row.status, row.attention) == ("completed", "stopped", None)
    assert scenes.disk_bytes(cloud, deployment.vmid) == saved


def test_an_offline_storage_fails_the_backup_and_deletes_nothing(cloud: Cloud) -> None:
    deployment = running(cloud)
    first = scenes.backed_up(cloud, deployment)
    cloud.simulator.control("POST", "/storage", {"name": "backup", "is_offline": True})

    second, _ = scenes.asked(cloud, backups.backup_create, deployment_id=deployment.pk)
    scenes.asked(cloud, backups.backup_delete, backup_id=first.pk)
    run_until_idle()
    cloud.simulator.control("POST", "/storage", {"name": "backup", "is_offline": False})

    assert scenes.backup_of(second).status == "failed"
    assert (scenes.backup_of(first).status, scenes.archives(cloud)) == (
        "complete",
        [first.volume_id],
    )


@pytest.mark.parametrize("role", ["viewer", "dev"])
def test_who_may_not_manage_backups_changes_nothing(cloud: Cloud, role: str) -> None:
    deployment = running(cloud)
    backup = scenes.backed_up(cloud, deployment)
    since = cloud.simulator.log_position()

    for service, values in (
        (backups.backup_create, {"deployment_id": deployment.pk}),
        (backups.backup_delete, {"backup_id": backup.pk}),
        (backups.backup_change, {"backup_id": backup.pk, "is_protected": True}),
        (restores.restore_in_place, {"backup_id": backup.pk}),
        (snapshots.snapshot_create, {"deployment_id": deployment.pk, "name": "mine"}),
    ):
        with pytest.raises(DomainError) as refused:
            scenes.asked(cloud, service, role=role, **values)
        assert refused.value.http_status == 403
    run_until_idle()

    assert (cloud.simulator.mutations(since), scenes.archives(cloud)) == ([], [backup.volume_id])
    assert not scenes.backup_of(backup).is_protected


def test_a_rollback_brings_bytes_back_and_keeps_the_figures(cloud: Cloud) -> None:
    deployment = running(cloud, cpu_cores=2)
    before = scenes.disk_bytes(cloud, deployment.vmid)
    snapshot = scenes.snapshotted(cloud, deployment)
    scenes.asked(cloud, lifecycle.deployment_restart, deployment_id=deployment.pk)
    run_until_idle()
    assert scenes.disk_bytes(cloud, deployment.vmid) != before

    scenes.asked(
        cloud,
        snapshots.snapshot_rollback,
        deployment_id=deployment.pk,
        snapshot_id=snapshot.pk,
    )
    run_until_idle()

    vm = cloud.simulator.vm(deployment.vmid) or {}
    row = reloaded(deployment)
    assert last_operation(deployment).status == "completed"
    assert (vm["config"]["cores"], row.status, row.attention) == (2, "running", None)
    assert scenes.snapshot_of(snapshot).status == "ready"
