from __future__ import annotations

import time
from typing import Any

import pytest

from tests.simulator import SimulatorProcess, wait_until

PVE1 = "/nodes/pve1/qemu"
AGENT = f"{PVE1}/5000/agent"


@pytest.fixture
def guest(demo: SimulatorProcess) -> SimulatorProcess:
    """A running clone 5000 whose agent answers."""
    demo.control("POST", "/clock", {"scale": 300})
    params = {"newid": 5000, "full": 1, "name": "web-1"}
    assert demo.run("POST", f"{PVE1}/9005/clone", params) == "OK"
    assert demo.run("POST", f"{PVE1}/5000/status/start") == "OK"
    wait_until(lambda: demo.api("POST", f"{AGENT}/ping").ok)
    return demo


def _run(simulator: SimulatorProcess, *command: str, **params: Any) -> dict[str, Any]:
    answer = simulator.api("POST", f"{AGENT}/exec", {"command": list(command), **params})
    pid = answer.json()["data"]["pid"]
    found: dict[str, Any] = {}

    def has_exited() -> bool:
        found.update(simulator.api("GET", f"{AGENT}/exec-status", {"pid": pid}).json()["data"])
        return bool(found["exited"])

    wait_until(has_exited)
    return found


def _result(simulator: SimulatorProcess, method: str, name: str) -> Any:
    return simulator.api(method, f"{AGENT}/{name}").json()["data"]["result"]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["echo", "a", "b"], {"exited": 1, "exitcode": 0, "out-data": "a b\n"}),
        (["hostname"], {"exited": 1, "exitcode": 0, "out-data": "web-1\n"}),
        (["false"], {"exited": 1, "exitcode": 1}),
        (
            ["bash", "-c", "set -e\necho installed\n"],
            {"exited": 1, "exitcode": 0, "out-data": "installed\n"},
        ),
        (
            ["sh", "-c", "exit 3"],
            {"exited": 1, "exitcode": 3, "err-data": "script failed with status 3\n"},
        ),
        (
            ["cat", "/nope"],
            {"exited": 1, "exitcode": 1, "err-data": "cat: /nope: No such file or directory\n"},
        ),
    ],
)
def test_commands_end_as_one_would_expect(
    guest: SimulatorProcess, command: list[str], expected: dict[str, Any]
) -> None:
    assert _run(guest, *command) == expected


def test_a_script_takes_its_time(guest: SimulatorProcess) -> None:
    guest.control("POST", "/clock", {"scale": 5})
    wait_until(lambda: guest.api("POST", f"{AGENT}/ping").ok)
    answer = guest.api("POST", f"{AGENT}/exec", {"command": ["sh", "-c", "echo done"]})

    status = guest.api("GET", f"{AGENT}/exec-status", {"pid": answer.json()["data"]["pid"]})

    assert status.json()["data"] == {"exited": 0}


def test_a_program_reads_what_it_is_given(guest: SimulatorProcess) -> None:
    assert _run(guest, "cat", **{"input-data": "hello"})["out-data"] == "hello"


def test_an_unknown_program_is_refused_by_the_guest(guest: SimulatorProcess) -> None:
    answer = guest.api("POST", f"{AGENT}/exec", {"command": ["nope"]})

    assert answer.status_code == 500
    assert 'Failed to execute child process "nope"' in answer.reason


def test_an_unknown_process_does_not_exist(guest: SimulatorProcess) -> None:
    answer = guest.api("GET", f"{AGENT}/exec-status", {"pid": 1})

    assert answer.reason == "Agent error: PID 1 does not exist"


def test_files_are_written_read_and_run(guest: SimulatorProcess) -> None:
    path = "/root/setup.sh"
    guest.api("POST", f"{AGENT}/file-write", {"file": path, "content": "echo ready\n"})

    read = guest.api("GET", f"{AGENT}/file-read", {"file": path}).json()["data"]
    part = guest.api("GET", f"{AGENT}/file-read", {"file": path, "count": 4}).json()["data"]

    assert (read["content"], part["content"], part["truncated"]) == ("echo ready\n", "echo", 1)
    assert _run(guest, "sh", path)["out-data"] == "ready\n"
    missing = guest.api("GET", f"{AGENT}/file-read", {"file": "/nope"})
    assert missing.reason.endswith("No such file or directory")


