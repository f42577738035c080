from __future__ import annotations

import pytest

from integrations.proxmox import mapping
from integrations.proxmox.errors import MalformedAnswer
from integrations.proxmox.interface import (
    ClusterListing,
    GuestSummary,
    NodeSummary,
    PowerState,
    StorageSummary,
    Usage,
)


def test_listing_as_recorded() -> None:
    data = [
        {"pool": "prod", "id": "/pool/prod", "type": "pool"},
        {"status": "unknown", "id": "qemu/9000", "type": "qemu", "vmid": 9000, "node": "pve1"},
        {"type": "lxc", "vmid": "200", "node": "pve2", "status": "running", "tags": "a;b"},
    ]
    assert mapping.guest_summaries(data) == (
        GuestSummary(9000, "pve1", None, PowerState.UNKNOWN, None, None, (), False),
        GuestSummary(
            200, "pve2", None, PowerState.RUNNING, None, None, ("a", "b"), False, is_container=True
        ),
    )


def test_one_listing_tells_guests_nodes_and_storages() -> None:
    guest = {"type": "qemu", "vmid": 101, "node": "pve1", "maxcpu": 2, "maxmem": 2048}
    storage = {"type": "storage", "storage": "ceph-vm", "plugintype": "rbd", "content": "images"}
    data = [
        guest,
        {"type": "pool", "pool": "prod"},
        {"type": "node", "node": "pve1", "status": "online", "maxcpu": 8, "maxmem": 9, "mem": 5},
        {"type": "node", "node": "pve2", "status": "unknown"},
        {**storage, "node": "pve1", "shared": 1, "status": "available", "disk": 3, "maxdisk": 10},
        {**storage, "node": "pve2", "shared": 1, "status": "unknown"},
    ]
    assert mapping.listing(data) == ClusterListing(
        guests=(
            GuestSummary(
                101, "pve1", None, PowerState.UNKNOWN, None, None, (), False, False, 2, 2048, None
            ),
        ),
        nodes=(
            NodeSummary("pve1", True, 8, 9, 5, usage=Usage(memory_bytes=5)),
            NodeSummary("pve2", None, None, None, None),
        ),
        storages=(
            StorageSummary("pve1", "ceph-vm", "rbd", ("images",), True, True, 10, 7),
            StorageSummary("pve2", "ceph-vm", "rbd", ("images",), True, False, None, None),
        ),
    )


@pytest.mark.parametrize("entry", [{"vmid": 101}, {"node": "pve1"}, {"vmid": 7, "node": "pve1"}])
def test_listing_with_an_unidentified_guest_is_refused_whole(entry: dict[str, object]) -> None:
    good = {"type": "qemu", "vmid": 100, "node": "pve1"}
    with pytest.raises(MalformedAnswer):
        mapping.guest_summaries([good, {"type": "qemu", **entry}])


def test_nodes_as_recorded() -> None:
    data = [{"node": "pve1", "status": "online", "maxcpu": 8, "maxmem": 100, "mem": 50}]
    assert mapping.node_summaries([*data, {"node": "pve2", "status": "offline"}]) == (
        NodeSummary("pve1", True, 8, 100, 50, usage=Usage(memory_bytes=50)),
        NodeSummary("pve2", False, None, None, None),
    )


def test_storages_as_recorded() -> None:
    data = [
        {
            "shared": 0,
            "type": "dir",
            "used": 843776,
            "enabled": 1,
            "storage": "local",
            "avail": 12637413376,
            "active": 1,
            "content": "iso,images",
            "total": 12638257152,
        }
    ]
    assert mapping.storage_summaries("pve1", data) == (
        StorageSummary(
            "pve1", "local", "dir", ("images", "iso"), False, True, 12638257152, 12637413376
        ),
    )


@pytest.mark.parametrize(
    ("data", "is_quorate"),
    [
        ([{"type": "cluster", "quorate": 1}, {"type": "node"}], True),
        ([{"type": "cluster", "quorate": 0}], False),
        ([{"type": "cluster"}], False),
        ([{"type": "node", "online": 1}], True),
    ],
)
def test_quorum(data: object, is_quorate: bool) -> None:
    assert mapping.is_quorate(data) is is_quorate
