from __future__ import annotations

from typing import Any

import pytest

from tests.simulator import SimulatorProcess, wait_until

PVE1 = "/nodes/pve1/qemu"


def _clone(simulator: SimulatorProcess, newid: int, **params: Any) -> str:
    answer = simulator.api("POST", f"{PVE1}/9005/clone", {"newid": newid, "full": 1, **params})
    assert answer.status_code == 200, answer.reason
    return str(answer.json()["data"])


def _vm(simulator: SimulatorProcess, vmid: int) -> dict[str, Any]:
    found = simulator.vm(vmid)
    assert found is not None
    return found


def _slow(simulator: SimulatorProcess, **figures: float) -> None:
    simulator.control("POST", "/storage", {"name": "ceph-vm", **figures})


def test_the_claim_carries_a_lock_and_nothing_else(demo: SimulatorProcess) -> None:
    _slow(demo, alloc_s=30_000.0)

    _clone(demo, 5000, name="web-1", description="own:abc")
    wait_until(lambda: demo.vm(5000) is not None)

    config = demo.api("GET", f"{PVE1}/5000/config").json()["data"]
    assert sorted(config) == ["digest", "lock"]
    assert config["lock"] == "clone"


def test_name_marker_and_identity_come_with_the_first_disk(demo: SimulatorProcess) -> None:
    _slow(demo, copy_base_s=300.0)
    template = _vm(demo, 9005)

    _clone(demo, 5000, name="web-1", description="own:abc", pool="uhub")
    wait_until(lambda: (demo.vm(5000) or {"name": ""})["name"] == "web-1")

    vm = _vm(demo, 5000)
    assert (vm["lock"], vm["config"]["description"], vm["pool"]) == ("clone", "own:abc", "")
    assert vm["uuid"] != template["uuid"]
    assert vm["config"]["net0"] != template["config"]["net0"]
    assert "scsi0" not in vm["config"]


def test_a_finished_clone_is_unlocked_and_in_its_pool(demo: SimulatorProcess) -> None:
    upid = _clone(demo, 5000, name="web-1", pool="uhub")

    assert demo.task(upid) == "OK"
    vm = _vm(demo, 5000)
    assert (vm["lock"], vm["pool"], vm["template"], vm["node"]) == (None, "uhub", False, "pve1")
    assert vm["config"]["scsi0"] == "ceph-vm:vm-5000-disk-0,size=8G"
    assert vm["volumes"] == ["ceph-vm:vm-5000-cloudinit", "ceph-vm:vm-5000-disk-0"]


def test_a_clone_moves_to_its_target_at_the_end(demo: SimulatorProcess) -> None:
    upid = _clone(demo, 5000, target="pve3")

    assert demo.task(upid) == "OK"
    assert _vm(demo, 5000)["node"] == "pve3"


def test_the_task_bears_the_id_of_the_source(demo: SimulatorProcess) -> None:
    upid = _clone(demo, 5000)
    demo.task(upid)

    rows = demo.api("GET", "/nodes/pve1/tasks", {"typefilter": "qmclone", "vmid": 9005})
    log = demo.api("GET", f"/nodes/pve1/tasks/{upid}/log").json()["data"]
    assert [row["upid"] for row in rows.json()["data"]] == [upid]
    assert log[0] == {"n": 1, "t": "creating a clone of VM 9005 with ID 5000"}


def test_a_linked_clone_hangs_on_the_base_volume(demo: SimulatorProcess) -> None:
    demo.run("POST", f"{PVE1}/9005/clone", {"newid": 5000})

    status = demo.run("DELETE", f"{PVE1}/9005")

    assert _vm(demo, 5000)["config"]["scsi0"] == ("ceph-vm:base-9005-disk-0/vm-5000-disk-0,size=8G")
    assert status == "base volume 'ceph-vm:base-9005-disk-0' is still in use by linked cloned"


