from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulator import ROOT, SimulatorProcess, wait_until

PVE1 = "/nodes/pve1/qemu"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[SimulatorProcess]:
    """A process of its own, to be restarted."""
    with SimulatorProcess(fixture="demo", time_scale=50, state=tmp_path) as process:
        yield process


def test_a_restart_keeps_machines_certificate_and_ports(own: SimulatorProcess) -> None:
    own.run("POST", f"{PVE1}/9005/clone", {"newid": 5000, "name": "web-1"})
    before = (own.url, own.control_url, own.fingerprint, own.vm(5000))

    own.restart()

    assert (own.url, own.control_url, own.fingerprint, own.vm(5000)) == before


@pytest.mark.parametrize("kill", [False, True])
def test_running_tasks_die_with_the_program(own: SimulatorProcess, kill: bool) -> None:
    own.control("POST", "/storage", {"name": "ceph-vm", "copy_base_s": 60_000.0})
    upid = own.api("POST", f"{PVE1}/9005/clone", {"newid": 5000, "full": 1}).json()["data"]
    wait_until(lambda: len((own.vm(5000) or {"volumes": []})["volumes"]) == 2)
    wait_until(lambda: "vm-5000-disk-0" in (own.state_dir / "state.json").read_text())

    own.restart(kill=kill)

    vm = own.vm(5000)
    assert vm is not None
    assert own.task(upid) == "unexpected status"
    assert (vm["lock"], vm["volumes"]) == (
        "clone",
        ["ceph-vm:vm-5000-cloudinit", "ceph-vm:vm-5000-disk-0"],
    )


def test_a_mutation_is_on_disk_before_it_is_answered(own: SimulatorProcess) -> None:
    own.run("POST", PVE1, {"vmid": 600})
    own.api("PUT", f"{PVE1}/600/config", {"name": "kept"})

    own.restart(kill=True)

    assert own.vm(600)["name"] == "kept"  # type: ignore[index]


def test_sigterm_ends_it_cleanly(own: SimulatorProcess) -> None:
    assert own.stop() == 0


def test_two_simulators_are_two_clusters(own: SimulatorProcess, demo: SimulatorProcess) -> None:
    own.run("POST", f"{PVE1}/9005/clone", {"newid": 5000})

    assert own.vm(5000) is not None
    assert demo.vm(5000) is None
    assert own.fingerprint != demo.fingerprint


def test_help_explains_every_option() -> None:
    command = [sys.executable, "-m", "integrations.proxmox.simulator", "--help"]

    text = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    options = ("--host", "--port", "--control-port", "--state", "--fixture", "--time-scale")
    assert [option for option in options if option not in text] == []


def test_the_demo_has_its_templates_and_strangers(demo: SimulatorProcess) -> None:
    names = {vm["vmid"]: vm["name"] for vm in demo.state()["vms"]}

    assert names == {
        9001: "turnkey-pbx", 9002: "windows-support", 9003: "linux-utility", 9004: "ubuntu",
        9005: "debian", 9006: "wordpress", 9007: "laravel", 9008: "node",
        100: "mail-gateway", 101: "legacy-erp",
    }  # fmt: skip


def test_the_empty_cluster_has_no_machines(demo: SimulatorProcess) -> None:
    demo.reset("empty")

    assert demo.state()["vms"] == []


def test_the_log_counts_every_request_with_its_answer(demo: SimulatorProcess) -> None:
    before = demo.log_position()

    demo.api("GET", "/version")
    demo.api("DELETE", f"{PVE1}/777", {"purge": 1})

    entries = demo.log(before)
    shown = [
        (entry["n"] - before, entry["method"], entry["path"], entry["params"], entry["status"])
        for entry in entries
    ]
    assert shown == [
        (1, "GET", "/version", {}, 200),
        (2, "DELETE", f"{PVE1}/777", {"purge": "1"}, 500),
    ]
    assert {entry["token"] for entry in entries} == {"uhub@pve!portal"}


def test_the_clock_can_be_changed_while_something_runs(demo: SimulatorProcess) -> None:
    demo.control("POST", "/clock", {"scale": 0.01})
    upid = demo.api("POST", f"{PVE1}/9005/clone", {"newid": 5000}).json()["data"]

    demo.control("POST", "/clock", {"scale": 100})

    assert demo.task(upid) == "OK"


def test_an_operator_can_unlock_switch_and_remove(demo: SimulatorProcess) -> None:
    demo.fault("worker_crash", match={"task": "qmclone"})
    demo.run("POST", f"{PVE1}/9005/clone", {"newid": 5000})

    assert demo.control("POST", "/unlock", {"vmid": 5000})["lock"] is None
    assert (
        demo.control("POST", "/power", {"vmid": 5000, "status": "running"})["status"] == "running"
    )
    demo.control("POST", "/remove-vm", {"vmid": 5000})
    assert demo.vm(5000) is None


def test_the_management_command_needs_no_configuration() -> None:
    command = [sys.executable, "manage.py", "proxmox_simulator", "--help"]
    bare = {"PATH": "/usr/bin:/bin"}

    text = subprocess.run(
        command, cwd=ROOT, env=bare, capture_output=True, text=True, check=True
    ).stdout

    assert "--time-scale" in text


def test_a_taken_port_is_named_and_ends_the_program(demo: SimulatorProcess, tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "integrations.proxmox.simulator", "--port", str(demo.port),
        "--control-port", "0", "--state", str(tmp_path),
    ]  # fmt: skip

    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert "Address already in use" in ended.stderr
