"""What every `Hypervisor` does with copies of guests: the same on the twin and on a real wire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from integrations.base.errors import Permanent, ProviderError
from integrations.proxmox.errors import GuestAbsent, VmidTaken
from integrations.proxmox.interface import GuestConfig, PowerState, TaskOutcome
from integrations.proxmox.interface.copies import Archive, Restored
from integrations.proxmox.mapping import marker_build
from tests.contract.cluster import MARKER, NODE, Cluster
from tests.contract.test_hypervisor_changing import raise_failure

STORAGE = "backup"


def note(vmid: int) -> str:
    return marker_build(f"0192f0c1-0000-7000-8000-{vmid:012d}", "b4ckup")


def backed_up(cluster: Cluster, vmid: int) -> Archive:
    """A fresh archive of the guest."""
    ref = cluster.hypervisor.backup_submit(
        node=NODE, vmid=vmid, storage=STORAGE, mode="snapshot", marker=note(vmid)
    )
    assert cluster.finish(ref).outcome is TaskOutcome.OK
    return archive_of(cluster, vmid)


def archive_of(cluster: Cluster, vmid: int) -> Archive:
    return next(a for a in cluster.hypervisor.archives(NODE, STORAGE) if a.vmid == vmid)


def snapshot(cluster: Cluster, vmid: int, name: str = "before") -> None:
    ref = cluster.hypervisor.snapshot_submit(node=NODE, vmid=vmid, name=name, description="By hand")
    assert cluster.finish(ref).outcome is TaskOutcome.OK


def test_snapshot_is_listed_with_its_configuration(cluster: Cluster, guest: GuestConfig) -> None:
    snapshot(cluster, guest.vmid)

    (fact,) = cluster.hypervisor.snapshots(NODE, guest.vmid)
    kept = cluster.hypervisor.snapshot_config(NODE, guest.vmid, "before")
    assert (fact.name, fact.description, fact.with_memory) == ("before", "By hand", False)
    assert (kept.description, kept.uuid) == ("By hand", guest.uuid)


def test_second_snapshot_of_a_name_fails_its_task(cluster: Cluster, guest: GuestConfig) -> None:
    snapshot(cluster, guest.vmid)

    ref = cluster.hypervisor.snapshot_submit(node=NODE, vmid=guest.vmid, name="before")
    assert cluster.finish(ref).outcome is TaskOutcome.ERROR


def test_rollback_brings_the_configuration_back(cluster: Cluster, guest: GuestConfig) -> None:
    snapshot(cluster, guest.vmid)
    cluster.finish(cluster.hypervisor.configure_submit(node=NODE, vmid=guest.vmid, cores=7))

    ref = cluster.hypervisor.rollback_submit(node=NODE, vmid=guest.vmid, name="before")
    assert cluster.finish(ref).outcome is TaskOutcome.OK

    config = cluster.hypervisor.guest_config(NODE, guest.vmid)
    assert (config.cores, config.identity) == (guest.cores, guest.identity)


def test_deleted_snapshot_is_listed_no_more(cluster: Cluster, guest: GuestConfig) -> None:
    snapshot(cluster, guest.vmid)

    ref = cluster.hypervisor.snapshot_delete_submit(node=NODE, vmid=guest.vmid, name="before")
    assert cluster.finish(ref).outcome is TaskOutcome.OK
    assert cluster.hypervisor.snapshots(NODE, guest.vmid) == ()


def test_unknown_snapshot_has_no_configuration(cluster: Cluster, guest: GuestConfig) -> None:
    with pytest.raises(Permanent):
        cluster.hypervisor.snapshot_config(NODE, guest.vmid, "never")


def test_archive_bears_our_marker_and_names_its_guest(cluster: Cluster, guest: GuestConfig) -> None:
    archive = backed_up(cluster, guest.vmid)

    inside = cluster.hypervisor.archive_config(NODE, archive.volume)
    assert (archive.marker, archive.is_protected) == (note(guest.vmid), False)
    assert archive.size_bytes > 0
    assert (inside.marker, inside.uuid, inside.name) == (MARKER, guest.uuid, guest.name)


def test_backup_task_is_found_by_its_guest(cluster: Cluster, guest: GuestConfig) -> None:
    since = datetime.now(UTC) - timedelta(seconds=5)
    before = cluster.hypervisor.copy_task_find(
        node=NODE, vmid=guest.vmid, kind="vzdump", since=since
    )
    ref = cluster.hypervisor.backup_submit(
        node=NODE, vmid=guest.vmid, storage=STORAGE, mode="snapshot", marker=note(guest.vmid)
    )

    found = cluster.hypervisor.copy_task_find(
        node=NODE, vmid=guest.vmid, kind="vzdump", since=since
    )
    cluster.finish(ref)
    assert (before, found) == (None, ref)


def test_backup_of_no_guest_makes_no_archive(cluster: Cluster, vmid: int) -> None:
    asked = {"node": NODE, "vmid": vmid, "storage": STORAGE, "mode": "snapshot"}

    with pytest.raises(ProviderError):
        raise_failure(cluster.finish(cluster.hypervisor.backup_submit(**asked, marker=note(vmid))))

    assert [a for a in cluster.hypervisor.archives(NODE, STORAGE) if a.vmid == vmid] == []


def test_protected_archive_is_not_deleted(cluster: Cluster, guest: GuestConfig) -> None:
    archive = backed_up(cluster, guest.vmid)
    place = {"node": NODE, "storage": STORAGE, "volume": archive.volume}
    cluster.hypervisor.archive_protect_set(**place, is_protected=True)

    state = cluster.finish(cluster.hypervisor.archive_delete_submit(**place))

    assert state.outcome is TaskOutcome.ERROR
    assert archive_of(cluster, guest.vmid).is_protected


def test_deleted_archive_is_listed_no_more(cluster: Cluster, guest: GuestConfig) -> None:
    archive = backed_up(cluster, guest.vmid)

    state = cluster.finish(
        cluster.hypervisor.archive_delete_submit(node=NODE, storage=STORAGE, volume=archive.volume)
    )

    assert state.outcome is TaskOutcome.OK
    assert [a for a in cluster.hypervisor.archives(NODE, STORAGE) if a.vmid == guest.vmid] == []


def test_unique_restore_is_a_guest_of_its_own(cluster: Cluster, guest: GuestConfig) -> None:
    archive = backed_up(cluster, guest.vmid)
    marker = marker_build("0192f0c1-7a3b-7000-8000-000000000002", "n0nce")
    values = Restored(name="web-2", description=marker, cores=3, memory_mb=1024, tags=("uhub",))

    ref = cluster.hypervisor.restore_submit(
        node=NODE,
        vmid=guest.vmid + 40_000,
        archive=archive.volume,
        values=values,
        pool="uhub",
        is_unique=True,
    )
    assert cluster.finish(ref).outcome is TaskOutcome.OK

    made = cluster.hypervisor.guest_config(NODE, guest.vmid + 40_000)
    assert (made.marker, made.name, made.cores, made.memory_mb) == (marker, "web-2", 3, 1024)
    assert (made.tags, made.lock) == (("uhub",), None)
    assert made.uuid not in {None, guest.uuid}


def test_restore_over_a_guest_has_to_be_forced(cluster: Cluster, guest: GuestConfig) -> None:
    archive = backed_up(cluster, guest.vmid)

    with pytest.raises(VmidTaken):
        cluster.hypervisor.restore_submit(
            node=NODE, vmid=guest.vmid, archive=archive.volume, values=Restored()
        )


def test_forced_restore_keeps_the_identity_and_ends_the_snapshots(
    cluster: Cluster, guest: GuestConfig
) -> None:
    archive = backed_up(cluster, guest.vmid)
    snapshot(cluster, guest.vmid)
    cluster.finish(cluster.hypervisor.configure_submit(node=NODE, vmid=guest.vmid, cores=7))

    ref = cluster.hypervisor.restore_submit(
        node=NODE,
        vmid=guest.vmid,
        archive=archive.volume,
        values=Restored(memory_mb=1024),
        is_forced=True,
    )
    assert cluster.finish(ref).outcome is TaskOutcome.OK

    config = cluster.hypervisor.guest_config(NODE, guest.vmid)
    assert config.identity == guest.identity
    assert (config.cores, config.memory_mb) == (guest.cores, 1024)
    assert cluster.hypervisor.snapshots(NODE, guest.vmid) == ()


def test_forced_restore_over_a_running_guest_is_refused(
    cluster: Cluster, running: GuestConfig
) -> None:
    archive = backed_up(cluster, running.vmid)

    with pytest.raises(ProviderError):
        cluster.hypervisor.restore_submit(
            node=NODE,
            vmid=running.vmid,
            archive=archive.volume,
            values=Restored(),
            is_forced=True,
        )
    status = cluster.hypervisor.guest_status(NODE, running.vmid)
    assert status.power is PowerState.RUNNING


def test_snapshots_of_nothing_prove_its_absence(cluster: Cluster, vmid: int) -> None:
    with pytest.raises(GuestAbsent):
        cluster.hypervisor.snapshots(NODE, vmid)
