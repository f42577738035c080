from __future__ import annotations

from typing import Any

import pytest

from tests.simulator import SimulatorProcess, wait_until

PVE1 = "/nodes/pve1/qemu"
PATH = f"{PVE1}/600"


@pytest.fixture
def machine(demo: SimulatorProcess) -> SimulatorProcess:
    """A stopped machine 600 with a disk of 4 GiB."""
    values = {
        "vmid": 600, "name": "m", "memory": 1024, "cores": 1, "agent": 1,
        "scsi0": "ceph-vm:4", "ide2": "ceph-vm:cloudinit", "net0": "virtio,bridge=vmbr0",
    }  # fmt: skip
    assert demo.run("POST", PVE1, values) == "OK"
    return demo


def _config(simulator: SimulatorProcess, **params: Any) -> dict[str, Any]:
    config: dict[str, Any] = simulator.api("GET", f"{PATH}/config", params).json()["data"]
    return config


def _put(simulator: SimulatorProcess, **params: Any) -> str:
    return str(simulator.api("PUT", f"{PATH}/config", params).reason)


def test_tags_are_lowered_sorted_and_unique(machine: SimulatorProcess) -> None:
    _put(machine, tags="web;prod,web X")

    assert _config(machine)["tags"] == "prod;web;x"


def test_a_description_round_trips(machine: SimulatorProcess) -> None:
    text = "first line\n# second, ünïcode"

    _put(machine, description=text)

    assert _config(machine)["description"] == text


def test_a_card_without_address_gets_a_new_one_each_time(machine: SimulatorProcess) -> None:
    before = _config(machine)["net0"]

    _put(machine, net0="virtio,bridge=vmbr1")

    assert _config(machine)["net0"].endswith(",bridge=vmbr1")
    assert _config(machine)["net0"].split(",")[0] != before.split(",")[0]


def test_a_password_reads_back_masked(machine: SimulatorProcess) -> None:
    _put(machine, cipassword="secret", ciuser="me")

    assert (_config(machine)["cipassword"], _config(machine)["ciuser"]) == ("**********", "me")
    assert "secret" not in str(machine.log())


def test_a_stale_digest_is_refused(machine: SimulatorProcess) -> None:
    digest = _config(machine)["digest"]
    _put(machine, cores=2)

    assert _put(machine, cores=3, digest=digest) == "checksum mismatch (file change by other user?)"
    assert _config(machine)["cores"] == 2


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({}, "no options specified"),
        ({"args": "-x"}, "only root can set 'args' config"),
        ({"delete": "lock"}, "only root can set 'lock' config"),
        ({"boot": "order=scsi5"}, "invalid bootorder: device 'scsi5' does not exist'"),
        ({"scsi1": "nope:1"}, "storage 'nope' does not exist"),
        ({"sshkeys": "hello"}, "SSH public key validation error"),
    ],
)
def test_bad_changes_are_refused(
    machine: SimulatorProcess, params: dict[str, Any], reason: str
) -> None:
    assert _put(machine, **params) == reason


def test_an_unknown_option_cannot_be_deleted(machine: SimulatorProcess) -> None:
    answer = machine.api("PUT", f"{PATH}/config", {"delete": "bogus"})

    assert answer.json()["errors"] == {"delete": "unknown option 'bogus'"}


def test_a_detached_disk_is_unused_until_it_is_deleted(machine: SimulatorProcess) -> None:
    _put(machine, delete="scsi0")
    assert _config(machine)["unused0"] == "ceph-vm:vm-600-disk-0"

    _put(machine, delete="unused0")

    vm = machine.vm(600)
    assert vm is not None
    assert vm["volumes"] == ["ceph-vm:vm-600-cloudinit"]


def test_an_asynchronous_change_is_a_task(machine: SimulatorProcess) -> None:
    assert machine.run("POST", f"{PATH}/config", {"scsi1": "ceph-vm:2"}) == "OK"
    assert _config(machine)["scsi1"] == "ceph-vm:vm-600-disk-1,size=2G"


def test_a_quick_background_change_answers_null(machine: SimulatorProcess) -> None:
    answer = machine.api("POST", f"{PATH}/config", {"cores": 2, "background_delay": 30})

    assert answer.json() == {"data": None}
    assert _config(machine)["cores"] == 2


@pytest.mark.parametrize(
    ("size", "status", "stored"),
    [
        ("+2G", "OK", "size=6G"),
        ("10G", "OK", "size=10G"),
        ("4G", "OK", "size=4G"),
        ("2G", "shrinking disks is not supported", "size=4G"),
    ],
)
def test_disks_grow_and_never_shrink(
    machine: SimulatorProcess, size: str, status: str, stored: str
) -> None:
    assert machine.run("PUT", f"{PATH}/resize", {"disk": "scsi0", "size": size}) == status
    assert _config(machine)["scsi0"].endswith(stored)


