from __future__ import annotations

from typing import Any

import pytest

from tests.simulator import SimulatorProcess, wait_until

PVE1 = "/nodes/pve1/qemu"
VM = f"{PVE1}/5000"
SNAPSHOTS = f"{VM}/snapshot"


@pytest.fixture
def machine(demo: SimulatorProcess) -> SimulatorProcess:
    """A stopped clone 5000."""
    demo.control("POST", "/clock", {"scale": 200})
    assert demo.run("POST", f"{PVE1}/9005/clone", {"newid": 5000, "full": 1}) == "OK"
    return demo


def _take(simulator: SimulatorProcess, name: str, **params: Any) -> str:
    return simulator.run("POST", SNAPSHOTS, {"snapname": name, **params})


def _rows(simulator: SimulatorProcess) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in simulator.api("GET", SNAPSHOTS).json()["data"]}


def _bytes(simulator: SimulatorProcess, vmid: int = 5000) -> str:
    found = [
        volume["fingerprint"]
        for volume in simulator.state()["volumes"]
        if volume["volid"].endswith(f"vm-{vmid}-disk-0")
    ]
    return str(found[0])


def test_the_list_always_has_the_current_state(machine: SimulatorProcess) -> None:
    rows = _rows(machine)

    assert list(rows) == ["current"]
    assert rows["current"]["description"] == "You are here!"
    assert rows["current"]["running"] == 0


def test_snapshots_form_a_chain_and_carry_their_description(machine: SimulatorProcess) -> None:
    assert _take(machine, "first", description="before") == "OK"
    assert _take(machine, "second") == "OK"

    rows = _rows(machine)
    assert (rows["first"]["description"], "parent" in rows["first"]) == ("before", False)
    assert (rows["second"]["parent"], rows["current"]["parent"]) == ("first", "second")
    assert rows["first"]["vmstate"] == 0
    assert machine.api("GET", f"{VM}/config").json()["data"]["parent"] == "second"


def test_a_name_in_use_fails_the_task_and_not_the_call(machine: SimulatorProcess) -> None:
    _take(machine, "first")

    assert _take(machine, "first") == "snapshot name 'first' already used"


def test_reserved_names_are_refused_at_once(machine: SimulatorProcess) -> None:
    answer = machine.api("POST", SNAPSHOTS, {"snapname": "current"})

    assert answer.reason == "unable to use snapshot name 'current' (reserved name)"


def test_a_missing_machine_is_refused_at_once(demo: SimulatorProcess) -> None:
    answer = demo.api("POST", f"{PVE1}/777/snapshot", {"snapname": "first"})

    assert answer.reason == "Configuration file 'nodes/pve1/qemu-server/777.conf' does not exist"


def test_a_template_has_no_snapshots(demo: SimulatorProcess) -> None:
    status = demo.run("POST", f"{PVE1}/9005/snapshot", {"snapname": "first"})

    assert status == "you can't take a snapshot if it's a template"


def test_a_storage_without_the_feature_refuses(demo: SimulatorProcess) -> None:
    demo.run("POST", PVE1, {"vmid": 5000, "scsi0": "local:1,format=raw"})

    assert _take(demo, "first") == "snapshot feature is not available"


def test_a_snapshot_holds_the_lock_meanwhile(machine: SimulatorProcess) -> None:
    machine.control("POST", "/clock", {"scale": 1})
    upid = machine.api("POST", SNAPSHOTS, {"snapname": "first"}).json()["data"]
    wait_until(lambda: (machine.vm(5000) or {})["lock"] == "snapshot")
    machine.control("POST", "/clock", {"scale": 0.001})

    refused = machine.api("PUT", f"{VM}/config", {"cores": 2})

    machine.control("POST", "/clock", {"scale": 200})
    assert refused.reason == "VM is locked (snapshot)"
    assert machine.task(upid) == "OK"


def test_a_rollback_brings_back_bytes_and_configuration(machine: SimulatorProcess) -> None:
    machine.api("PUT", f"{VM}/config", {"cores": 1})
    before = _bytes(machine)
    _take(machine, "first")
    machine.api("PUT", f"{VM}/config", {"cores": 4})
    machine.run("POST", f"{VM}/status/start")
    changed = _bytes(machine)

    assert machine.run("POST", f"{SNAPSHOTS}/first/rollback") == "OK"

    vm = machine.vm(5000) or {}
    assert (vm["status"], vm["config"]["cores"], vm["lock"]) == ("stopped", 1, None)
    assert changed != before
    assert _bytes(machine) == before


