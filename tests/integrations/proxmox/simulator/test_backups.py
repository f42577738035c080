from __future__ import annotations

import re
from typing import Any

import pytest

from tests.simulator import SimulatorProcess, wait_until

PVE1 = "/nodes/pve1/qemu"
VM = f"{PVE1}/5000"
CONTENT = "/nodes/pve1/storage/backup/content"
ROOT = "root@pam!adm"


@pytest.fixture
def machine(demo: SimulatorProcess) -> SimulatorProcess:
    """A stopped clone 5000."""
    demo.control("POST", "/clock", {"scale": 500})
    params = {"newid": 5000, "full": 1, "name": "web-1"}
    assert demo.run("POST", f"{PVE1}/9005/clone", params) == "OK"
    return demo


def _dump(simulator: SimulatorProcess, **params: Any) -> str:
    wanted = {"vmid": 5000, "storage": "backup", "compress": "zstd", **params}
    return simulator.run("POST", "/nodes/pve1/vzdump", wanted)


def _backups(simulator: SimulatorProcess, **params: Any) -> list[dict[str, Any]]:
    wanted = {"content": "backup", **params}
    rows: list[dict[str, Any]] = simulator.api("GET", CONTENT, wanted).json()["data"]
    return rows


def _backup(simulator: SimulatorProcess) -> str:
    assert _dump(simulator) == "OK"
    return str(_backups(simulator)[-1]["volid"])


def _bytes(simulator: SimulatorProcess, vmid: int) -> str:
    disk = f"vm-{vmid}-disk-"
    found = [v["fingerprint"] for v in simulator.state()["volumes"] if disk in v["volid"]]
    return str(found[-1])


def _log(simulator: SimulatorProcess, kind: str) -> list[str]:
    task = [t for t in simulator.state()["tasks"] if t["kind"] == kind][-1]
    return list(task["log"])


def test_a_backup_is_named_by_machine_and_time(machine: SimulatorProcess) -> None:
    _dump(machine)

    (row,) = _backups(machine)
    pattern = r"backup:backup/vzdump-qemu-5000-\d{4}(_\d\d){2}-\d\d(_\d\d){2}\.vma\.zst"
    assert re.fullmatch(pattern, row["volid"])
    assert (row["vmid"], row["format"], row["subtype"]) == (5000, "vma.zst", "qemu")


def test_notes_and_protection_are_given_at_once(machine: SimulatorProcess) -> None:
    template = "{{guestname}} of {{cluster}}\\nsecond line"

    _dump(machine, protected=1, **{"notes-template": template})

    (row,) = _backups(machine)
    assert (row["notes"], row["protected"]) == ("web-1 of paris", 1)
    whole = machine.api("GET", f"{CONTENT}/{row['volid']}").json()["data"]
    assert whole["notes"] == "web-1 of paris\nsecond line"
    assert whole["path"].startswith("/mnt/pve/backup/dump/vzdump-qemu-5000-")


def test_one_task_backs_up_many_machines(machine: SimulatorProcess) -> None:
    answer = machine.api(
        "POST", "/nodes/pve1/vzdump", {"vmid": "5000,100", "storage": "backup", "mode": "snapshot"}
    )

    upid = answer.json()["data"]
    assert upid.split(":")[5:7] == ["vzdump", ""]
    assert machine.task(upid) == "OK"
    assert [row["vmid"] for row in _backups(machine)] == [100, 5000]
    assert _log(machine, "vzdump")[-2:] == ["INFO: Backup job finished successfully", "TASK OK"]


def test_a_single_machine_names_the_task(machine: SimulatorProcess) -> None:
    _dump(machine)

    (task,) = [t for t in machine.state()["tasks"] if t["kind"] == "vzdump"]
    assert task["id"] == "5000"


