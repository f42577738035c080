"""Backups: made, found again, restored over the machine and as a new one, deleted."""

from __future__ import annotations

import pytest

from provisioning.errors import WrongState
from provisioning.models import Deployment
from provisioning.services.copies import backups, restores
from tests.conftest import Cloud
from tests.engine import run_until_idle
from tests.provisioning.copies import scenes
from tests.provisioning.scenes import last_operation, quota_is_true, reloaded, running


def test_a_backup_is_what_its_storage_shows(cloud: Cloud) -> None:
    backup = scenes.backed_up(cloud, running(cloud))

    assert scenes.archives(cloud) == [backup.volume_id]
    assert (backup.storage, backup.verification) == ("backup", "ok")
    assert backup.size_bytes is not None
    assert backup.size_bytes > 0


def test_a_restore_in_place_brings_the_bytes_back(cloud: Cloud) -> None:
    deployment = running(cloud)
    before = scenes.disk_bytes(cloud, deployment.vmid)
    backup = scenes.backed_up(cloud, deployment)
    scenes.snapshotted(cloud, deployment)
    scenes.stopped(cloud, deployment)
    cloud.simulator.run("POST", f"/nodes/pve1/qemu/{deployment.vmid}/status/start")
    cloud.simulator.run("POST", f"/nodes/pve1/qemu/{deployment.vmid}/status/stop")
    assert scenes.disk_bytes(cloud, deployment.vmid) != before

    operation = scenes.restored_over(cloud, backup)

    row = reloaded(deployment)
    assert (operation.status, row.status, row.attention) == ("completed", "stopped", None)
    assert scenes.disk_bytes(cloud, row.vmid) == before
    vm = cloud.simulator.vm(row.vmid) or {}
    assert (vm["uuid"], vm["lock"]) == (row.guest_uuid, None)
    assert list(row.snapshots.values_list("status", flat=True)) == ["deleted"]


def test_restore_drill(cloud: Cloud) -> None:
    deployment = running(cloud, cpu_cores=2, memory_mb=2048)
    saved = scenes.disk_bytes(cloud, deployment.vmid)
    backup = scenes.backed_up(cloud, deployment)
    assert scenes.deleted(cloud, deployment).status == "deleted"
    assert cloud.simulator.vm(deployment.vmid) is None
    cloud.simulator.fault("task_error", match={"task": "qmstart"}, count=0, message="not yet")

    drill = scenes.restored_anew(cloud, backup)

    assert scenes.disk_bytes(cloud, drill.vmid) == saved
    vm = cloud.simulator.vm(drill.vmid) or {}
    assert vm["config"]["description"].startswith(drill.marker)
    assert (vm["uuid"], vm["uuid"] != deployment.guest_uuid) == (drill.guest_uuid, True)
    assert quota_is_true(cloud.world)


def test_a_restored_deployment_runs_like_any_other(cloud: Cloud) -> None:
    backup = scenes.backed_up(cloud, running(cloud))

    drill = scenes.restored_anew(cloud, backup)

    assert (drill.status, drill.attention, drill.vmid != backup.vmid) == ("running", None, True)
    assert drill.restored_from_id == backup.pk
    vm = cloud.simulator.vm(drill.vmid) or {}
    assert (vm["name"], vm["status"], vm["pool"]) == ("drill", "running", "uhub")
    assert scenes.deleted(cloud, drill).status == "deleted"
    assert quota_is_true(cloud.world)


def test_a_deleted_backup_is_gone_from_its_storage(cloud: Cloud) -> None:
    backup = scenes.backed_up(cloud, running(cloud))

    scenes.asked(cloud, backups.backup_delete, backup_id=backup.pk)
    run_until_idle()

    assert (scenes.backup_of(backup).status, scenes.archives(cloud)) == ("deleted", [])


@pytest.mark.parametrize("mode", ["in_place", "new"])
def test_a_backup_that_is_being_restored_is_not_deleted(cloud: Cloud, mode: str) -> None:
    deployment = running(cloud)
    backup = scenes.backed_up(cloud, deployment)
    scenes.stopped(cloud, deployment)
    if mode == "in_place":
        scenes.asked(cloud, restores.restore_in_place, backup_id=backup.pk)
    else:
        owner = {"tenant_id": deployment.tenant_id, "owner_id": deployment.owner_id}
        scenes.asked(cloud, restores.restore_as_new, backup_id=backup.pk, name="web-2", **owner)

    with pytest.raises(WrongState):
        scenes.asked(cloud, backups.backup_delete, backup_id=backup.pk)
    run_until_idle()

    assert (scenes.backup_of(backup).status, len(scenes.archives(cloud))) == ("complete", 1)
    scenes.asked(cloud, backups.backup_delete, backup_id=backup.pk)
    run_until_idle()
    assert scenes.archives(cloud) == []


def test_a_failed_backup_says_why(cloud: Cloud) -> None:
    deployment: Deployment = running(cloud)
    cloud.simulator.fault("storage_full", match={"storage": "backup"}, count=0)

    backup, _ = scenes.asked(cloud, backups.backup_create, deployment_id=deployment.pk)
    run_until_idle()

    row = scenes.backup_of(backup)
    assert (row.status, last_operation(deployment).status) == ("failed", "dead")
    assert row.failure.startswith(f"Backup of VM {deployment.vmid} failed - ")
    assert (scenes.archives(cloud), reloaded(deployment).status) == ([], "running")