def test_a_guest_refuses_in_its_result(guest: SimulatorProcess) -> None:
    path, password = f"{AGENT}/set-user-password", {"password": "secret-1"}

    good = guest.api("POST", path, {"username": "root", **password}).json()["data"]
    bad = guest.api("POST", path, {"username": "ghost", **password})

    assert good == {"result": {}}
    assert bad.status_code == 200
    assert bad.json()["data"]["result"]["error"]["class"] == "GenericError"


def test_frozen_file_systems_are_not_written(guest: SimulatorProcess) -> None:
    assert _result(guest, "POST", "fsfreeze-status") == "thawed"
    assert _result(guest, "POST", "fsfreeze-freeze") == 1
    assert _result(guest, "POST", "fsfreeze-status") == "frozen"

    refused = guest.api("POST", f"{AGENT}/exec", {"command": ["true"]})

    assert refused.status_code == 500
    assert _result(guest, "POST", "fsfreeze-thaw") == 1
    assert _run(guest, "true")["exitcode"] == 0


def test_the_guest_tells_about_itself(guest: SimulatorProcess) -> None:
    assert _result(guest, "GET", "get-host-name") == {"host-name": "web-1"}
    assert _result(guest, "GET", "get-timezone") == {"zone": "UTC", "offset": 0}
    (root,) = _result(guest, "GET", "get-fsinfo")
    assert (root["mountpoint"], root["total-bytes"]) == ("/", 8 * 1024**3)
    assert abs(_result(guest, "GET", "get-time") / 1e9 - time.time()) < 60
    names = [row["name"] for row in guest.api("GET", AGENT).json()["data"]]
    assert "network-get-interfaces" in names


def test_the_loopback_is_among_the_interfaces(guest: SimulatorProcess) -> None:
    rows = _result(guest, "GET", "network-get-interfaces")

    assert [row["name"] for row in rows] == ["lo", "eth0"]


def test_a_shutdown_from_inside_switches_off(guest: SimulatorProcess) -> None:
    assert _result(guest, "POST", "shutdown") == {}

    wait_until(lambda: (guest.vm(5000) or {})["status"] == "stopped")


def test_writing_changes_the_bytes_of_the_disk(guest: SimulatorProcess) -> None:
    def _bytes() -> str:
        found = [v for v in guest.state()["volumes"] if v["volid"] == "ceph-vm:vm-5000-disk-0"]
        return str(found[0]["fingerprint"])

    before = _bytes()

    guest.api("POST", f"{AGENT}/file-write", {"file": "/a", "content": "b"})

    assert _bytes() != before


def test_a_machine_made_anew_has_no_files(guest: SimulatorProcess) -> None:
    guest.api("POST", f"{AGENT}/file-write", {"file": "/a", "content": "b"})
    guest.run("POST", f"{PVE1}/5000/status/stop")
    guest.run("DELETE", f"{PVE1}/5000")
    guest.run("POST", f"{PVE1}/9005/clone", {"newid": 5000, "full": 1})
    guest.run("POST", f"{PVE1}/5000/status/start")
    wait_until(lambda: guest.api("POST", f"{AGENT}/ping").ok)

    assert guest.api("GET", f"{AGENT}/file-read", {"file": "/a"}).status_code == 500


def test_an_agent_that_is_not_up_takes_three_seconds_to_say_so(demo: SimulatorProcess) -> None:
    demo.control("POST", "/clock", {"scale": 10})
    demo.run("POST", f"{PVE1}/9005/clone", {"newid": 5000, "full": 0})
    demo.run("POST", f"{PVE1}/5000/status/start")
    demo.fault("agent_down", count=0)

    answer = demo.api("POST", f"{AGENT}/ping")

    assert answer.reason == "QEMU guest agent is not running"
    assert answer.elapsed.total_seconds() >= 0.3