def test_one_failure_does_not_keep_the_others(machine: SimulatorProcess) -> None:
    assert _dump(machine, vmid="777,5000") == "job errors"

    log = _log(machine, "vzdump")
    assert "ERROR: Backup of VM 777 failed - unable to find VM '777'" in log
    assert "INFO: Backup job finished with errors" in log
    assert [row["vmid"] for row in _backups(machine)] == [5000]


def test_machines_of_other_nodes_are_none_of_its_business(machine: SimulatorProcess) -> None:
    answer = machine.api("POST", "/nodes/pve1/vzdump", {"vmid": 101, "storage": "backup"})

    assert answer.json() == {"data": "OK"}


def test_the_machine_is_locked_meanwhile_and_its_node_busy(machine: SimulatorProcess) -> None:
    machine.control("POST", "/clock", {"scale": 1})
    first = machine.api("POST", "/nodes/pve1/vzdump", {"vmid": 5000, "storage": "backup"})
    wait_until(lambda: (machine.vm(5000) or {})["lock"] == "backup")
    second = machine.api("POST", "/nodes/pve1/vzdump", {"vmid": 100, "storage": "backup"})
    waiting = "INFO: trying to get global lock - waiting..."
    wait_until(lambda: _log(machine, "vzdump") == [waiting])
    machine.control("POST", "/clock", {"scale": 0.001})

    refused = machine.api("PUT", f"{VM}/config", {"cores": 2})

    machine.control("POST", "/clock", {"scale": 500})
    assert refused.reason == "VM is locked (backup)"
    assert [machine.task(a.json()["data"]) for a in (first, second)] == ["OK", "OK"]


def test_a_crash_leaves_the_lock(machine: SimulatorProcess) -> None:
    machine.fault("worker_crash", match={"task": "vzdump"}, at="half")

    assert _dump(machine) == "unexpected status"
    assert (machine.vm(5000) or {})["lock"] == "backup"


def test_a_running_machine_stays_up_and_a_stop_backup_brings_it_back(
    machine: SimulatorProcess,
) -> None:
    machine.run("POST", f"{VM}/status/start")
    before = _bytes(machine, 5000)

    _dump(machine)
    assert _bytes(machine, 5000) == before
    _dump(machine, mode="stop")

    assert (machine.vm(5000) or {})["status"] == "running"
    assert _bytes(machine, 5000) != before


@pytest.mark.parametrize(
    ("params", "field", "words"),
    [
        ({"vmid": ""}, "vmid", "property is missing"),
        ({"all": 1}, "all", "option conflicts with option 'vmid'"),
        ({"tmpdir": "/tmp"}, "tmpdir", "Only root may set this option."),
    ],
)
def test_wrong_combinations_are_refused_by_name(
    demo: SimulatorProcess, params: dict[str, Any], field: str, words: str
) -> None:
    wanted = {"vmid": 100, "storage": "backup", **params}
    wanted = {key: value for key, value in wanted.items() if value}

    answer = demo.api("POST", "/nodes/pve1/vzdump", wanted)

    assert (answer.status_code, answer.json()["errors"]) == (400, {field: words})


def test_a_storage_without_backups_refuses(demo: SimulatorProcess) -> None:
    answer = demo.api("POST", "/nodes/pve1/vzdump", {"vmid": 100, "storage": "ceph-vm"})

    assert answer.reason == (
        "could not get storage information for 'ceph-vm': "
        "can't use storage 'ceph-vm' for backups - wrong content type"
    )


def test_the_content_is_filtered_by_kind_and_machine(machine: SimulatorProcess) -> None:
    _dump(machine)
    _dump(machine, vmid=100)

    assert [row["vmid"] for row in _backups(machine, vmid=5000)] == [5000]
    everything = machine.api("GET", CONTENT).json()["data"]
    assert sorted(row["content"] for row in everything) == ["backup", "backup", "iso"]
    images = machine.api("GET", "/nodes/pve1/storage/ceph-vm/content", {"vmid": 5000}).json()
    assert [row["volid"] for row in images["data"]] == [
        "ceph-vm:vm-5000-cloudinit",
        "ceph-vm:vm-5000-disk-0",
    ]


