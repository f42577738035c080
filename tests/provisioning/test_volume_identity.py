"""The fence of disks: nothing is sent to a stranger, nothing of a stranger is taken out or freed."""

from __future__ import annotations

import pytest

from provisioning.models import VolumeShelf
from tests.conftest import Cloud
from tests.engine import run_until_idle
from tests.provisioning import scenes
from tests.provisioning import volume_scenes as play


@pytest.mark.parametrize(("verb", "more"), [("detach", {}), ("resize", {"size_gb": 9})])
def test_no_verb_touches_a_stranger_under_the_machines_number(
    cloud: Cloud, verb: str, more: dict[str, int]
) -> None:
    deployment = scenes.running(cloud)
    row = play.attached(cloud, deployment)
    cloud.simulator.foreign_vm(deployment.vmid)
    position = cloud.simulator.log_position()
    row = play.acted(cloud, row, verb, **more)
    assert cloud.simulator.mutations(position) == []
    assert (row.status, row.action, row.attention and row.attention["code"]) == (
        "attached",
        "",
        "identity_mismatch",
    )
    assert play.books_balance()


def test_a_strangers_disk_in_our_drive_is_left_there(cloud: Cloud) -> None:
    deployment = scenes.running(cloud)
    row = play.attached(cloud, deployment)
    play.configured(cloud, deployment, delete=row.slot)
    play.configured(cloud, deployment, **{row.slot: "local:3"})
    position = cloud.simulator.log_position()
    row = play.acted(cloud, row, "detach")
    assert cloud.simulator.mutations(position) == []
    assert (row.status, row.slot) == ("detached", "")


def test_an_attach_leaves_a_taken_drive_alone_and_takes_the_next(cloud: Cloud) -> None:
    deployment = scenes.running(cloud)
    play.configured(cloud, deployment, scsi1="local:3")
    before = play.machine(cloud, deployment)["config"]["scsi1"]
    row = play.attached(cloud, deployment)
    assert (row.slot, play.machine(cloud, deployment)["config"]["scsi1"]) == ("scsi2", before)


def test_a_stranger_on_the_shelfs_number_moves_the_shelf_before_the_first_disk(
    cloud: Cloud,
) -> None:
    deployment = scenes.running(cloud)
    row = play.requested(cloud, deployment)
    taken = VolumeShelf.objects.using("platform").get().vmid
    cloud.simulator.foreign_vm(taken)
    stranger = cloud.simulator.vm(taken)
    run_until_idle()
    row = play.reloaded(row)
    (disk,) = play.disks(cloud, row)
    assert (row.status, disk["vmid"] == taken, row.owner_vmid == disk["vmid"]) == (
        "attached",
        False,
        True,
    )
    assert cloud.simulator.vm(taken) == stranger


def test_a_stranger_on_the_shelfs_number_stops_new_disks_once_there_are_some(cloud: Cloud) -> None:
    deployment = scenes.running(cloud)
    play.attached(cloud, deployment)
    cloud.simulator.foreign_vm(VolumeShelf.objects.using("platform").get().vmid)
    row = play.requested(cloud, deployment, "data-2")
    position = cloud.simulator.log_position()
    run_until_idle()
    row = play.reloaded(row)
    assert cloud.simulator.mutations(position) == []
    assert (row.status, row.attention and row.attention["code"]) == ("error", "shelf_foreign")


def test_a_disk_in_a_snapshot_is_not_taken_out(cloud: Cloud) -> None:
    deployment = scenes.running(cloud)
    row = play.attached(cloud, deployment)
    path = f"/nodes/{deployment.node}/qemu/{deployment.vmid}/snapshot"
    cloud.simulator.run("POST", path, {"snapname": "before"})
    position = cloud.simulator.log_position()
    row = play.acted(cloud, row, "detach")
    assert cloud.simulator.mutations(position) == []
    assert (row.status, row.attention and row.attention["code"]) == (
        "attached",
        "volume_in_snapshot",
    )


def test_a_disk_that_vanished_from_its_storage_is_not_attached(cloud: Cloud) -> None:
    deployment = scenes.running(cloud)
    row = play.acted(cloud, play.attached(cloud, deployment), "detach")
    storage, _, name = str(row.proxmox_volume_id).partition(":")
    path = f"/nodes/{deployment.node}/storage/{storage}/content/{storage}:{name}"
    cloud.simulator.run("DELETE", path, token="root@pam!adm")
    position = cloud.simulator.log_position()
    row = play.acted(cloud, row, "attach")
    assert cloud.simulator.mutations(position) == []
    assert (row.status, row.attention and row.attention["code"]) == ("detached", "volume_missing")


def test_a_stranger_on_the_benchs_number_is_left_alone_and_the_quota_is_free_again(
    cloud: Cloud,
) -> None:
    deployment = scenes.running(cloud)
    row = play.acted(cloud, play.attached(cloud, deployment), "detach")
    row = play.acted(cloud, row, "resize", size_gb=9)
    cloud.simulator.foreign_vm(int(play.benches(cloud)[0]["vmid"]))
    position = cloud.simulator.log_position()
    row = play.acted(cloud, row, "resize", size_gb=12)
    assert cloud.simulator.mutations(position) == []
    assert (row.status, row.size_gb, row.wanted_gb) == ("detached", 9, None)
    assert (row.attention and row.attention["code"], play.books_balance()) == (
        "shelf_foreign",
        True,
    )


@pytest.mark.parametrize(("verb", "drives"), [("attach", 1), ("delete", 0)])
def test_a_disk_that_a_broken_growth_left_in_the_bench_is_taken_out_first(
    cloud: Cloud, verb: str, drives: int
) -> None:
    deployment = scenes.running(cloud)
    row = play.acted(cloud, play.attached(cloud, deployment), "detach")
    play.left_in_bench(cloud, row)
    row = play.acted(cloud, row, verb)
    places = [place for disk in play.disks(cloud, row) for place in disk["drives"]]
    assert (row.bench_id, len(places)) == (None, drives)
    assert all(vmid == deployment.vmid for vmid, _key in places)
