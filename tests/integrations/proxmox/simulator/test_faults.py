from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.simulator import SimulatorProcess, wait_until

PVE1 = "/nodes/pve1/qemu"
CLONE = f"{PVE1}/9005/clone"
ON_CLONE = {"method": "POST", "path": "/clone$"}
NEW = {"newid": 5000, "name": "web-1", "full": 1}


def _names_and_tasks(simulator: SimulatorProcess) -> tuple[bool, int]:
    state = simulator.state()
    return any(vm["vmid"] == 5000 for vm in state["vms"]), len(state["tasks"])


def test_595_executes_nothing(demo: SimulatorProcess) -> None:
    demo.fault("595", match=ON_CLONE)

    answer = demo.api("POST", CLONE, NEW)

    assert (answer.status_code, answer.reason, answer.text) == (595, "Connection refused", "")
    assert _names_and_tasks(demo) == (False, 0)


def test_596_completes_behind_the_proxy(demo: SimulatorProcess) -> None:
    demo.fault("596", match=ON_CLONE)

    answer = demo.api("POST", CLONE, NEW)

    assert (answer.status_code, answer.reason, answer.text) == (596, "Connection timed out", "")
    wait_until(lambda: (demo.vm(5000) or {"lock": "?"})["lock"] is None)


def test_596_without_execution_leaves_nothing(demo: SimulatorProcess) -> None:
    demo.fault("596", match=ON_CLONE, execute=False, delay_s=0)

    assert demo.api("POST", CLONE, NEW).status_code == 596
    assert _names_and_tasks(demo) == (False, 0)


def test_a_slow_handler_is_cut_after_thirty_seconds_and_finishes(demo: SimulatorProcess) -> None:
    demo.run("POST", PVE1, {"vmid": 600})
    demo.control("POST", "/storage", {"name": "local", "alloc_s": 3000.0})

    answer = demo.api("PUT", f"{PVE1}/600/config", {"scsi0": "local:1"})

    assert (answer.status_code, answer.reason) == (596, "Connection timed out")
    demo.control("POST", "/clock", {"scale": 10_000})
    wait_until(lambda: "scsi0" in (demo.vm(600) or {})["config"])


@pytest.mark.parametrize("execute", [False, True])
def test_a_timeout_never_answers(demo: SimulatorProcess, execute: bool) -> None:
    demo.fault("timeout", match=ON_CLONE, execute=execute)

    with pytest.raises(requests.ReadTimeout):
        demo.api("POST", CLONE, NEW, timeout=0.5)

    wait_until(lambda: demo.mutations()[-1]["fault"] == "timeout")
    wait_until(lambda: _names_and_tasks(demo)[0] is execute)


@pytest.mark.parametrize(("when", "executed"), [("before", False), ("after", True)])
def test_a_dropped_connection(demo: SimulatorProcess, when: str, executed: bool) -> None:
    demo.fault("drop_connection", match=ON_CLONE, when=when)

    with pytest.raises(requests.ConnectionError):
        demo.api("POST", CLONE, NEW)

    assert _names_and_tasks(demo)[1] == int(executed)


def test_any_status_can_be_ordered(demo: SimulatorProcess) -> None:
    demo.fault("status", match={"path": "^/version$"}, status=503, reason="Busy", empty=True)

    answer = demo.api("GET", "/version")

    assert (answer.status_code, answer.reason, answer.text) == (503, "Busy", "")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("no_worker_upid", "got no worker upid - start worker failed"),
        ("no_quorum", "cluster not ready - no quorum?"),
    ],
)
def test_refusals_that_execute_nothing(demo: SimulatorProcess, kind: str, reason: str) -> None:
    demo.fault(kind)

    assert demo.api("GET", "/version").status_code == 200
    answer = demo.api("POST", CLONE, NEW)
    assert (answer.status_code, answer.reason) == (500, reason)
    assert _names_and_tasks(demo) == (False, 0)


def test_a_lock_storm_times_out_the_task(demo: SimulatorProcess) -> None:
    demo.fault("lock_storm", match=ON_CLONE)

    status = demo.run("POST", CLONE, NEW)

    assert status == "can't lock file '/var/lock/qemu-server/lock-9005.conf' - got timeout"


