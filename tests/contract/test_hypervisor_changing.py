"""What every `Hypervisor` changes on a guest: the same on the twin and on a real wire."""

from __future__ import annotations

from dataclasses import replace

import pytest

from integrations.base.errors import Permanent
from integrations.proxmox.errors import ConfigChanged
from integrations.proxmox.interface import (
    CloudInit,
    GuestConfig,
    Hypervisor,
    TaskOutcome,
    TaskState,
)
from tests.contract.cluster import NODE, Cluster


def raise_failure(state: TaskState) -> None:
    if state.failure is not None:
        raise state.failure


def system_disk(config: GuestConfig) -> tuple[str, int]:
    disk = next(disk for disk in config.disks if not disk.is_cdrom and disk.size_bytes)
    return disk.key, (disk.size_bytes or 0) // 2**30


def test_configuration_is_changed(cluster: Cluster, guest: GuestConfig) -> None:
    ref = cluster.hypervisor.configure_submit(
        node=NODE,
        vmid=guest.vmid,
        cores=2,
        memory_mb=2048,
        tags=("uhub", "PBX"),
        cloud_init=CloudInit(user="ops", password="s3cret", ssh_keys=("ssh-ed25519 AAAA a@b",)),
        digest=guest.digest,
    )
    assert cluster.finish(ref).outcome is TaskOutcome.OK
    changed = cluster.hypervisor.guest_config(NODE, guest.vmid)
    assert (changed.cores, changed.memory_mb, changed.tags) == (2, 2048, ("pbx", "uhub"))


def test_change_keeps_the_identity(cluster: Cluster, guest: GuestConfig) -> None:
    cluster.finish(cluster.hypervisor.configure_submit(node=NODE, vmid=guest.vmid, cores=5))
    assert cluster.hypervisor.guest_config(NODE, guest.vmid).identity == guest.identity


def test_change_of_another_version_is_refused(cluster: Cluster, guest: GuestConfig) -> None:
    cluster.finish(cluster.hypervisor.configure_submit(node=NODE, vmid=guest.vmid, cores=5))
    with pytest.raises(ConfigChanged):
        raise_failure(
            cluster.finish(
                cluster.hypervisor.configure_submit(
                    node=NODE, vmid=guest.vmid, cores=6, digest=guest.digest
                )
            )
        )
    assert cluster.hypervisor.guest_config(NODE, guest.vmid).cores == 5


def test_disk_grows_to_an_absolute_size_however_often(cluster: Cluster, guest: GuestConfig) -> None:
    key, size_gb = system_disk(guest)
    for _ in range(2):
        ref = cluster.hypervisor.resize_submit(
            node=NODE, vmid=guest.vmid, disk=key, size_gb=size_gb + 2
        )
        assert cluster.finish(ref).outcome is TaskOutcome.OK
    grown = cluster.hypervisor.guest_config(NODE, guest.vmid)
    assert system_disk(grown) == (key, size_gb + 2)


def test_disk_never_shrinks(cluster: Cluster, guest: GuestConfig) -> None:
    key, _ = system_disk(guest)
    ref = cluster.hypervisor.resize_submit(node=NODE, vmid=guest.vmid, disk=key, size_gb=1)
    assert type(cluster.finish(ref).failure) is Permanent
    assert cluster.hypervisor.guest_config(NODE, guest.vmid).disks == guest.disks


def test_protection_is_lifted_again(hypervisor: Hypervisor, guest: GuestConfig) -> None:
    for is_protected in (True, False):
        hypervisor.protection_set(node=NODE, vmid=guest.vmid, is_protected=is_protected)
    found = hypervisor.guest_config(NODE, guest.vmid)
    assert replace(found, digest=None) == replace(guest, digest=None)


def test_name_and_description_are_changed(cluster: Cluster, guest: GuestConfig) -> None:
    marker = "uhub:0192f0c1-7a3b-7000-8000-000000000009:other"
    ref = cluster.hypervisor.configure_submit(
        node=NODE, vmid=guest.vmid, name="web-9", description=f"{marker}\nKeep this line."
    )
    assert cluster.finish(ref).outcome is TaskOutcome.OK
    changed = cluster.hypervisor.guest_config(NODE, guest.vmid)
    assert (changed.name, changed.marker) == ("web-9", marker)
    assert changed.description == f"{marker}\nKeep this line."
    assert changed.uuid == guest.uuid


def test_a_healthy_cluster_has_quorum(hypervisor: Hypervisor) -> None:
    assert hypervisor.has_quorum() is True
