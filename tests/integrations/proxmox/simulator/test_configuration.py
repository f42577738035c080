from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.simulator import SimulatorProcess, wait_until

PVE1 = "/nodes/pve1/qemu"
VM = f"{PVE1}/5000"
CONFIG = f"{VM}/config"
ROOT = "root@pam!adm"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample+key ops@example.com"


@pytest.fixture
def machine(demo: SimulatorProcess) -> SimulatorProcess:
    """A stopped machine 5000 with two disks and a network card."""
    demo.control("POST", "/clock", {"scale": 300})
    params = {
        "vmid": 5000,
        "name": "web-1",
        "scsi0": "ceph-vm:4",
        "scsi1": "ceph-vm:2",
        "net0": "virtio,bridge=vmbr0",
        "ide2": "ceph-vm:cloudinit",
    }
    assert demo.run("POST", PVE1, params) == "OK"
    return demo


def _config(simulator: SimulatorProcess, **params: Any) -> dict[str, Any]:
    found: dict[str, Any] = simulator.api("GET", CONFIG, params).json()["data"]
    return found


def test_a_synchronous_change_answers_null(machine: SimulatorProcess) -> None:
    assert machine.api("PUT", CONFIG, {"cores": 2}).json() == {"data": None}
    assert _config(machine)["cores"] == 2


def test_what_is_pending_shows_unless_the_current_is_asked_for(machine: SimulatorProcess) -> None:
    machine.run("POST", f"{VM}/status/start")

    machine.api("PUT", CONFIG, {"cores": 3})

    assert _config(machine)["cores"] == 3
    assert "cores" not in _config(machine, current=1)
    rows = {row["key"]: row for row in machine.api("GET", f"{VM}/pending").json()["data"]}
    assert rows["cores"] == {"key": "cores", "pending": 3}


def test_a_pending_removal_is_marked(machine: SimulatorProcess) -> None:
    machine.api("PUT", CONFIG, {"cores": 3})
    machine.run("POST", f"{VM}/status/start")

    machine.api("PUT", CONFIG, {"delete": "cores"})

    rows = {row["key"]: row for row in machine.api("GET", f"{VM}/pending").json()["data"]}
    assert rows["cores"] == {"key": "cores", "value": 3, "delete": 1}
    machine.run("POST", f"{VM}/status/stop")
    machine.run("POST", f"{VM}/status/start")
    assert "cores" not in _config(machine)


def test_what_is_pending_can_be_taken_back(machine: SimulatorProcess) -> None:
    machine.run("POST", f"{VM}/status/start")
    machine.api("PUT", CONFIG, {"cores": 3})

    machine.api("PUT", CONFIG, {"revert": "cores"})

    assert "cores" not in _config(machine)


def test_removing_what_is_not_set_is_fine(machine: SimulatorProcess) -> None:
    assert machine.api("PUT", CONFIG, {"delete": "cores"}).json() == {"data": None}


@pytest.mark.parametrize(
    ("params", "status", "words"),
    [
        ({"boot": "order=scsi7"}, 500, "invalid bootorder: device 'scsi7' does not exist'"),
        ({"sshkeys": KEY}, 400, "sshkeys"),
        ({"sshkeys": quote("no key at all", safe="")}, 500, "SSH public key validation error"),
        ({"lock": "backup"}, 500, "only root can set 'lock' config"),
        ({"hookscript": "local:snippets/a.sh"}, 500, "only root can set 'hookscript' config"),
        ({"startup": "order=1"}, 403, "Permission check failed (/, Sys.Modify)"),
        ({"scsi2": "ceph-vm:vm-777-disk-0"}, 500, "volume 'ceph-vm:vm-777-disk-0' does not exist"),
        ({"scsi2": "/dev/sda"}, 500, "Only root can pass arbitrary filesystem paths."),
    ],
)
def test_wrong_values_are_refused(
    machine: SimulatorProcess, params: dict[str, Any], status: int, words: str
) -> None:
    answer = machine.api("PUT", CONFIG, params)

    found = ",".join(answer.json().get("errors", {})) or answer.reason
    assert (answer.status_code, found) == (status, words)