def test_changes_of_a_running_machine_wait_for_its_next_start(machine: SimulatorProcess) -> None:
    machine.run("POST", f"{PATH}/status/start")
    _put(machine, memory=2048, name="renamed")

    rows = {row["key"]: row for row in machine.api("GET", f"{PATH}/pending").json()["data"]}
    assert rows["memory"] == {"key": "memory", "value": "1024", "pending": "2048"}
    assert rows["name"]["value"] == "renamed"
    assert (_config(machine)["memory"], _config(machine, current=1)["memory"]) == ("2048", "1024")

    machine.run("POST", f"{PATH}/status/stop")
    machine.run("POST", f"{PATH}/status/start")
    assert _config(machine, current=1)["memory"] == "2048"


def test_stopping_twice_is_fine(machine: SimulatorProcess) -> None:
    machine.run("POST", f"{PATH}/status/start")

    assert machine.run("POST", f"{PATH}/status/stop") == "OK"
    assert machine.run("POST", f"{PATH}/status/stop") == "OK"


def test_an_impatient_shutdown_fails_and_force_helps(machine: SimulatorProcess) -> None:
    machine.run("POST", f"{PATH}/status/start")
    path = f"{PATH}/status/shutdown"

    assert machine.run("POST", path, {"timeout": 1}) == "VM quit/powerdown failed - got timeout"
    assert machine.run("POST", path, {"timeout": 1, "forceStop": 1}) == "OK"


@pytest.mark.parametrize("verb", ["reboot", "reset"])
def test_a_stopped_machine_cannot_be_restarted(machine: SimulatorProcess, verb: str) -> None:
    assert machine.api("POST", f"{PATH}/status/{verb}").reason == "VM 600 not running"


def test_a_reboot_task_ends_before_the_machine_is_back(machine: SimulatorProcess) -> None:
    machine.run("POST", f"{PATH}/status/start")

    assert machine.run("POST", f"{PATH}/status/reboot") == "OK"

    def is_running() -> bool:
        row = machine.api("GET", f"{PATH}/status/current").json()["data"]
        return bool(row["status"] == "running")

    wait_until(is_running)


def test_a_stop_after_a_reboot_stays_a_stop(machine: SimulatorProcess) -> None:
    machine.run("POST", f"{PATH}/status/start")
    machine.run("POST", f"{PATH}/status/reboot")
    machine.run("POST", f"{PATH}/status/stop")

    machine.control("POST", "/clock", {"scale": 1000})
    machine.run("PUT", f"{PATH}/resize", {"disk": "scsi0", "size": "4G"})
    machine.run("PUT", f"{PATH}/resize", {"disk": "scsi0", "size": "4G"})

    vm = machine.vm(600)
    assert vm is not None
    assert vm["status"] == "stopped"


def test_protection_prevents_destroying(machine: SimulatorProcess) -> None:
    _put(machine, protection=1)

    answer = machine.api("DELETE", PATH)

    assert answer.reason == "can't remove VM 600 - protection mode enabled"


def test_the_agent_tells_the_static_address(machine: SimulatorProcess) -> None:
    _put(machine, ipconfig0="ip=10.9.8.7/24,gw=10.9.8.1")
    machine.run("POST", f"{PATH}/status/start")
    path = f"{PATH}/agent/network-get-interfaces"
    wait_until(lambda: machine.api("GET", path).status_code == 200)

    found = machine.api("GET", path).json()["data"]["result"]

    assert [card["name"] for card in found] == ["lo", "eth0"]
    assert found[1]["ip-addresses"][0]["ip-address"] == "10.9.8.7"


@pytest.mark.parametrize(
    ("vmid", "reason"),
    [(600, "VM 600 is not running"), (100, "No QEMU guest agent configured")],
)
def test_there_is_no_agent_to_talk_to(machine: SimulatorProcess, vmid: int, reason: str) -> None:
    assert machine.api("POST", f"{PVE1}/{vmid}/agent/ping").reason == reason


def test_the_cluster_learns_a_name_with_delay(demo: SimulatorProcess) -> None:
    def row() -> dict[str, Any]:
        rows = demo.api("GET", "/cluster/resources", {"type": "vm"}).json()["data"]
        return next(row for row in rows if row["vmid"] == 601)

    demo.control("POST", "/clock", {"scale": 0.01})
    demo.foreign_vm(601, name="late")
    assert ("name" in row(), row()["status"]) == (False, "unknown")

    demo.control("POST", "/clock", {"scale": 100})
    wait_until(lambda: "name" in row())
    assert (row()["name"], row()["status"]) == ("late", "stopped")
