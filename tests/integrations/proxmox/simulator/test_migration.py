from __future__ import annotations

from typing import Any

import pytest

from tests.simulator import SimulatorProcess, wait_until

PVE1 = "/nodes/pve1/qemu"
VM = f"{PVE1}/5000"


@pytest.fixture
def machine(demo: SimulatorProcess) -> SimulatorProcess:
    """A stopped clone 5000 on shared storage."""
    demo.control("POST", "/clock", {"scale": 300})
    assert demo.run("POST", f"{PVE1}/9005/clone", {"newid": 5000, "full": 1}) == "OK"
    return demo


@pytest.fixture
def local(demo: SimulatorProcess) -> SimulatorProcess:
    """A stopped machine 5000 with a disk only its node can see."""
    demo.control("POST", "/clock", {"scale": 300})
    assert demo.run("POST", PVE1, {"vmid": 5000, "scsi0": "local-lvm:4"}) == "OK"
    return demo


def _migrate(simulator: SimulatorProcess, **params: Any) -> str:
    return simulator.run("POST", f"{VM}/migrate", {"target": "pve2", **params})


def _log(simulator: SimulatorProcess) -> str:
    (task,) = [t for t in simulator.state()["tasks"] if t["kind"] == "qmmigrate"]
    return "\n".join(task["log"])


def test_the_configuration_moves_and_the_disks_stay(machine: SimulatorProcess) -> None:
    before = (machine.vm(5000) or {})["volumes"]

    assert _migrate(machine) == "OK"

    vm = machine.vm(5000) or {}
    assert (vm["node"], vm["lock"], vm["volumes"]) == ("pve2", None, before)
    gone = machine.api("GET", f"{VM}/config")
    assert gone.reason == "Configuration file 'nodes/pve1/qemu-server/5000.conf' does not exist"


def test_a_running_machine_moves_alive_when_asked_to(machine: SimulatorProcess) -> None:
    machine.run("POST", f"{VM}/status/start")

    refused = machine.api("POST", f"{VM}/migrate", {"target": "pve2"})
    assert _migrate(machine, online=1) == "OK"

    assert refused.reason == "can't migrate running VM without --online"
    vm = machine.vm(5000) or {}
    assert (vm["node"], vm["status"]) == ("pve2", "running")
    assert "migration finished successfully" in _log(machine)


def test_the_lock_is_held_meanwhile(machine: SimulatorProcess) -> None:
    machine.control("POST", "/clock", {"scale": 1})
    upid = machine.api("POST", f"{VM}/migrate", {"target": "pve2"}).json()["data"]
    wait_until(lambda: (machine.vm(5000) or {})["lock"] == "migrate")
    machine.control("POST", "/clock", {"scale": 0.001})

    refused = machine.api("PUT", f"{VM}/config", {"cores": 2})

    assert refused.reason == "VM is locked (migrate)"
    machine.control("POST", "/clock", {"scale": 300})
    assert machine.task(upid) == "OK"


def test_local_disks_of_a_running_machine_stop_it(local: SimulatorProcess) -> None:
    local.run("POST", f"{VM}/status/start")

    assert _migrate(local, online=1) == "migration aborted"
    assert "can't live migrate attached local disks without with-local-disks option" in _log(local)
    vm = local.vm(5000) or {}
    assert (vm["node"], vm["lock"]) == ("pve1", None)


def test_local_disks_go_along_with_their_bytes(local: SimulatorProcess) -> None:
    local.run("POST", f"{VM}/status/start")
    (before,) = [v for v in local.state()["volumes"] if v["vmid"] == 5000]

    assert _migrate(local, online=1, targetstorage="ceph-vm", **{"with-local-disks": 1}) == "OK"

    (after,) = [v for v in local.state()["volumes"] if v["vmid"] == 5000]
    assert (after["volid"], after["node"]) == ("ceph-vm:vm-5000-disk-0", "")
    assert after["fingerprint"] == before["fingerprint"]
    assert (local.vm(5000) or {})["config"]["scsi0"] == "ceph-vm:vm-5000-disk-0,size=4G"


def test_local_disks_of_a_stopped_machine_are_copied(local: SimulatorProcess) -> None:
    assert _migrate(local) == "OK"

    (volume,) = [v for v in local.state()["volumes"] if v["vmid"] == 5000]
    assert (volume["volid"], volume["node"]) == ("local-lvm:vm-5000-disk-0", "pve2")


def test_the_preview_names_nodes_and_local_disks(local: SimulatorProcess) -> None:
    found = local.api("GET", f"{VM}/migrate").json()["data"]

    assert (found["running"], found["allowed_nodes"]) == (0, ["pve2", "pve3"])
    assert [disk["volid"] for disk in found["local_disks"]] == ["local-lvm:vm-5000-disk-0"]


@pytest.mark.parametrize(
    ("params", "status", "words"),
    [
        ({"target": "pve1"}, 400, {"target": "target is local node."}),
        ({"target": "pve9"}, 500, "no such cluster node 'pve9'"),
        ({"target": "pve2", "targetstorage": "nope"}, 500, "storage 'nope' does not exist"),
    ],
)
def test_wrong_targets_are_refused_at_once(
    machine: SimulatorProcess, params: dict[str, Any], status: int, words: Any
) -> None:
    answer = machine.api("POST", f"{VM}/migrate", params)

    found = answer.json().get("errors") or answer.reason
    assert (answer.status_code, found) == (status, words)


def test_a_target_that_is_down_aborts(machine: SimulatorProcess) -> None:
    machine.fault("node_down", node="pve2")

    assert _migrate(machine) == "migration aborted"


