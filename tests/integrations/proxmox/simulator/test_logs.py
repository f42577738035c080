"""What tasks say while they work: the lines of the original."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator import SimulatorProcess, wait_until

PVE1 = "/nodes/pve1/qemu"
TOKEN = "prov@pve!full"


def _log(simulator: SimulatorProcess, method: str, path: str, params: dict[str, Any]) -> list[str]:
    upid = simulator.api(method, path, params, token=TOKEN).json()["data"]
    simulator.task(upid, token=TOKEN)
    lines = simulator.api("GET", f"/nodes/pve1/tasks/{upid}/log", {"limit": 0}, token=TOKEN)
    return [line["t"] for line in lines.json()["data"]]


@pytest.fixture
def machine(wire: SimulatorProcess) -> SimulatorProcess:
    """A stopped machine 600 with a disk of 1 GiB."""
    wire.run("POST", PVE1, {"vmid": 600, "scsi0": "local:1,format=qcow2"}, token=TOKEN)
    return wire


def test_a_change_as_a_task_begins_with_what_was_asked(machine: SimulatorProcess) -> None:
    values = {"name": "web", "cores": 2, "cipassword": "secret"}

    log = _log(machine, "POST", f"{PVE1}/600/config", values)

    assert log == ["update VM 600: -cipassword <hidden> -cores 2 -name web", "TASK OK"]


@pytest.mark.parametrize(
    ("values", "log"),
    [
        ({"disk": "scsi0", "size": "+1G"}, ["Image resized.", "TASK OK"]),
        ({"disk": "scsi0", "size": "1G"}, ["TASK OK"]),
        (
            {"disk": "scsi0", "size": "512M"},
            ["TASK ERROR: shrinking disks is not supported"],
        ),
        ({"disk": "scsi7", "size": "2G"}, ["TASK ERROR: disk 'scsi7' does not exist"]),
    ],
)
def test_a_resize_says_what_became_of_it(
    machine: SimulatorProcess, values: dict[str, str], log: list[str]
) -> None:
    assert _log(machine, "PUT", f"{PVE1}/600/resize", values) == log


@pytest.mark.parametrize(
    ("params", "log"),
    [
        ({}, ["TASK OK"]),
        ({"purge": 1}, ["purging VM 600 from related configurations..", "TASK OK"]),
    ],
)
def test_a_destroy_tells_of_the_purge(
    machine: SimulatorProcess, params: dict[str, int], log: list[str]
) -> None:
    assert _log(machine, "DELETE", f"{PVE1}/600", params) == log


def test_a_stop_names_the_shutdown_it_overrules(machine: SimulatorProcess) -> None:
    machine.run("POST", f"{PVE1}/600/status/start", token=TOKEN)
    machine.control("POST", "/clock", {"scale": 0.1})
    upid = machine.api("POST", f"{PVE1}/600/status/shutdown", token=TOKEN).json()["data"]
    machine.control("POST", "/clock", {"scale": 2})
    wait_until(lambda: "qmshutdown" in {task["kind"] for task in machine.running_tasks()})

    log = _log(machine, "POST", f"{PVE1}/600/status/stop", {"overrule-shutdown": 1})
    machine.control("POST", "/clock", {"scale": 50})

    assert log == [f"overruled qmshutdown tasks: {upid}", "TASK OK"]
