"""Two layers of locks on a machine, one around storage, and how long each is waited for."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.simulator import SimulatorProcess, wait_until

PVE1 = "/nodes/pve1/qemu"
CLONE = f"{PVE1}/9005/clone"
NEW = {"newid": 5000, "name": "web-1", "full": 1}
SCALE = 20.0


def _file_lock(vmid: int) -> str:
    return f"can't lock file '/var/lock/qemu-server/lock-{vmid}.conf' - got timeout"


@pytest.fixture
def slow(demo: SimulatorProcess) -> SimulatorProcess:
    """Copies take half an hour of the simulated kind: none ends before its test says so."""
    demo.control("POST", "/storage", {"name": "ceph-vm", "copy_base_s": 1800.0, "alloc_s": 0.0})
    demo.control("POST", "/clock", {"scale": SCALE})
    return demo


def _cloning(simulator: SimulatorProcess, vmid: int = 5000) -> str:
    """Start a clone and wait until it holds its locks."""
    upid = str(simulator.api("POST", CLONE, {**NEW, "newid": vmid}).json()["data"])
    wait_until(lambda: bool((simulator.vm(vmid) or {"config": {}})["config"].get("name")))
    return upid


def _elapsed_s(simulator: SimulatorProcess, path: str) -> float:
    """Simulated seconds the last request to that path took."""
    entry = next(e for e in reversed(simulator.log()) if e["path"].endswith(path))
    return float(entry["elapsed"]) * SCALE


def _hurry(simulator: SimulatorProcess) -> None:
    simulator.control("POST", "/clock", {"scale": 20_000})


def test_a_template_cannot_be_edited_while_it_is_cloned(slow: SimulatorProcess) -> None:
    _cloning(slow)

    def waited_s() -> float:
        answer = slow.api("PUT", f"{PVE1}/9005/config", {"description": "x"})
        assert (answer.status_code, answer.reason) == (500, _file_lock(9005))
        return _elapsed_s(slow, "/9005/config")

    wait_until(lambda: 9.9 <= waited_s() < 14)  # other work of this machine may disturb one of them


def test_clones_of_a_stopped_machine_run_side_by_side(slow: SimulatorProcess) -> None:
    upids = [_cloning(slow, vmid) for vmid in (5000, 5001, 5002)]
    _hurry(slow)

    assert [slow.task(upid) for upid in upids] == ["OK", "OK", "OK"]


def test_the_second_clone_of_a_running_machine_waits_one_second(slow: SimulatorProcess) -> None:
    _hurry(slow)
    slow.run("POST", CLONE, NEW)
    slow.run("POST", f"{PVE1}/5000/status/start")
    slow.control("POST", "/clock", {"scale": SCALE})
    path = f"{PVE1}/5000/clone"
    slow.api("POST", path, {"newid": 5001, "full": 1})
    wait_until(lambda: slow.vm(5001) is not None)

    assert slow.run("POST", path, {"newid": 5002, "full": 1}) == _file_lock(5000)


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_the_configuration_of_a_clone_in_the_making_is_locked(
    slow: SimulatorProcess, method: str
) -> None:
    _cloning(slow)

    answer = slow.api(method, f"{PVE1}/5000/config", {"cores": 2})

    assert (answer.status_code, answer.reason) == (500, "VM is locked (clone)")


def test_a_start_waits_for_the_clone_and_gives_up_after_ten_seconds(
    slow: SimulatorProcess,
) -> None:
    _cloning(slow)

    assert slow.run("POST", f"{PVE1}/5000/status/start") == _file_lock(5000)


@pytest.mark.parametrize(
    ("method", "path", "params"),
    [
        ("POST", "/status/start", {}),
        ("PUT", "/resize", {"disk": "scsi0", "size": "20G"}),
        ("DELETE", "", {}),
    ],
)
def test_what_comes_right_behind_a_clone_is_done_on_the_clone(
    demo: SimulatorProcess, method: str, path: str, params: dict[str, Any]
) -> None:
    demo.control("POST", "/clock", {"scale": SCALE})
    clone = demo.api("POST", CLONE, NEW).json()["data"]
    wait_until(lambda: demo.vm(5000) is not None)

    status = demo.run(method, f"{PVE1}/5000{path}", params)

    assert (demo.task(clone), status) == ("OK", "OK")
    assert (demo.vm(5000) is None) is (method == "DELETE")


def test_of_three_clones_to_one_id_one_wins(slow: SimulatorProcess) -> None:
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: slow.api("POST", CLONE, NEW), range(3)))
    _hurry(slow)
    ends = [slow.task(one.json()["data"]) if one.ok else one.reason for one in answers]

    assert ends.count("OK") == 1
    lost = f"unable to create VM 5000: config file already exists|{re.escape(_file_lock(5000))}"
    assert all(re.fullmatch(lost, end) for end in ends if end != "OK")


def test_the_lowest_free_id_is_given_to_everybody(demo: SimulatorProcess) -> None:
    assert {demo.api("GET", "/cluster/nextid").json()["data"] for _ in range(3)} == {"102"}


@pytest.mark.parametrize(
    ("vmid", "status", "errors"),
    [
        (150, 200, None),
        (100, 400, {"vmid": "VM 100 already exists"}),
        (99, 400, {"vmid": "invalid format - value does not look like a valid VM ID\n"}),
    ],
)
def test_an_id_can_be_asked_for(
    demo: SimulatorProcess, vmid: int, status: int, errors: dict[str, str] | None
) -> None:
    answer = demo.api("GET", "/cluster/nextid", {"vmid": vmid})

    assert (answer.status_code, answer.json().get("errors")) == (status, errors)


def test_allocations_on_one_storage_queue_for_ten_seconds(wire: SimulatorProcess) -> None:
    """Sixteen clones of 1.5 s per allocation are more than ten seconds hold."""
    token, values = "prov@pve!full", {"vmid": 9000, "scsi0": "local:1,format=qcow2"}
    wire.run("POST", PVE1, values, token=token)
    wire.run("POST", f"{PVE1}/9000/template", token=token)
    pace = {"name": "local", "alloc_s": 1.5, "copy_base_s": 0.0, "total": 1024**4}
    wire.control("POST", "/storage", pace)
    wire.control("POST", "/clock", {"scale": 0.001})
    upids = []
    for number in range(16):
        params = {"newid": 200 + number, "full": 1}
        upids.append(wire.api("POST", f"{PVE1}/9000/clone", params, token=token).json()["data"])

    wire.control("POST", "/clock", {"scale": SCALE})
    ends = [wire.task(upid, token=token) for upid in upids]
    wire.control("POST", "/clock", {"scale": 50})

    words = "clone failed: can't lock file '/var/lock/pve-manager/pve-storage-local' - got timeout"
    assert set(ends) == {"OK", words}
    assert ends.count("OK") < 12  # 7, and more where a busy machine lengthens every wait


def test_the_lock_of_a_shared_storage_is_held_for_a_minute_at_most(
    demo: SimulatorProcess,
) -> None:
    demo.control("POST", "/storage", {"name": "ceph-vm", "alloc_s": 90.0})

    status = demo.run("POST", PVE1, {"vmid": 600, "scsi0": "ceph-vm:1"})

    assert "'storage-ceph-vm'-locked command timed out - aborting" in status


def test_the_waits_keep_their_ratio_at_any_pace(demo: SimulatorProcess) -> None:
    """Ten seconds for a machine, one for a claim, ten for storage."""
    demo.control("POST", "/clock", {"scale": SCALE})

    def machine_s() -> float:
        demo.fault("lock_storm", match={"method": "PUT"})
        demo.api("PUT", f"{PVE1}/9005/config", {"description": "x"})
        return _elapsed_s(demo, "/config")

    def task_s(path: str, values: dict[str, Any]) -> float:
        position = demo.log_position()
        demo.run("POST", path, values)
        entries = demo.log(position)
        return float(entries[-1]["time"] - entries[0]["time"]) * SCALE

    def claim_s() -> float:
        demo.fault("lock_storm", match={"task": "qmclone"})
        return task_s(CLONE, NEW)

    def storage_s() -> float:
        demo.fault("lock_storm", scope="storage", match={"task": "qmcreate"})
        return task_s(PVE1, {"vmid": 600, "scsi0": "ceph-vm:1"})

    # other work of this machine may disturb one of them
    wait_until(lambda: 9.9 <= machine_s() < 13)
    wait_until(lambda: 1 <= claim_s() < 4)
    wait_until(lambda: 9.9 <= storage_s() < 14)