def test_keys_are_quoted_twice_and_read_back_quoted(machine: SimulatorProcess) -> None:
    quoted = quote(KEY, safe="")

    machine.api("PUT", CONFIG, {"sshkeys": quoted, "ciuser": "ops"})

    assert _config(machine)["sshkeys"] == quoted
    user = machine.api("GET", f"{VM}/cloudinit/dump", {"type": "user"}).json()["data"]
    assert f"  - {KEY}" in user.splitlines()


def test_an_address_sent_back_is_kept(machine: SimulatorProcess) -> None:
    card = _config(machine)["net0"]

    machine.api("PUT", CONFIG, {"net0": f"{card},firewall=1"})

    assert _config(machine)["net0"] == f"{card},firewall=1"


def test_a_disk_is_allocated_in_whole_gibibytes(machine: SimulatorProcess) -> None:
    machine.api("PUT", CONFIG, {"virtio0": "local-lvm:3,discard=on"})

    assert _config(machine)["virtio0"] == "local-lvm:vm-5000-disk-0,discard=on,size=3G"


def test_an_image_is_imported_with_its_size_and_bytes(machine: SimulatorProcess) -> None:
    origin = "ceph-vm:base-9005-disk-0"

    machine.api("PUT", CONFIG, {"scsi3": f"ceph-vm:0,import-from={origin}"})

    assert _config(machine)["scsi3"] == "ceph-vm:vm-5000-disk-2,size=8G"
    prints = {v["volid"]: v["fingerprint"] for v in machine.state()["volumes"]}
    assert prints["ceph-vm:vm-5000-disk-2"] == prints[origin]
    sized = machine.api("PUT", CONFIG, {"scsi4": f"ceph-vm:5,import-from={origin}"})
    assert list(sized.json()["errors"]) == ["scsi4"]


def test_protection_keeps_the_disks(machine: SimulatorProcess) -> None:
    machine.api("PUT", CONFIG, {"protection": 1})

    answer = machine.api("PUT", CONFIG, {"delete": "scsi1"})

    assert answer.reason == "can't remove drive 'scsi1' - protection mode enabled"


def test_registered_tags_are_for_the_privileged(machine: SimulatorProcess) -> None:
    machine.api("PUT", "/cluster/options", {"registered-tags": "prod"}, token=ROOT)

    refused = machine.api("PUT", CONFIG, {"tags": "prod;web"})
    allowed = machine.api("PUT", CONFIG, {"tags": "web"})

    words = "/, Sys.Modify for modifying tag 'prod'"
    assert refused.reason == f"Permission check failed ({words})"
    assert allowed.status_code == 200


def test_a_created_machine_can_start_at_once(demo: SimulatorProcess) -> None:
    assert demo.run("POST", PVE1, {"vmid": 5001, "start": 1}) == "OK"

    assert (demo.vm(5001) or {})["status"] == "running"


def test_an_id_taken_on_another_node_names_the_node(demo: SimulatorProcess) -> None:
    answer = demo.api("POST", PVE1, {"vmid": 101})

    assert answer.reason == "unable to create VM 101 - VM 101 already exists on node 'pve2'"


def test_a_missing_disk_fails_the_resize_and_not_the_call(machine: SimulatorProcess) -> None:
    status = machine.run("PUT", f"{VM}/resize", {"disk": "scsi5", "size": "10G"})

    assert status == "disk 'scsi5' does not exist"


def test_growing_by_twice_grows_twice_and_to_is_the_same_again(machine: SimulatorProcess) -> None:
    for size in ("+1G", "+1G", "8G", "8G"):
        assert machine.run("PUT", f"{VM}/resize", {"disk": "scsi0", "size": size}) == "OK"

    assert _config(machine)["scsi0"].endswith(",size=8G")


