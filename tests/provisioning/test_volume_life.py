"""The life of a volume on a simulated cluster, from the request to the proven end."""

from __future__ import annotations

import pytest

from tests.conftest import Cloud
from tests.engine import run_until_idle
from tests.provisioning import scenes
from tests.provisioning import volume_scenes as play
from tests.provisioning.test_reconcile_cluster import settled, swept
from tests.provisioning.twin import finding, kinds

GIB = 2**30


def test_created_volume_is_a_disk_of_its_size_in_the_machine(cloud: Cloud) -> None:
    deployment = scenes.running(cloud)
    row = play.attached(cloud, deployment)
    (disk,) = play.disks(cloud, row)
    assert (disk["size"], disk["drives"]) == (5 * GIB, [(deployment.vmid, row.slot)])
    assert (row.slot, row.size_gb, play.named(row) in str(row.proxmox_volume_id)) == (
        "scsi1",
        5,
        True,
    )
    assert play.books_balance()


def test_shelf_is_one_protected_machine_however_many_volumes(cloud: Cloud) -> None:
    deployment = scenes.running(cloud)
    for number in range(2):
        play.attached(cloud, deployment, f"data-{number}")
    (shelf,) = play.shelves(cloud)
    assert (shelf["status"], shelf["config"]["protection"]) == ("stopped", 1)


def test_detached_volume_keeps_its_disk_and_its_quota_and_goes_to_another_machine(
    cloud: Cloud,
) -> None:
    first, second = scenes.running(cloud, "web-1"), scenes.running(cloud, "web-2")
    row = play.acted(cloud, play.attached(cloud, first), "detach")
    (disk,) = play.disks(cloud, row)
    assert (row.status, row.slot, row.action, disk["drives"]) == ("detached", "", "", [])
    assert play.books_balance()
    row = play.acted(cloud, row, "attach", deployment_id=second.pk)
    (disk,) = play.disks(cloud, row)
    assert (row.status, row.deployment_id) == ("attached", second.pk)
    assert disk["drives"] == [(second.vmid, row.slot)]


def test_volume_grows_on_the_storage_and_in_the_books(cloud: Cloud) -> None:
    deployment = scenes.running(cloud)
    row = play.acted(cloud, play.attached(cloud, deployment), "resize", size_gb=9)
    (disk,) = play.disks(cloud, row)
    assert (row.status, row.size_gb, row.wanted_gb, disk["size"]) == ("attached", 9, None, 9 * GIB)
    assert play.books_balance()


def test_detached_volume_grows_and_is_in_no_machine_afterwards(cloud: Cloud) -> None:
    deployment = scenes.running(cloud)
    row = play.acted(cloud, play.attached(cloud, deployment), "detach")
    row = play.acted(cloud, row, "resize", size_gb=9)
    (disk,) = play.disks(cloud, row)
    assert (row.status, row.size_gb, row.wanted_gb, row.action) == ("detached", 9, None, "")
    assert (row.attention, row.bench_id) == (None, None)
    assert (disk["size"], disk["drives"]) == (9 * GIB, [])
    assert play.books_balance()


def test_a_second_growth_takes_the_same_bench_and_the_sweep_leaves_it_alone(cloud: Cloud) -> None:
    deployment = settled(cloud)
    row = play.acted(cloud, play.attached(cloud, deployment), "detach")
    for size in (9, 12):
        row = play.acted(cloud, row, "resize", size_gb=size)
    swept(cloud, times=4)
    assert (row.size_gb, len(play.benches(cloud)), kinds("open", "suspected")) == (12, 1, [])


def test_a_detached_volume_of_a_deleted_machine_grows(cloud: Cloud) -> None:
    deployment = scenes.running(cloud)
    row = play.attached(cloud, deployment)
    scenes.acted(cloud, deployment, "delete", volumes="keep")
    run_until_idle()
    row = play.acted(cloud, row, "resize", size_gb=9)
    assert (row.status, row.size_gb, row.attention) == ("detached", 9, None)


def test_deleted_volume_is_gone_everywhere(cloud: Cloud) -> None:
    deployment = scenes.running(cloud)
    row = play.acted(cloud, play.attached(cloud, deployment), "delete")
    assert (row.status, row.slot, row.attention, play.disks(cloud, row)) == (
        "deleted",
        "",
        None,
        [],
    )
    assert play.books_balance()


@pytest.mark.parametrize(
    ("fate", "left"), [pytest.param("keep", 1, marks=pytest.mark.soak), ("delete", 0)]
)
def test_end_of_the_machine_keeps_its_volumes_or_takes_them(
    cloud: Cloud, fate: str, left: int
) -> None:
    deployment = scenes.running(cloud)
    row = play.attached(cloud, deployment)
    scenes.acted(cloud, deployment, "delete", volumes=fate)
    run_until_idle()
    row = play.reloaded(row)
    assert scenes.reloaded(deployment).status == "deleted"
    assert (row.status, row.deployment_id, len(play.disks(cloud, row))) == (
        "detached" if left else "deleted",
        None,
        left,
    )
    assert play.books_balance()


def test_volume_of_a_deleted_machine_serves_the_next_one(cloud: Cloud) -> None:
    first, second = scenes.running(cloud, "web-1"), scenes.running(cloud, "web-2")
    row = play.attached(cloud, first)
    before = play.disks(cloud, row)[0]["fingerprint"]
    scenes.acted(cloud, first, "delete")
    run_until_idle()
    row = play.reloaded(row)
    assert (row.status, row.deployment_id, len(play.disks(cloud, row))) == ("detached", None, 1)
    assert play.books_balance()
    row = play.acted(cloud, row, "attach", deployment_id=second.pk)
    (disk,) = play.disks(cloud, row)
    assert (row.status, disk["fingerprint"]) == ("attached", before)
    assert disk["drives"] == [(second.vmid, row.slot)]


def test_guest_without_hotplug_gets_and_gives_the_disk_at_its_restart(cloud: Cloud) -> None:
    deployment = scenes.running(cloud)
    play.configured(cloud, deployment, hotplug="0")
    row = play.requested(cloud, deployment)
    run_until_idle()
    row = play.reloaded(row)
    assert (row.status, row.attention and row.attention["code"]) == ("attached", "restart_needed")
    scenes.acted(cloud, deployment, "restart")
    run_until_idle()
    assert play.reloaded(row).attention is None
    row = play.acted(cloud, row, "detach")
    assert (row.status, row.attention and row.attention["code"]) == ("attached", "restart_needed")
    scenes.acted(cloud, deployment, "restart")
    run_until_idle()
    row = play.reloaded(row)
    assert (row.status, row.attention, play.disks(cloud, row)[0]["drives"]) == (
        "detached",
        None,
        [],
    )


def test_sweep_leaves_shelf_and_volumes_alone_and_finds_a_missing_one(cloud: Cloud) -> None:
    deployment = settled(cloud)
    row = play.attached(cloud, deployment)
    swept(cloud, times=4)
    assert kinds("open", "suspected") == []
    play.configured(cloud, deployment, delete=row.slot)
    swept(cloud)
    assert finding("volume_missing").found == {"own_volumes": ["data-1 –"]}
    assert play.acted(cloud, row, "detach").status == "detached"
    swept(cloud)
    assert kinds() == []