def test_a_lock_storm_on_the_storage_fails_the_clone(demo: SimulatorProcess) -> None:
    demo.fault("lock_storm", match={"storage": "ceph-vm"}, scope="storage")

    status = demo.run("POST", CLONE, NEW)

    assert status == "clone failed: cfs-lock 'storage-ceph-vm' error: got lock request timeout"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("storage_full", "unable to create image: not enough free space"),
        ("storage_offline", "storage 'ceph-vm' is not online"),
    ],
)
def test_a_storage_in_trouble_fails_the_clone_and_leaves_nothing(
    demo: SimulatorProcess, kind: str, words: str
) -> None:
    demo.fault(kind, match={"storage": "ceph-vm"})

    assert demo.run("POST", CLONE, NEW) == f"clone failed: {words}"
    assert demo.vm(5000) is None


def test_a_full_storage_is_full_by_its_own_figures(demo: SimulatorProcess) -> None:
    demo.control("POST", "/storage", {"name": "ceph-vm", "total": 290 * 1024**3})
    demo.run("POST", CLONE, NEW)

    status = demo.run("POST", f"{PVE1}/9002/clone", {"newid": 5001, "full": 1})

    assert status == "clone failed: unable to create image: not enough free space"


@pytest.mark.parametrize(
    ("at", "left"),
    [
        ("begin", None),
        ("locked", ["lock"]),
        ("half", ["lock", "name"]),
        ("unlocked", ["name"]),
        ("done", ["name"]),
    ],
)
def test_a_crashed_clone_leaves_what_it_had(
    demo: SimulatorProcess, at: str, left: list[str] | None
) -> None:
    demo.fault("worker_crash", match={"task": "qmclone"}, at=at)

    assert demo.run("POST", CLONE, NEW) == "unexpected status"

    vm = demo.vm(5000)
    assert (vm is None) is (left is None)
    if vm is not None:
        assert sorted({"lock", "name"} & set(vm["config"])) == left


def test_nobody_but_root_gets_rid_of_the_lock_a_crash_left(demo: SimulatorProcess) -> None:
    demo.fault("worker_crash", match={"task": "qmclone"}, at="half")
    demo.run("POST", CLONE, NEW)

    assert demo.run("DELETE", f"{PVE1}/5000") == "VM is locked (clone)"
    skipped = demo.api("DELETE", f"{PVE1}/5000", {"skiplock": 1})
    assert skipped.json()["errors"] == {"skiplock": "Only root may use this option."}
    assert demo.api("PUT", f"{PVE1}/5000/config", {"delete": "lock"}).status_code == 500


def test_a_running_task_can_be_crashed_by_its_upid(demo: SimulatorProcess) -> None:
    demo.control("POST", "/storage", {"name": "ceph-vm", "copy_base_s": 600.0})
    upid = demo.api("POST", CLONE, NEW).json()["data"]
    wait_until(lambda: (demo.vm(5000) or {"name": ""})["name"] == "web-1")

    assert demo.control("POST", "/crash-task", {"upid": upid}) == {"killed": [upid]}

    assert demo.task(upid) == "unexpected status"
    lines = demo.api("GET", f"/nodes/pve1/tasks/{upid}/log", {"limit": 0}).json()["data"]
    assert not lines[-1]["t"].startswith("TASK")
    assert demo.vm(5000)["lock"] == "clone"  # type: ignore[index]


def test_a_stranger_gets_there_first(demo: SimulatorProcess) -> None:
    demo.fault("foreign_vm", match=ON_CLONE, name="theirs")

    answer = demo.api("POST", CLONE, NEW)

    assert answer.reason == "unable to create VM 5000: config file already exists"
    vm = demo.vm(5000)
    assert vm is not None
    assert (vm["name"], vm["foreign"]) == ("theirs", True)


def test_a_stranger_under_our_id_has_another_identity(demo: SimulatorProcess) -> None:
    demo.run("POST", CLONE, NEW)
    ours = demo.vm(5000)

    theirs = demo.foreign_vm(5000, node="pve2")

    assert ours is not None
    assert (theirs["uuid"] != ours["uuid"], theirs["node"], theirs["pool"]) == (True, "pve2", "")