def test_a_disk_moves_to_another_storage(machine: SimulatorProcess) -> None:
    params = {"disk": "scsi0", "storage": "local-lvm"}

    assert machine.run("POST", f"{VM}/move_disk", params) == "OK"

    config = (machine.vm(5000) or {})["config"]
    assert config["scsi0"] == "local-lvm:vm-5000-disk-0,size=8G"
    assert config["unused0"] == "ceph-vm:vm-5000-disk-0"
    prints = {v["fingerprint"] for v in machine.state()["volumes"] if v["vmid"] == 5000}
    assert prints == {"template-debian:0", "blank:0"}


def test_a_moved_disk_can_leave_nothing_behind(machine: SimulatorProcess) -> None:
    params = {"disk": "scsi0", "storage": "local-lvm", "delete": 1}

    assert machine.run("POST", f"{VM}/move_disk", params) == "OK"

    vm = machine.vm(5000) or {}
    assert "ceph-vm:vm-5000-disk-0" not in vm["volumes"]
    assert "unused0" not in vm["config"]


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"disk": "scsi1", "storage": "local-lvm"}, "disk 'scsi1' does not exist"),
        (
            {"disk": "scsi0", "storage": "ceph-vm"},
            "you can't move to the same storage with same format",
        ),
        ({"disk": "scsi0", "storage": "nope"}, "storage 'nope' does not exist"),
    ],
)
def test_wrong_moves_are_refused_at_once(
    machine: SimulatorProcess, params: dict[str, Any], reason: str
) -> None:
    answer = machine.api("POST", f"{VM}/move_disk", params)

    assert (answer.status_code, answer.reason) == (500, reason)


def test_a_disk_with_snapshots_is_not_deleted_by_a_move(machine: SimulatorProcess) -> None:
    machine.run("POST", f"{VM}/snapshot", {"snapname": "first"})

    params = {"disk": "scsi0", "storage": "local-lvm", "delete": 1}
    answer = machine.api("POST", f"{VM}/move_disk", params)

    assert answer.reason == "you can't move a disk with snapshots and delete the source"


def test_a_disk_changes_hands(machine: SimulatorProcess) -> None:
    machine.run("POST", PVE1, {"vmid": 5001})

    params = {"disk": "scsi0", "target-vmid": 5001, "target-disk": "scsi2"}
    assert machine.run("POST", f"{VM}/move_disk", params) == "OK"

    assert "scsi0" not in (machine.vm(5000) or {})["config"]
    assert (machine.vm(5001) or {})["config"]["scsi2"] == "ceph-vm:vm-5001-disk-0,size=8G"


def test_unlinking_detaches_and_force_frees(machine: SimulatorProcess) -> None:
    machine.api("PUT", f"{VM}/unlink", {"idlist": "scsi0"})
    assert (machine.vm(5000) or {})["config"]["unused0"] == "ceph-vm:vm-5000-disk-0"

    machine.api("PUT", f"{VM}/unlink", {"idlist": "unused0", "force": 1})

    assert (machine.vm(5000) or {})["volumes"] == ["ceph-vm:vm-5000-cloudinit"]


@pytest.mark.parametrize(("vmid", "name", "able"), [
    (5000, "snapshot", 1), (5000, "clone", 0), (5000, "copy", 1), (9005, "clone", 1),
])  # fmt: skip
def test_features_depend_on_the_storage(
    machine: SimulatorProcess, vmid: int, name: str, able: int
) -> None:
    found = machine.api("GET", f"{PVE1}/{vmid}/feature", {"feature": name}).json()["data"]

    assert found == {"hasFeature": able, "nodes": ["pve1", "pve2", "pve3"] if able else []}


def test_a_paused_machine_does_not_shut_down(machine: SimulatorProcess) -> None:
    machine.run("POST", f"{VM}/status/start")

    assert machine.run("POST", f"{VM}/status/suspend") == "OK"

    current = machine.api("GET", f"{VM}/status/current").json()["data"]
    assert (current["status"], current["qmpstatus"]) == ("running", "paused")
    refused = machine.api("POST", f"{VM}/status/shutdown")
    assert refused.reason == "VM is paused - cannot shutdown"
    machine.run("POST", f"{VM}/status/resume")
    assert machine.run("POST", f"{VM}/status/shutdown") == "OK"


def test_a_machine_sleeps_on_disk_and_wakes_by_a_start(machine: SimulatorProcess) -> None:
    machine.run("POST", f"{VM}/status/start")

    assert machine.run("POST", f"{VM}/status/suspend", {"todisk": 1}) == "OK"

    vm = machine.vm(5000) or {}
    assert (vm["status"], vm["lock"]) == ("stopped", "suspended")
    assert machine.run("POST", f"{VM}/status/start") == "OK"
    vm = machine.vm(5000) or {}
    assert (vm["status"], vm["lock"], len(vm["volumes"])) == ("running", None, 2)


def test_the_seed_shows_what_is_pending_until_it_is_written(machine: SimulatorProcess) -> None:
    machine.api("PUT", f"{VM}/config", {"ciuser": "ops", "ipconfig0": "ip=10.0.0.5/24"})
    rows = {r["key"]: r for r in machine.api("GET", f"{VM}/cloudinit").json()["data"]}
    assert rows["ciuser"] == {"key": "ciuser", "pending": "ops"}

    machine.api("PUT", f"{VM}/cloudinit")

    rows = {r["key"]: r for r in machine.api("GET", f"{VM}/cloudinit").json()["data"]}
    assert rows["ciuser"] == {"key": "ciuser", "value": "ops"}
    user = machine.api("GET", f"{VM}/cloudinit/dump", {"type": "user"}).json()["data"]
    assert "user: ops" in user.splitlines()
    network = machine.api("GET", f"{VM}/cloudinit/dump", {"type": "network"}).json()["data"]
    assert "        address: '10.0.0.5/24'" in network.splitlines()
