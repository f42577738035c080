"""What every `Hypervisor` does with disks that outlive machines: the same on the twin and on a wire."""

from __future__ import annotations

import pytest

from integrations.base.errors import Failed
from integrations.proxmox.errors import ConfigChanged, VmidTaken
from integrations.proxmox.interface import Drive, GuestConfig, Hypervisor, StoredVolume, TaskOutcome
from tests.contract.cluster import NODE, Cluster
from tests.contract.test_hypervisor_changing import raise_failure

STORAGE = "local"
SHELF = 19_999
GIB = 2**30


def made(cluster: Cluster, vmid: int, size_gb: int = 3) -> StoredVolume:
    """A disk of the shelf's number that bears a guest's in its name."""
    cluster.hypervisor.volume_make_submit(
        node=NODE,
        storage=STORAGE,
        vmid=SHELF,
        name=f"vm-{SHELF}-uhub-{vmid}",
        size_gb=size_gb,
        is_file=True,
    )
    return named(cluster.hypervisor, vmid)[0]


def named(hypervisor: Hypervisor, vmid: int) -> list[StoredVolume]:
    stored = hypervisor.stored_volumes(NODE, STORAGE, SHELF)
    return [one for one in stored if one.name == f"vm-{SHELF}-uhub-{vmid}"]


def attached(cluster: Cluster, guest: GuestConfig, volume: str) -> None:
    ref = cluster.hypervisor.drive_attach_submit(
        node=NODE, vmid=guest.vmid, key="scsi3", volume=volume, serial="uhub-1", digest=None
    )
    if ref is not None:
        assert cluster.finish(ref).outcome is TaskOutcome.OK


def extra(hypervisor: Hypervisor, vmid: int) -> list[Drive]:
    return [one for one in hypervisor.drives(NODE, vmid) if one.key == "scsi3"]


def test_disk_is_made_by_name_and_size(cluster: Cluster, vmid: int) -> None:
    stored = made(cluster, vmid)
    assert (stored.vmid, stored.size_bytes) == (SHELF, 3 * GIB)


def test_disk_of_one_name_is_made_once(cluster: Cluster, vmid: int) -> None:
    made(cluster, vmid)
    with pytest.raises(Failed):
        made(cluster, vmid, size_gb=5)
    assert [one.size_bytes for one in named(cluster.hypervisor, vmid)] == [3 * GIB]


def test_freed_disk_is_gone_and_freeing_again_succeeds(cluster: Cluster, vmid: int) -> None:
    stored = made(cluster, vmid)
    for _ in range(2):
        ref = cluster.hypervisor.volume_free_submit(
            node=NODE, storage=STORAGE, volume=stored.volume
        )
        assert cluster.finish(ref).outcome is TaskOutcome.OK
    assert named(cluster.hypervisor, vmid) == []


def test_attached_disk_is_a_drive_with_its_serial(cluster: Cluster, guest: GuestConfig) -> None:
    stored = made(cluster, guest.vmid)
    attached(cluster, guest, stored.volume)
    assert extra(cluster.hypervisor, guest.vmid) == [
        Drive("scsi3", stored.volume, 3 * GIB, "uhub-1")
    ]


def test_running_guest_gets_a_disk_at_once(cluster: Cluster, running: GuestConfig) -> None:
    stored = made(cluster, running.vmid)
    attached(cluster, running, stored.volume)
    assert extra(cluster.hypervisor, running.vmid) == [
        Drive("scsi3", stored.volume, 3 * GIB, "uhub-1")
    ]


def test_detached_disk_of_another_number_leaves_no_trace_and_stays(
    cluster: Cluster, guest: GuestConfig
) -> None:
    stored = made(cluster, guest.vmid)
    before = cluster.hypervisor.drives(NODE, guest.vmid)
    attached(cluster, guest, stored.volume)
    ref = cluster.hypervisor.drive_detach_submit(
        node=NODE, vmid=guest.vmid, keys=("scsi3",), digest=None
    )
    if ref is not None:
        assert cluster.finish(ref).outcome is TaskOutcome.OK
    assert cluster.hypervisor.drives(NODE, guest.vmid) == before
    assert named(cluster.hypervisor, guest.vmid) == [stored]


def test_attaching_to_another_version_is_refused(cluster: Cluster, guest: GuestConfig) -> None:
    stored = made(cluster, guest.vmid)
    cluster.finish(cluster.hypervisor.configure_submit(node=NODE, vmid=guest.vmid, cores=3))

    def attach() -> None:
        ref = cluster.hypervisor.drive_attach_submit(
            node=NODE,
            vmid=guest.vmid,
            key="scsi3",
            volume=stored.volume,
            serial="uhub-1",
            digest=guest.digest,
        )
        raise_failure(cluster.finish(ref))

    with pytest.raises(ConfigChanged):
        attach()
    assert extra(cluster.hypervisor, guest.vmid) == []


def test_disk_outlives_the_machine_it_is_attached_to(cluster: Cluster, guest: GuestConfig) -> None:
    stored = made(cluster, guest.vmid)
    attached(cluster, guest, stored.volume)
    ref = cluster.hypervisor.delete_submit(node=NODE, vmid=guest.vmid)
    assert cluster.finish(ref).outcome is TaskOutcome.OK
    assert named(cluster.hypervisor, guest.vmid) == [stored]


def test_shelf_is_protected_and_bears_its_mark(cluster: Cluster, vmid: int) -> None:
    marker = f"uhub:shelf-{vmid}:n0nce"

    def make() -> None:
        ref = cluster.hypervisor.shelf_make_submit(
            node=NODE, vmid=vmid, name="uhub-shelf", marker=marker, tags=("uhub",), pool=None
        )
        raise_failure(cluster.finish(ref))

    make()
    config = cluster.hypervisor.guest_config(NODE, vmid)
    assert (config.marker, config.is_protected, config.disks) == (marker, True, ())
    with pytest.raises(VmidTaken):
        make()


def test_guest_without_snapshots_knows_no_disk_in_one(cluster: Cluster, guest: GuestConfig) -> None:
    assert cluster.hypervisor.drive_snapshots(NODE, guest.vmid, "local:1/none.qcow2") == ()