def test_a_stranger_can_be_told_to_respect_what_is_there(demo: SimulatorProcess) -> None:
    order = {"vmid": 100, "replace": False}

    answer = requests.post(f"{demo.control_url}/foreign-vm", json=order, timeout=60)

    assert (answer.status_code, answer.json()) == (400, {"error": "VM 100 exists"})


def test_a_match_may_be_just_a_path(demo: SimulatorProcess) -> None:
    demo.control("POST", "/faults", {"kind": "595", "match": "^/api2/json/version$"})

    assert demo.api("GET", "/nodes").status_code == 200
    assert demo.api("GET", "/version").status_code == 595


def test_warnings_of_a_destroy_leave_an_orphan(demo: SimulatorProcess) -> None:
    demo.run("POST", CLONE, NEW)
    demo.fault("task_warnings", match={"task": "qmdestroy"})

    assert demo.run("DELETE", f"{PVE1}/5000") == "WARNINGS: 1"
    assert demo.vm(5000) is None
    assert [v["volid"] for v in demo.state()["volumes"] if v["vmid"] == 5000] == [
        "ceph-vm:vm-5000-cloudinit"
    ]


def test_a_start_that_fails_may_have_worked(demo: SimulatorProcess) -> None:
    demo.run("POST", CLONE, NEW)
    demo.fault("start_lies")

    assert demo.run("POST", f"{PVE1}/5000/status/start").endswith("got timeout")
    assert demo.vm(5000)["status"] == "running"  # type: ignore[index]


def test_a_task_can_fail_without_doing_anything(demo: SimulatorProcess) -> None:
    demo.fault("task_error", match={"task": "qmclone"}, message="out of luck")

    assert demo.run("POST", CLONE, NEW) == "out of luck"
    assert demo.vm(5000) is None


def test_a_node_is_down_until_the_fault_is_cleared(demo: SimulatorProcess) -> None:
    demo.fault("node_down", node="pve2")
    node = {row["node"]: row["status"] for row in demo.api("GET", "/nodes").json()["data"]}

    assert node == {"pve1": "online", "pve2": "offline", "pve3": "online"}
    assert demo.api("GET", "/nodes/pve2/qemu").status_code == 595
    demo.clear_faults()
    assert demo.api("GET", "/nodes/pve2/qemu").status_code == 200


def test_the_agent_can_be_silenced_for_one_machine(demo: SimulatorProcess) -> None:
    demo.run("POST", CLONE, NEW)
    demo.run("POST", f"{PVE1}/5000/status/start")
    demo.fault("agent_down", match={"vmid": 5000}, count=0)
    path = f"{PVE1}/5000/agent/ping"

    assert demo.api("POST", path).reason == "QEMU guest agent is not running"
    demo.clear_faults()
    wait_until(lambda: demo.api("POST", path).status_code == 200)


def test_a_fault_fires_as_often_as_ordered(demo: SimulatorProcess) -> None:
    demo.fault("595", match={"path": "^/version$"}, count=2)

    assert [demo.api("GET", "/version").status_code for _ in range(3)] == [595, 595, 200]


def test_the_menu_of_faults_lists_kinds_matches_and_orders(demo: SimulatorProcess) -> None:
    demo.fault("delay", match={"path": "/x"}, delay_s=1)

    menu = demo.control("GET", "/faults")

    must = {"timeout", "595", "596", "lock_storm", "storage_full", "worker_crash", "foreign_vm"}
    assert must <= set(menu["kinds"])
    assert [(order["kind"], order["count"]) for order in menu["active"]] == [("delay", 1)]


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"kind": "bogus"}, "unknown kind 'bogus'"),
        ({"kind": "595", "foo": 1}, "unknown parameters: foo"),
        ({"kind": "595", "match": {"bar": 1}}, "unknown parameters: match.bar"),
    ],
)
def test_an_order_nobody_understands_is_refused(
    demo: SimulatorProcess, order: dict[str, Any], words: str
) -> None:
    answer = requests.post(f"{demo.control_url}/faults", json=order, timeout=60)

    assert answer.status_code == 400
    assert words in answer.json()["error"]