def test_notes_and_protection_can_be_changed(machine: SimulatorProcess) -> None:
    volid = _backup(machine)

    machine.api("PUT", f"{CONTENT}/{volid}", {"notes": "keep", "protected": 1})

    (row,) = _backups(machine)
    assert (row["notes"], row["protected"]) == ("keep", 1)
    refused = machine.run("DELETE", f"{CONTENT}/{volid}")
    assert refused == f"cannot remove protected volume '{volid}' on 'backup'"


def test_deleting_a_backup_is_a_task(machine: SimulatorProcess) -> None:
    volid = _backup(machine)

    upid = machine.api("DELETE", f"{CONTENT}/{volid}").json()["data"]

    assert upid.split(":")[5:7] == ["imgdel", "5000@backup"]
    assert machine.task(upid) == "OK"
    assert _backups(machine) == []
    missing = machine.api("GET", f"{CONTENT}/{volid}")
    assert missing.reason == f"volume_size_info on '{volid}' failed"


def test_a_deletion_with_patience_answers_null(machine: SimulatorProcess) -> None:
    volid = _backup(machine)
    machine.control("POST", "/clock", {"scale": 5})

    assert machine.api("DELETE", f"{CONTENT}/{volid}", {"delay": 30}).json() == {"data": None}


def test_a_base_volume_with_clones_is_not_deleted(machine: SimulatorProcess) -> None:
    machine.run("POST", f"{PVE1}/9005/clone", {"newid": 5001})
    base = "ceph-vm:base-9005-disk-0"
    path = f"/nodes/pve1/storage/ceph-vm/content/{base}"

    refused = machine.run("DELETE", path, token=ROOT)

    assert refused == f"base volume '{base}' is still in use by linked cloned"


def test_a_retention_is_shown_before_it_is_carried_out(machine: SimulatorProcess) -> None:
    for _ in range(3):
        _dump(machine)
    volids = [row["volid"] for row in _backups(machine)]
    machine.api("PUT", f"{CONTENT}/{volids[0]}", {"protected": 1})
    path = "/nodes/pve1/storage/backup/prunebackups"
    wanted = {"prune-backups": "keep-last=1", "vmid": 5000}

    shown = machine.api("GET", path, wanted).json()["data"]
    assert machine.run("DELETE", path, wanted) == "OK"

    assert {row["volid"]: row["mark"] for row in shown} == {
        volids[0]: "protected",
        volids[1]: "remove",
        volids[2]: "keep",
    }
    assert [row["volid"] for row in _backups(machine)] == [volids[0], volids[2]]


def test_a_backup_prunes_its_predecessors(machine: SimulatorProcess) -> None:
    _dump(machine)

    wanted = {"vmid": 5000, "storage": "backup", "prune-backups": "keep-last=1"}
    assert machine.run("POST", "/nodes/pve1/vzdump", wanted, token=ROOT) == "OK"

    assert len(_backups(machine)) == 1


def test_a_restore_has_the_bytes_and_the_identity_of_the_backup(
    machine: SimulatorProcess,
) -> None:
    machine.run("POST", f"{VM}/status/start")
    saved, original = _bytes(machine, 5000), machine.vm(5000) or {}
    volid = _backup(machine)
    machine.run("POST", f"{VM}/status/stop")
    machine.run("POST", f"{VM}/status/start")

    params = {"vmid": 5001, "archive": volid, "storage": "local-lvm", "pool": "uhub"}
    assert machine.run("POST", PVE1, params) == "OK"

    drill = machine.vm(5001) or {}
    assert _bytes(machine, 5001) == saved != _bytes(machine, 5000)
    assert drill["config"]["scsi0"] == "local-lvm:vm-5001-disk-0,size=8G"
    assert (drill["uuid"], drill["name"], drill["pool"]) == (original["uuid"], "web-1", "uhub")
    assert drill["status"] == "stopped"


