"""What every `Hypervisor` deletes, and what it does not: the same on the twin and on a real wire."""

from __future__ import annotations

import pytest

from integrations.base.errors import Failed, Permanent
from integrations.proxmox.errors import GuestAbsent
from integrations.proxmox.interface import GuestConfig, Hypervisor, TaskOutcome
from tests.contract.cluster import NODE, Cluster


def test_deleted_guest_is_gone(cluster: Cluster, guest: GuestConfig) -> None:
    ref = cluster.hypervisor.delete_submit(node=NODE, vmid=guest.vmid)
    assert cluster.finish(ref).outcome is TaskOutcome.OK
    assert cluster.hypervisor.guest_find(guest.vmid) is None


def test_second_delete_finds_the_guest_absent(cluster: Cluster, guest: GuestConfig) -> None:
    cluster.finish(cluster.hypervisor.delete_submit(node=NODE, vmid=guest.vmid))
    with pytest.raises(GuestAbsent):
        cluster.hypervisor.delete_submit(node=NODE, vmid=guest.vmid)


def test_running_guest_is_not_deleted(hypervisor: Hypervisor, running: GuestConfig) -> None:
    with pytest.raises(Failed, match="is running"):
        hypervisor.delete_submit(node=NODE, vmid=running.vmid)
    assert hypervisor.guest_find(running.vmid) == NODE


def test_protected_guest_is_not_deleted(hypervisor: Hypervisor, guest: GuestConfig) -> None:
    hypervisor.protection_set(node=NODE, vmid=guest.vmid, is_protected=True)
    with pytest.raises(Permanent, match="protection"):
        hypervisor.delete_submit(node=NODE, vmid=guest.vmid)
    assert hypervisor.guest_config(NODE, guest.vmid).is_protected is True