def test_a_template_does_not_start(demo: SimulatorProcess) -> None:
    status = demo.run("POST", f"{PVE1}/9005/status/start")

    assert status == "you can't start a vm if it's a template"


def test_a_second_start_fails_its_task(machine: SimulatorProcess) -> None:
    machine.run("POST", f"{VM}/status/start")

    assert machine.run("POST", f"{VM}/status/start") == "VM 5000 already running"


def test_a_stop_may_overrule_a_shutdown(machine: SimulatorProcess) -> None:
    machine.run("POST", f"{VM}/status/start")
    machine.control("POST", "/clock", {"scale": 0.5})
    shutdown = machine.api("POST", f"{VM}/status/shutdown").json()["data"]
    wait_until(lambda: len(machine.running_tasks()) == 1)

    stop = machine.api("POST", f"{VM}/status/stop", {"overrule-shutdown": 1}).json()["data"]

    machine.control("POST", "/clock", {"scale": 300})
    assert machine.task(stop) == "OK"
    assert machine.task(shutdown) == "interrupted by signal"
    assert (machine.vm(5000) or {})["status"] == "stopped"


@pytest.mark.parametrize(
    ("document", "refusal"),
    [
        ("nope:snippets/web.yml", "storage 'nope' does not exist"),
        ("local:snippets/web.yml", "volume 'local:snippets/web.yml' does not exist"),
        ("local:iso/web.iso", "local:iso/web.iso is not in the snippets directory"),
        ("ceph-vm:snippets/web.yml", "unable to parse rbd volume name 'snippets/web.yml'"),
    ],
)
def test_a_document_is_missed_when_the_disc_is_written_and_not_before(
    machine: SimulatorProcess, document: str, refusal: str
) -> None:
    answer = machine.api("PUT", CONFIG, {"cicustom": f"vendor={document}"})
    assert answer.status_code == 200
    assert machine.run("POST", f"{VM}/status/start") == refusal
    written = machine.api("PUT", f"{VM}/cloudinit")
    assert (written.status_code, written.reason) == (500, refusal)
    assert (machine.vm(5000) or {})["status"] == "stopped"


def test_a_document_is_read_where_the_machine_starts(machine: SimulatorProcess) -> None:
    document = "local:snippets/web.yml"
    machine.api("PUT", CONFIG, {"cicustom": f"user={document}"})
    machine.control("POST", "/snippet", {"volume": document, "nodes": ["pve2"]})
    assert machine.run("POST", f"{VM}/status/start") == f"volume '{document}' does not exist"
    listed = {
        node: [
            row["volid"]
            for row in machine.api(
                "GET", f"/nodes/{node}/storage/local/content", {"content": "snippets"}, token=ROOT
            ).json()["data"]
        ]
        for node in ("pve1", "pve2")
    }
    assert listed == {"pve1": [], "pve2": [document]}
    machine.control("POST", "/snippet", {"volume": document})
    assert machine.run("POST", f"{VM}/status/start") == "OK"


def test_without_a_disc_nobody_reads_the_document(machine: SimulatorProcess) -> None:
    machine.api("PUT", CONFIG, {"cicustom": "user=local:snippets/web.yml", "delete": "ide2"})
    assert machine.run("POST", f"{VM}/status/start") == "OK"


@pytest.mark.parametrize(
    "order",
    [
        {"volume": "nope:snippets/web.yml"},
        {"volume": "local:iso/web.iso"},
        {"volume": "local:snippets/web.yml", "nodes": ["pve9"]},
    ],
)
def test_a_document_is_put_on_nodes_of_its_storage_alone(
    machine: SimulatorProcess, order: dict[str, Any]
) -> None:
    with pytest.raises(RuntimeError, match=r"names no snippet|unknown nodes: pve9"):
        machine.control("POST", "/snippet", order)