def test_a_rollback_can_start_the_machine(machine: SimulatorProcess) -> None:
    _take(machine, "first")

    machine.run("POST", f"{SNAPSHOTS}/first/rollback", {"start": 1})

    assert (machine.vm(5000) or {})["status"] == "running"


def test_the_memory_of_a_running_machine_is_kept_and_brought_back(
    machine: SimulatorProcess,
) -> None:
    machine.run("POST", f"{VM}/status/start")
    _take(machine, "live", vmstate=1)
    state = "ceph-vm:vm-5000-state-live"
    assert _rows(machine)["live"]["vmstate"] == 1
    assert state in (machine.vm(5000) or {})["volumes"]
    machine.run("POST", f"{VM}/status/stop")

    machine.run("POST", f"{SNAPSHOTS}/live/rollback")

    assert (machine.vm(5000) or {})["status"] == "running"
    machine.run("DELETE", f"{SNAPSHOTS}/live")
    assert state not in (machine.vm(5000) or {})["volumes"]


def test_a_failed_rollback_leaves_its_lock(machine: SimulatorProcess) -> None:
    _take(machine, "first")
    machine.fault("worker_crash", match={"task": "qmrollback"}, at="half")

    status = machine.run("POST", f"{SNAPSHOTS}/first/rollback")

    assert (status, (machine.vm(5000) or {})["lock"]) == ("unexpected status", "rollback")
    assert machine.run("POST", f"{VM}/status/start") == "VM is locked (rollback)"


@pytest.mark.parametrize(("method", "tail"), [("DELETE", ""), ("POST", "/rollback")])
def test_what_is_missing_fails_the_task_and_not_the_call(
    machine: SimulatorProcess, method: str, tail: str
) -> None:
    status = machine.run(method, f"{SNAPSHOTS}/nope{tail}")

    assert status == "snapshot 'nope' does not exist"


def test_deleting_the_middle_joins_the_chain(machine: SimulatorProcess) -> None:
    for name in ("first", "second", "third"):
        _take(machine, name)

    assert machine.run("DELETE", f"{SNAPSHOTS}/second") == "OK"

    rows = _rows(machine)
    assert sorted(rows) == ["current", "first", "third"]
    assert rows["third"]["parent"] == "first"


def test_the_configuration_of_a_snapshot_can_be_read_and_described(
    machine: SimulatorProcess,
) -> None:
    _take(machine, "first", description="a")
    path = f"{SNAPSHOTS}/first/config"

    assert machine.api("PUT", path, {"description": "b"}).json() == {"data": None}

    config = machine.api("GET", path).json()["data"]
    assert (config["description"], config["memory"]) == ("b", "1024")
    same = machine.api("GET", f"{VM}/config", {"snapshot": "first"}).json()["data"]
    assert same == config
    assert machine.api("GET", f"{SNAPSHOTS}/nope/config").reason == (
        "snapshot 'nope' does not exist"
    )


def test_snapshots_block_the_conversion_to_a_template(machine: SimulatorProcess) -> None:
    _take(machine, "first")

    answer = machine.api("POST", f"{VM}/template")

    assert answer.reason == "unable to create template, because VM contains snapshots"


def test_a_clone_of_a_snapshot_has_its_bytes_and_its_options(machine: SimulatorProcess) -> None:
    before = _bytes(machine)
    _take(machine, "first")
    machine.api("PUT", f"{VM}/config", {"cores": 4})
    machine.run("POST", f"{VM}/status/start")

    machine.run("POST", f"{VM}/clone", {"newid": 5001, "snapname": "first", "full": 1})

    clone = machine.vm(5001) or {}
    assert (clone["config"]["cores"], _bytes(machine, 5001)) == (1, before)
    assert [row["name"] for row in machine.api("GET", f"{PVE1}/5001/snapshot").json()["data"]] == [
        "current"
    ]


def test_snapshots_survive_a_restart(machine: SimulatorProcess) -> None:
    _take(machine, "first")

    machine.restart()

    assert sorted(_rows(machine)) == ["current", "first"]
