"""Additional disks beside backups: left out of archives, never lost to a restore."""

from __future__ import annotations

import pytest

from provisioning.errors import WrongState
from provisioning.services.copies.restores import restore_in_place
from tests.conftest import Cloud
from tests.provisioning import volume_scenes as volumes
from tests.provisioning.copies import scenes
from tests.provisioning.scenes import running


def test_a_restore_neither_loses_nor_doubles_a_volume(cloud: Cloud) -> None:
    deployment = running(cloud)
    volume = volumes.attached(cloud, deployment)
    (disk,) = volumes.disks(cloud, volume)
    backup = scenes.backed_up(cloud, deployment)
    scenes.stopped(cloud, deployment)

    with pytest.raises(WrongState, match="Detach its volumes first"):
        scenes.asked(cloud, restore_in_place, backup_id=backup.pk)
    volume = volumes.acted(cloud, volume, "detach")
    operation = scenes.restored_over(cloud, backup)

    (kept,) = volumes.disks(cloud, volume)
    assert (operation.status, kept["fingerprint"]) == ("completed", disk["fingerprint"])
    vm = cloud.simulator.vm(deployment.vmid) or {}
    assert [key for key in vm["config"] if key in {"scsi0", "scsi1", "unused0"}] == ["scsi0"]
    drill = scenes.restored_anew(cloud, backup)
    assert (drill.status, len(volumes.disks(cloud, volume))) == ("running", 1)
    assert volumes.books_balance()