def test_clones_of_a_template_run_side_by_side(demo: SimulatorProcess) -> None:
    upids = [_clone(demo, vmid) for vmid in (5000, 5001, 5002)]

    assert [demo.task(upid) for upid in upids] == ["OK", "OK", "OK"]


def test_the_second_clone_of_a_running_machine_waits_in_vain(demo: SimulatorProcess) -> None:
    _slow(demo, copy_base_s=60.0)
    path = "/nodes/pve1/qemu/100/clone"
    first = demo.api("POST", path, {"newid": 5000}).json()["data"]
    wait_until(lambda: demo.vm(5000) is not None)

    second = demo.run("POST", path, {"newid": 5001})

    assert second == "can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout"
    demo.control("POST", "/clock", {"scale": 500})
    assert demo.task(first) == "OK"
    assert demo.vm(5001) is None


def test_a_taken_id_is_refused_at_once(demo: SimulatorProcess) -> None:
    answer = demo.api("POST", f"{PVE1}/9005/clone", {"newid": 100})

    assert answer.status_code == 500
    assert answer.reason == "unable to create VM 100: config file already exists"


def test_a_delete_right_after_the_clone_deletes_the_finished_clone(demo: SimulatorProcess) -> None:
    demo.control("POST", "/clock", {"scale": 10})
    _slow(demo, copy_base_s=1.0)
    clone = _clone(demo, 5000)
    wait_until(lambda: demo.vm(5000) is not None)

    assert demo.run("DELETE", f"{PVE1}/5000") == "OK"
    assert demo.task(clone) == "OK"
    assert demo.vm(5000) is None
    assert [v for v in demo.state()["volumes"] if v["vmid"] == 5000] == []


def test_a_stopped_task_cleans_up(demo: SimulatorProcess) -> None:
    _slow(demo, copy_base_s=600.0)
    upid = _clone(demo, 5000)
    wait_until(lambda: len((demo.vm(5000) or {"volumes": []})["volumes"]) == 2)

    answer = demo.api("DELETE", f"/nodes/pve1/tasks/{upid}")

    assert answer.json() == {"data": None}
    assert demo.task(upid) == "clone failed: interrupted by signal"
    assert demo.vm(5000) is None
    assert [v for v in demo.state()["volumes"] if v["vmid"] == 5000] == []


def test_too_many_allocations_at_once_time_out_on_the_storage_lock(demo: SimulatorProcess) -> None:
    demo.control("POST", "/clock", {"scale": 20})
    _slow(demo, alloc_s=3.0, copy_base_s=0.1)

    upids = [_clone(demo, 5000 + number) for number in range(6)]
    results = sorted({demo.task(upid) for upid in upids})

    refusal = "clone failed: cfs-lock 'storage-ceph-vm' error: got lock request timeout"
    assert results == ["OK", refusal]


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"target": "pve9"}, "no such cluster node 'pve9'"),
        ({"storage": "nope"}, "storage 'nope' does not exist"),
        ({"storage": "local", "target": "pve2"}, "can't clone to non-shared storage 'local'"),
        ({"full": 0, "format": "raw"}, "parameter 'format' not allowed for linked clones"),
        ({"pool": "nope"}, "Permission check failed (pool 'nope' does not exist)"),
    ],
)
def test_impossible_wishes_are_refused_at_once(
    demo: SimulatorProcess, params: dict[str, Any], reason: str
) -> None:
    answer = demo.api("POST", f"{PVE1}/9005/clone", {"newid": 5000, "full": 1, **params})

    assert answer.reason == reason
    assert demo.vm(5000) is None


def test_local_disks_do_not_clone_across_nodes(demo: SimulatorProcess) -> None:
    demo.run("POST", PVE1, {"vmid": 600, "scsi0": "local:1"})

    answer = demo.api("POST", f"{PVE1}/600/clone", {"newid": 5000, "target": "pve2"})

    assert answer.reason == "can't clone VM to node 'pve2' (VM uses local storage)"
