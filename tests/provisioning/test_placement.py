"""The rules of placement on paper: what is a candidate, why one is refused, which one wins."""

from __future__ import annotations

from typing import Any

import pytest

from billing.logic.quota import Amounts
from provisioning.logic.placement import (
    ClusterRoom,
    Decision,
    NodeRoom,
    Place,
    Room,
    StorageRoom,
    decide,
    growth_missing,
)

NEED = Amounts(1, 2, 2048, 20)
SHARED = Place("paris", "pve1", 9003, "ceph-vm")
LOCAL = Place("paris", "pve1", 9003, "local-lvm")


def node(name: str = "pve1", **more: Any) -> NodeRoom:
    values: dict[str, Any] = {"state": "online", "cpu_capacity": 32, "memory_capacity_mb": 65_536}
    return NodeRoom(cluster=more.pop("cluster", "paris"), name=name, **values | more)


def storage(name: str = "ceph-vm", **more: Any) -> StorageRoom:
    values: dict[str, Any] = {
        "cluster": "paris",
        "node": "",
        "node_names": ("pve1", "pve2"),
        "capacity_gb": 1000,
    }
    return StorageRoom(name=name, **values | more)


def decided(
    *nodes: NodeRoom,
    place: Place = SHARED,
    storages: tuple[StorageRoom, ...] = (storage(),),
    clusters: tuple[ClusterRoom, ...] = (ClusterRoom("paris"),),
    need: Amounts = NEED,
) -> Decision:
    room = Room({cluster.code: cluster for cluster in clusters}, nodes, storages)
    return decide(need=need, places=[place], room=room)


def codes(decision: Decision) -> list[list[str]]:
    return [[reason.code for reason in one.reasons] for one in decision.candidates]


def test_shared_storage_offers_every_node_of_the_cluster() -> None:
    decision = decided(node("pve1"), node("pve2"), node("lyon1", cluster="lyon"))
    assert [one.node for one in decision.candidates] == ["pve1", "pve2"]


def test_local_storage_offers_the_owning_node_alone() -> None:
    local = storage("local-lvm", node="pve1", node_names=("pve1",))
    other = storage("local-lvm", node="pve2", node_names=("pve2",))
    decision = decided(node("pve1"), node("pve2"), place=LOCAL, storages=(other, local))
    assert [(one.node, one.is_chosen) for one in decision.candidates] == [("pve1", True)]


def test_the_emptier_node_wins() -> None:
    decision = decided(node("pve1", memory_allocated_mb=4096), node("pve2"))
    assert [one.node for one in decision.candidates] == ["pve2", "pve1"]
    assert [one.score for one in decision.candidates] == [96.375, 93.25]


def test_equal_nodes_are_taken_by_name() -> None:
    decision = decided(node("pve2"), node("pve1"))
    assert decision.node == "pve1"


@pytest.mark.parametrize(
    ("room", "code", "message"),
    [
        (
            {"cpu_allocated": 31},
            "no_cpu",
            "pve1 has 1 vCPU left, 2 are needed.",
        ),
        (
            {"memory_allocated_mb": 65_000},
            "no_memory",
            "pve1 has 536 MiB of memory left, 2048 are needed.",
        ),
        ({"maintenance": "New fans"}, "maintenance", "Node pve1 is in maintenance: New fans"),
        ({"state": "offline"}, "offline", "Node pve1 is offline."),
        ({"cpu_capacity": None}, "offline", "Node pve1 has not been listed by its cluster yet."),
    ],
)
def test_a_refused_node_says_why(room: dict[str, Any], code: str, message: str) -> None:
    decision = decided(node(**room))
    (candidate,) = decision.candidates
    assert [(one.code, one.message) for one in candidate.reasons] == [(code, message)]
    assert not decision.fits


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"allocated_gb": 990}, "no_disk"),
        ({"is_enabled": False}, "storage"),
        ({"is_active": False}, "storage"),
        ({"node_names": ("pve2",)}, "storage"),
        ({"capacity_gb": None}, "storage"),
    ],
)
def test_a_refused_storage_says_why(changes: dict[str, Any], code: str) -> None:
    assert codes(decided(node(), storages=(storage(**changes),))) == [[code]]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"is_active": False}, "inactive"),
        ({"maintenance": "Upgrade"}, "maintenance"),
        ({"problem": "it cannot be listed since 12:00 UTC"}, "unreachable"),
    ],
)
def test_a_refused_cluster_says_why(changes: dict[str, Any], code: str) -> None:
    assert codes(decided(node(), clusters=(ClusterRoom("paris", **changes),))) == [[code]]


def test_all_that_is_missing_is_told_at_once() -> None:
    full = node(cpu_allocated=32, memory_allocated_mb=65_536)
    assert codes(decided(full, storages=(storage(allocated_gb=1000),))) == [
        ["no_cpu", "no_memory", "no_disk"]
    ]


def test_the_sentence_for_others_names_figures_and_help_but_no_node() -> None:
    decision = decided(node(memory_allocated_mb=65_000), node("pve2", maintenance="Fans"))
    assert decision.reason == (
        "No place has room for 2 vCPU, 2048 MiB of memory and 20 GiB of disk; "
        "1 lack memory (at most 536 free); 1 are in maintenance. "
        "Ask an operator of the platform for room, or ask for less."
    )


def test_a_full_node_refuses_growth_and_says_how_much_is_left() -> None:
    room = Room({}, (node(memory_allocated_mb=65_000),), (storage(),))
    missing = growth_missing(room, node="pve1", storage="ceph-vm", growth=Amounts(0, 0, 1024, 0))
    assert missing.startswith("Where the machine is there is room for 536 of 1024 MiB only.")


def test_growth_that_fits_and_shrinking_pass() -> None:
    room = Room({}, (node(memory_allocated_mb=70_000),), (storage(),))
    assert growth_missing(room, node="pve1", storage="ceph-vm", growth=Amounts(0, 1, -512, 0)) == ""
