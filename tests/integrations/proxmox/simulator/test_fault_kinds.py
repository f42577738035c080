"""The faults of answers, listings, tasks and of the cluster as a whole."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from integrations.proxmox.simulator.faults import KINDS
from tests.simulator import SimulatorProcess, wait_until

PVE1 = "/nodes/pve1/qemu"
CLONE = f"{PVE1}/9005/clone"
NEW = {"newid": 5000, "name": "web-1", "full": 1}
ON_CLONE = {"method": "POST", "path": "/clone$"}


def _vmids(simulator: SimulatorProcess, path: str = "/cluster/resources") -> set[int]:
    rows = simulator.api("GET", path).json()["data"]
    return {row["vmid"] for row in rows if "vmid" in row}


def test_every_kind_says_what_it_does(demo: SimulatorProcess) -> None:
    menu = demo.control("GET", "/faults")["kinds"]

    assert {name for name, kind in menu.items() if not kind["does"]} == set()
    assert set(menu) == set(KINDS)


def test_garbage_comes_with_200_and_the_work_is_done(demo: SimulatorProcess) -> None:
    demo.fault("garbage", match=ON_CLONE)

    answer = demo.api("POST", CLONE, NEW)

    assert (answer.status_code, answer.text) == (200, '{"data":[{"vmid":')
    wait_until(lambda: (demo.vm(5000) or {"lock": "?"})["lock"] is None)


def test_an_empty_reason_leaves_only_the_body(demo: SimulatorProcess) -> None:
    demo.fault("empty_reason", match={"path": "/version"}, message="gone")

    answer = demo.api("GET", "/version")

    assert (answer.status_code, answer.reason) == (500, "")
    assert answer.json() == {"data": None, "message": "gone\n"}


@pytest.mark.parametrize(
    ("status", "reason", "is_done"),
    [
        (502, "Bad Gateway", False),
        (503, "Service Unavailable", False),
        (504, "Gateway Time-out", True),
    ],
)
def test_a_proxy_in_front_answers_with_a_page_of_its_own(
    demo: SimulatorProcess, status: int, reason: str, is_done: bool
) -> None:
    demo.fault("reverse_proxy", match=ON_CLONE, status=status)

    answer = demo.api("POST", CLONE, NEW)

    assert (answer.status_code, answer.reason) == (status, reason)
    assert answer.headers["Content-Type"] == "text/html"
    assert (len(demo.state()["tasks"]) == 1) is is_done


def test_a_slow_listing_is_cut_by_the_proxy(demo: SimulatorProcess) -> None:
    demo.fault("slow_listing")

    assert demo.api("GET", PVE1).status_code == 200
    answer = demo.api("GET", "/nodes/pve1/storage/local/content")

    assert (answer.status_code, answer.reason) == (596, "Connection timed out")


@pytest.mark.parametrize(
    ("params", "missing"),
    [({"vmids": [9005]}, {9005}), ({"node": "pve2"}, {101}), ({}, None)],
)
def test_a_truncated_listing_lacks_guests_with_200(
    demo: SimulatorProcess, params: dict[str, Any], missing: set[int] | None
) -> None:
    all_of_them = _vmids(demo)
    demo.fault("truncated_listing", **params)

    assert all_of_them - _vmids(demo) == (all_of_them if missing is None else missing)
    assert _vmids(demo) == all_of_them


def test_a_truncated_listing_still_knows_each_guest(demo: SimulatorProcess) -> None:
    demo.fault("truncated_listing", count=0)

    assert demo.api("GET", f"{PVE1}/9005/config").status_code == 200


def test_vanished_guests_come_back_with_their_disks(demo: SimulatorProcess) -> None:
    before = demo.state()
    strangers = {vm["vmid"] for vm in before["vms"] if not vm["template"]}
    demo.fault("vanished_guests")

    assert strangers.isdisjoint(_vmids(demo))
    assert demo.api("GET", f"{PVE1}/100/config").status_code == 500
    demo.clear_faults()

    assert {vm["vmid"] for vm in demo.state()["vms"]} == {vm["vmid"] for vm in before["vms"]}
    assert len(demo.state()["volumes"]) == len(before["volumes"])


def test_a_vanished_guest_gives_way_to_who_took_its_place(demo: SimulatorProcess) -> None:
    demo.fault("vanished_guests", vmids=[100])
    demo.foreign_vm(100, name="newcomer")
    demo.clear_faults()

    assert demo.vm(100)["name"] == "newcomer"  # type: ignore[index]


def test_a_locked_configuration_refuses_until_the_fault_is_cleared(
    demo: SimulatorProcess,
) -> None:
    demo.run("POST", PVE1, {"vmid": 600})
    demo.fault("config_lock", match={"vmid": 600}, lock="snapshot")
    path = f"{PVE1}/600/config"

    assert demo.api("PUT", path, {"cores": 2}).reason == "VM is locked (snapshot)"
    assert demo.run("POST", f"{PVE1}/600/status/start") == "VM is locked (snapshot)"
    demo.clear_faults()
    assert demo.api("PUT", path, {"cores": 2}).status_code == 200


def test_a_freed_id_is_somebody_elses_at_once(demo: SimulatorProcess) -> None:
    demo.run("POST", CLONE, NEW)
    demo.fault("id_reuse", name="theirs")

    assert demo.run("DELETE", f"{PVE1}/5000") == "OK"

    vm = demo.vm(5000)
    assert vm is not None
    assert (vm["name"], vm["foreign"]) == ("theirs", True)


def test_a_hung_task_runs_until_it_is_stopped(demo: SimulatorProcess) -> None:
    demo.fault("hung_task", match={"task": "qmclone"})
    upid = demo.api("POST", CLONE, NEW).json()["data"]
    path = f"/nodes/pve1/tasks/{upid}"

    assert demo.api("GET", f"{path}/status").json()["data"]["status"] == "running"
    assert demo.api("DELETE", path).status_code == 200
    assert demo.task(upid) == "interrupted by signal"


def test_a_task_may_not_be_visible_yet(demo: SimulatorProcess) -> None:
    upid = demo.api("POST", CLONE, NEW).json()["data"]
    demo.fault("task_invisible")
    path = f"/nodes/pve1/tasks/{upid}/status"

    answer = demo.api("GET", path)

    assert (answer.status_code, answer.json()["errors"]) == (400, {"upid": "no such task"})
    assert demo.api("GET", path).status_code == 200


def test_a_rotated_token_is_refused_while_the_fault_stands(demo: SimulatorProcess) -> None:
    demo.fault("token_rotated", match={"token": "uhub@pve!portal"}, count=0)

    assert demo.api("GET", "/version").reason == "Authentication failed!"
    assert demo.api("GET", "/version", token="root@pam!adm").status_code == 200
    demo.clear_faults()
    assert demo.api("GET", "/version").status_code == 200


def test_a_partition_cuts_off_a_node_and_leaves_the_others_at_work(
    demo: SimulatorProcess,
) -> None:
    demo.fault("partition", nodes=["pve2"])

    away = demo.api("GET", "/nodes/pve2/qemu")

    assert (away.status_code, away.reason, away.text) == (595, "No route to host", "")
    assert demo.run("POST", PVE1, {"vmid": 600}) == "OK"
    demo.clear_faults()
    assert demo.api("GET", "/nodes/pve2/qemu").status_code == 200


def test_without_a_majority_nothing_is_written(demo: SimulatorProcess) -> None:
    demo.fault("partition", nodes=["pve2", "pve3"])

    answer = demo.api("POST", PVE1, {"vmid": 600})

    assert (answer.status_code, answer.reason) == (500, "cluster not ready - no quorum?")
    assert demo.api("GET", PVE1).status_code == 200
    assert demo.vm(600) is None


def test_a_slow_agent_is_cut_or_late(demo: SimulatorProcess) -> None:
    demo.run("POST", CLONE, NEW)
    demo.run("POST", f"{PVE1}/5000/status/start")
    path = f"{PVE1}/5000/agent/ping"
    wait_until(lambda: demo.api("POST", path).status_code == 200)
    demo.fault("agent_slow", delay_s=40)

    assert demo.api("POST", path).status_code == 596
    assert demo.api("POST", path).status_code == 200


@pytest.mark.parametrize("words", ["No space left on device", "not enough free space"])
def test_a_full_storage_says_so_in_either_text(demo: SimulatorProcess, words: str) -> None:
    demo.fault("storage_full", match={"storage": "ceph-vm"}, message=words)

    assert demo.run("POST", CLONE, NEW) == f"clone failed: unable to create image: {words}"


@pytest.mark.parametrize(
    ("scope", "storage", "words"),
    [
        ("storage", "ceph-vm", "cfs-lock 'storage-ceph-vm' error: got lock request timeout"),
        ("cfs", "ceph-vm", "cfs-lock 'storage-ceph-vm' error: got lock request timeout"),
        (
            "storage",
            "local",
            "can't lock file '/var/lock/pve-manager/pve-storage-local' - got timeout",
        ),
        ("cfs", "local", ""),
    ],
)
def test_a_storm_of_locks_hits_the_kind_of_lock(
    demo: SimulatorProcess, scope: str, storage: str, words: str
) -> None:
    demo.fault("lock_storm", scope=scope)

    status = demo.run("POST", PVE1, {"vmid": 600, "scsi0": f"{storage}:1"})

    assert words in status
    assert (status == "OK") is (words == "")


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"kind": "partition", "node": "pve2"}, "unknown parameters: node"),
        ({"kind": "garbage", "status": 500}, "unknown parameters: status"),
    ],
)
def test_parameters_belong_to_their_kind(
    demo: SimulatorProcess, order: dict[str, Any], words: str
) -> None:
    answer = requests.post(f"{demo.control_url}/faults", json=order, timeout=60)

    assert (answer.status_code, answer.json()) == (400, {"error": words})


def test_what_is_only_checked_is_listed(demo: SimulatorProcess) -> None:
    listed = demo.control("GET", "/routes")

    assert "POST /nodes/{node}/qemu/{vmid}/clone" in listed["simulated"]
    assert "POST /nodes/{node}/lxc" in listed["checked_only"]


def test_what_is_only_checked_is_not_implemented_after_all_checks(
    demo: SimulatorProcess,
) -> None:
    values = {"vmid": 900, "ostemplate": "local:vztmpl/debian.tar.zst"}

    answer = demo.api("POST", "/nodes/pve1/lxc", values, token="root@pam!adm")

    words = "Method 'POST /nodes/pve1/lxc' not implemented"
    assert (answer.status_code, answer.reason) == (501, words)
    assert answer.json() == {"data": None, "message": words}


def test_the_ha_manager_can_be_late(demo: SimulatorProcess) -> None:
    demo.control("POST", "/clock", {"scale": 200})
    demo.run("POST", CLONE, NEW)
    wanted = {"sid": "vm:5000", "state": "stopped"}
    demo.api("POST", "/cluster/ha/resources", wanted, token="root@pam!adm")
    status = f"{PVE1}/5000/status/current"
    wait_until(lambda: demo.api("GET", status).json()["data"]["ha"]["state"] == "stopped")
    demo.fault("ha_delay", match={"vmid": 5000}, delay_s=200)
    position = demo.log_position()

    demo.run("POST", f"{PVE1}/5000/status/start")
    wait_until(lambda: demo.api("GET", status).json()["data"]["status"] == "running")

    entries = demo.log(position)
    assert (entries[-1]["time"] - entries[0]["time"]) * 200 >= 190