def test_a_unique_restore_is_another_machine(machine: SimulatorProcess) -> None:
    volid, original = _backup(machine), machine.vm(5000) or {}

    params = {"vmid": 5001, "archive": volid, "unique": 1, "start": 1, "name": "drill"}
    machine.run("POST", PVE1, params)

    drill = machine.vm(5001) or {}
    assert drill["uuid"] != original["uuid"]
    assert drill["config"]["net0"] != original["config"]["net0"]
    assert (drill["name"], drill["status"]) == ("drill", "running")


def test_a_restore_over_a_machine_has_to_be_forced(machine: SimulatorProcess) -> None:
    volid, saved = _backup(machine), _bytes(machine, 5000)
    machine.run("POST", f"{VM}/status/start")
    params: dict[str, Any] = {"vmid": 5000, "archive": volid}

    refused = machine.api("POST", PVE1, params)
    running = machine.api("POST", PVE1, {**params, "force": 1})
    machine.run("POST", f"{VM}/status/stop")
    assert machine.run("POST", PVE1, {**params, "force": 1}) == "OK"

    words = "unable to restore VM 5000 -"
    assert refused.reason == f"{words} VM 5000 already exists on node 'pve1'"
    assert running.reason == f"{words} vm is running"
    assert _bytes(machine, 5000) == saved
    assert len((machine.vm(5000) or {})["volumes"]) == 2


def test_a_restore_of_nothing_is_refused(demo: SimulatorProcess) -> None:
    answer = demo.api("POST", PVE1, {"vmid": 5001, "archive": "backup:backup/nope.vma.zst"})

    assert answer.reason == "volume 'backup:backup/nope.vma.zst' does not exist"


def test_a_failed_restore_leaves_nothing(machine: SimulatorProcess) -> None:
    volid = _backup(machine)
    machine.fault("storage_full", match={"storage": "ceph-vm"})

    status = machine.run("POST", PVE1, {"vmid": 5001, "archive": volid})

    assert status.startswith("unable to restore VM 5001 - unable to create image:")
    assert machine.vm(5001) is None
    assert [v for v in machine.state()["volumes"] if v["vmid"] == 5001] == []


def test_a_failed_restore_over_a_machine_leaves_its_configuration(
    machine: SimulatorProcess,
) -> None:
    volid = _backup(machine)
    machine.fault("storage_full", match={"storage": "ceph-vm"})

    status = machine.run("POST", PVE1, {"vmid": 5000, "archive": volid, "force": 1})

    left = machine.vm(5000) or {}
    assert status.startswith("unable to restore VM 5000 - unable to create image:")
    assert (left["name"], left["lock"]) == ("web-1", None)
    assert [name for name in left["volumes"] if "disk" in name] == []


def test_a_restore_keeps_what_the_backup_does_not_have_as_unused(
    machine: SimulatorProcess,
) -> None:
    volid = _backup(machine)
    machine.run("POST", f"{VM}/config", {"scsi1": "ceph-vm:1"})
    machine.run("POST", f"{VM}/snapshot", {"snapname": "before"})

    assert machine.run("POST", PVE1, {"vmid": 5000, "archive": volid, "force": 1}) == "OK"

    names = [row["name"] for row in machine.api("GET", f"{VM}/snapshot").json()["data"]]
    config = (machine.vm(5000) or {})["config"]
    assert names == ["current"]
    assert config["unused0"] == "ceph-vm:vm-5000-disk-1"
    assert "scsi1" not in config


def test_the_configuration_can_be_read_out_of_a_backup(machine: SimulatorProcess) -> None:
    volid = _backup(machine)

    answer = machine.api("GET", "/nodes/pve1/vzdump/extractconfig", {"volume": volid})

    lines = answer.json()["data"].splitlines()
    assert "name: web-1" in lines
    assert "scsi0: ceph-vm:vm-5000-disk-0,size=8G" in lines
