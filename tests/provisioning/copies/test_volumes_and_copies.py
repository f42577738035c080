"""Additional disks beside backups: left out of archives, never lost to a restore."""

from __future__ import annotations

import pytest
from django.db import transaction

from portal.kernel import clock
from portal.kernel.tenancy import tenant_scope
from provisioning.errors import WrongState
from provisioning.services.copies.restores import restore_in_place
from tests.conftest import Cloud, World
from tests.factories.provisioning import VolumeFactory
from tests.portal.palette.asking import machine, signed_in
from tests.provisioning import volume_scenes as volumes
from tests.provisioning.copies import scenes
from tests.provisioning.scenes import running


def test_the_dialogs_say_which_volumes_a_backup_leaves_out(world: World) -> None:
    deployment = machine(world, "web-04", ready_at=clock.now())
    page = f"/deployments/{deployment.pk}?tab=copies"
    client = signed_in(world.people["support"])
    told = ("1 volume is not in it:", "Its volumes are not in that backup.")
    before = client.get(page).content.decode()
    with tenant_scope(world.north.pk), transaction.atomic():
        VolumeFactory(deployment=deployment, name="data-1", status="attached")

    after = client.get(page).content.decode()

    assert [text in before for text in told] == [False, False]
    assert [text in after for text in told] == [True, True]


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
