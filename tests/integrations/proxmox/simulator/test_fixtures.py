from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from integrations.proxmox.simulator import fixtures
from tests.simulator import SimulatorProcess


@pytest.fixture(scope="module")
def _lyon_process() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(fixture="demo-b") as process:
        yield process


@pytest.fixture
def lyon(_lyon_process: SimulatorProcess) -> SimulatorProcess:
    """The second cluster, fresh."""
    _lyon_process.reset()
    return _lyon_process


def _names(simulator: SimulatorProcess, path: str, key: str) -> list[Any]:
    return sorted(row[key] for row in simulator.api("GET", path).json()["data"])


def test_the_two_clusters_have_names_and_nodes_of_their_own(
    demo: SimulatorProcess, lyon: SimulatorProcess
) -> None:
    assert _names(demo, "/nodes", "node") == ["pve1", "pve2", "pve3"]
    assert _names(lyon, "/nodes", "node") == ["pve4", "pve5"]
    assert (demo.state()["cluster"], lyon.state()["cluster"]) == ("paris", "lyon")


def test_each_cluster_knows_the_token_under_its_own_secret(lyon: SimulatorProcess) -> None:
    header = "PVEAPIToken=uhub@pve!portal=44444444-4444-4444-4444-444444444444"

    strange = lyon.api("GET", "/version", token="", headers={"Authorization": header})

    assert (strange.status_code, lyon.api("GET", "/version").status_code) == (401, 200)


def test_the_second_cluster_holds_copies_of_the_templates(
    demo: SimulatorProcess, lyon: SimulatorProcess
) -> None:
    ours = {vm["vmid"]: vm for vm in demo.state()["vms"] if vm["template"]}
    theirs = {vm["vmid"]: vm for vm in lyon.state()["vms"] if vm["template"]}

    assert list(ours) == list(theirs) == list(range(9001, 9009))
    assert [vm["name"] for vm in ours.values()] == [vm["name"] for vm in theirs.values()]
    assert {vm["uuid"] for vm in ours.values()}.isdisjoint(vm["uuid"] for vm in theirs.values())


def test_copies_of_a_template_have_the_same_bytes(
    demo: SimulatorProcess, lyon: SimulatorProcess
) -> None:
    ours, theirs = (
        {v["vmid"]: v["fingerprint"] for v in s.state()["volumes"] if "base-" in v["volid"]}
        for s in (demo, lyon)
    )

    assert ours == theirs
    assert ours[9005] == "template-debian:0"


def test_every_node_offers_local_shared_and_backup_storages(
    demo: SimulatorProcess, lyon: SimulatorProcess
) -> None:
    paris, second = ["backup", "ceph-vm", "local", "local-lvm"], "/nodes/pve5/storage"

    assert _names(demo, "/nodes/pve3/storage", "storage") == paris
    assert _names(lyon, second, "storage") == ["backup-lyon", "ceph-lyon", "local", "local-lvm"]


def test_a_clone_works_in_the_second_cluster(lyon: SimulatorProcess) -> None:
    path = "/nodes/pve4/qemu/9005/clone"

    assert lyon.run("POST", path, {"newid": 5000, "target": "pve5"}) == "OK"
    assert (lyon.vm(5000) or {})["node"] == "pve5"


def test_an_unknown_fixture_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="unknown fixture 'x', one of: demo, demo-b, empty, wire"):
        fixtures.build("x", 0.0)
