from __future__ import annotations

from typing import Any

import pytest

from tests.simulator import SimulatorProcess, wait_until

PVE1 = "/nodes/pve1/qemu"
VM = f"{PVE1}/5000"
ROOT = "root@pam!adm"


@pytest.fixture
def machine(demo: SimulatorProcess) -> SimulatorProcess:
    """A stopped machine 5000 with one disk."""
    demo.control("POST", "/clock", {"scale": 300})
    params = {"vmid": 5000, "name": "web-1", "tags": "web", "scsi0": "ceph-vm:4", "cores": 2}
    net = {"net0": "virtio,bridge=vmbr0", "ide2": "ceph-vm:cloudinit", "ciuser": "ops"}
    assert demo.run("POST", PVE1, {**params, **net}) == "OK"
    return demo


def _volumes(simulator: SimulatorProcess, vmid: int) -> list[str]:
    return [v["volid"] for v in simulator.state()["volumes"] if v["vmid"] == vmid]


def test_a_running_machine_is_not_destroyed(machine: SimulatorProcess) -> None:
    machine.run("POST", f"{VM}/status/start")

    assert machine.api("DELETE", VM).reason == "VM 5000 is running - destroy failed"


def test_the_second_destruction_finds_nothing(machine: SimulatorProcess) -> None:
    assert machine.run("DELETE", VM) == "OK"

    answer = machine.api("DELETE", VM)

    assert answer.reason == "Configuration file 'nodes/pve1/qemu-server/5000.conf' does not exist"


def test_a_zombie_holds_the_id_until_the_disks_are_gone(machine: SimulatorProcess) -> None:
    machine.control("POST", "/storage", {"name": "ceph-vm", "alloc_s": 5.0})
    machine.control("POST", "/clock", {"scale": 1})
    upid = machine.api("DELETE", VM).json()["data"]
    wait_until(lambda: (machine.vm(5000) or {"lock": None})["lock"] == "destroyed")
    machine.control("POST", "/clock", {"scale": 0.001})

    taken = machine.api("GET", "/cluster/nextid", {"vmid": 5000})
    started = machine.api("POST", f"{VM}/status/start").json()["data"]

    assert taken.json()["errors"] == {"vmid": "VM 5000 already exists"}
    machine.control("POST", "/clock", {"scale": 300})
    assert machine.task(upid) == "OK"
    missing = "Configuration file 'nodes/pve1/qemu-server/5000.conf' does not exist"
    assert machine.task(started) == missing


def test_disks_nobody_refers_to_stay_unless_asked_for(machine: SimulatorProcess) -> None:
    stray = {"vmid": 5000, "filename": "vm-5000-disk-9", "size": "1G"}
    machine.api("POST", "/nodes/pve1/storage/ceph-vm/content", stray, token=ROOT)

    machine.run("DELETE", VM)
    assert _volumes(machine, 5000) == ["ceph-vm:vm-5000-disk-9"]
    machine.run("POST", PVE1, {"vmid": 5000})
    machine.run("DELETE", VM, {"destroy-unreferenced-disks": 1})

    assert _volumes(machine, 5000) == []


def test_rights_on_the_machine_go_with_it(machine: SimulatorProcess) -> None:
    right = {"path": "/vms/5000", "users": "uhub@pve", "roles": "UHub"}
    machine.api("PUT", "/access/acl", right, token=ROOT)

    machine.run("DELETE", VM)

    rows = machine.api("GET", "/access/acl", token=ROOT).json()["data"]
    assert [row["path"] for row in rows if row["path"].startswith("/vms")] == []


def test_an_orphan_is_in_the_way_of_the_next_owner_of_the_id(machine: SimulatorProcess) -> None:
    machine.fault("task_warnings", match={"task": "qmdestroy"})
    assert machine.run("DELETE", VM) == "WARNINGS: 1"
    assert _volumes(machine, 5000) == ["ceph-vm:vm-5000-cloudinit"]

    status = machine.run("POST", PVE1, {"vmid": 5000, "ide2": "ceph-vm:cloudinit"})

    assert status == (
        "unable to create VM 5000 - unable to create image: "
        "volume 'ceph-vm:vm-5000-cloudinit' already exists"
    )


def test_a_clone_takes_tags_and_seed_but_no_snapshots_and_nothing_pending(
    machine: SimulatorProcess,
) -> None:
    machine.run("POST", f"{VM}/snapshot", {"snapname": "first"})
    machine.run("POST", f"{VM}/status/start")
    machine.api("PUT", f"{VM}/config", {"cores": 4})
    machine.run("POST", f"{VM}/status/stop")

    assert machine.run("POST", f"{VM}/clone", {"newid": 5001}) == "OK"

    clone = machine.vm(5001) or {}
    original = machine.vm(5000) or {}
    assert (clone["config"]["tags"], clone["config"]["ciuser"]) == ("web", "ops")
    assert (clone["config"]["cores"], clone["pending"]) == (2, {})
    assert "parent" not in clone["config"]
    assert clone["config"]["net0"] != original["config"]["net0"]
    assert clone["name"] == "Copy-of-VM-web-1"


def test_a_plain_machine_is_always_copied_in_full(machine: SimulatorProcess) -> None:
    refused = machine.api("POST", f"{VM}/clone", {"newid": 5001, "full": 0})
    assert refused.reason.startswith("Linked clone feature is not supported for")

    machine.run("POST", f"{VM}/clone", {"newid": 5001})

    assert "ceph-vm:vm-5001-disk-0" in _volumes(machine, 5001)


def test_a_thick_storage_has_no_linked_clones(demo: SimulatorProcess) -> None:
    new = {"storage": "thick", "type": "lvm", "vgname": "vg0", "content": "images"}
    demo.api("POST", "/storage", new, token=ROOT)
    demo.run("POST", PVE1, {"vmid": 5000, "scsi0": "thick:1"}, token=ROOT)
    demo.run("POST", f"{VM}/template", token=ROOT)

    linked = demo.api("POST", f"{VM}/clone", {"newid": 5001}, token=ROOT)

    assert linked.status_code == 500
    assert linked.reason.startswith("Linked clone feature is not supported for 'thick:base-5000")
    assert demo.run("POST", f"{VM}/clone", {"newid": 5001, "full": 1}, token=ROOT) == "OK"


@pytest.mark.parametrize(
    ("method", "path", "params"),
    [
        ("POST", "/nodes/pve2/qemu/9005/clone", {"newid": 5001}),
        ("POST", "/nodes/pve2/qemu/9005/status/shutdown", {}),
        ("POST", "/nodes/pve2/qemu/9005/status/reboot", {}),
    ],
)
def test_the_wrong_node_does_not_find_a_machine(
    demo: SimulatorProcess, method: str, path: str, params: dict[str, Any]
) -> None:
    answer = demo.api(method, path, params)

    assert answer.reason == "unable to find configuration file for VM 9005 on node 'pve2'"
