from __future__ import annotations

from typing import Any

import pytest

from tests.simulator import SimulatorProcess, wait_until

PVE1 = "/nodes/pve1/qemu"
VM = f"{PVE1}/5000"
ROOT = "root@pam!adm"
RESOURCES = "/cluster/ha/resources"


@pytest.fixture
def machine(demo: SimulatorProcess) -> SimulatorProcess:
    """A stopped clone 5000."""
    demo.control("POST", "/clock", {"scale": 200})
    assert demo.run("POST", f"{PVE1}/9005/clone", {"newid": 5000, "full": 1}) == "OK"
    return demo


@pytest.fixture
def managed(machine: SimulatorProcess) -> SimulatorProcess:
    """The clone, looked after and stopped."""
    _manage(machine, state="stopped")
    wait_until(lambda: _ha(machine) == {"managed": 1, "state": "stopped"})
    return machine


def _manage(simulator: SimulatorProcess, **params: Any) -> None:
    wanted = {"sid": "vm:5000", **params}
    assert simulator.api("POST", RESOURCES, wanted, token=ROOT).json() == {"data": None}


def _ha(simulator: SimulatorProcess) -> dict[str, Any]:
    found: dict[str, Any] = simulator.api("GET", f"{VM}/status/current").json()["data"]["ha"]
    return found


def _status(simulator: SimulatorProcess) -> str:
    return str((simulator.vm(5000) or {})["status"])


def test_an_unmanaged_machine_says_so(machine: SimulatorProcess) -> None:
    assert _ha(machine) == {"managed": 0}


def test_a_managed_start_only_queues_a_wish(managed: SimulatorProcess) -> None:
    managed.control("POST", "/clock", {"scale": 5})
    upid = managed.api("POST", f"{VM}/status/start").json()["data"]

    assert upid.split(":")[5] == "hastart"
    assert managed.task(upid) == "OK"
    assert (_status(managed), _ha(managed)["state"]) == ("stopped", "stopped")
    managed.control("POST", "/clock", {"scale": 200})
    wait_until(lambda: _status(managed) == "running")
    wait_until(lambda: _ha(managed)["state"] == "started")


@pytest.mark.parametrize("verb", ["stop", "shutdown"])
def test_a_managed_stop_sets_the_wanted_state(managed: SimulatorProcess, verb: str) -> None:
    managed.run("POST", f"{VM}/status/start")
    wait_until(lambda: _status(managed) == "running")

    upid = managed.api("POST", f"{VM}/status/{verb}").json()["data"]

    assert upid.split(":")[5] == "hastop"
    assert managed.task(upid) == "OK"
    wait_until(lambda: _status(managed) == "stopped")
    wanted = managed.api("GET", f"{RESOURCES}/vm:5000", token=ROOT).json()["data"]
    assert wanted["state"] == "stopped"


def test_what_is_taken_in_is_started(machine: SimulatorProcess) -> None:
    _manage(machine)

    wait_until(lambda: _status(machine) == "running")


def test_a_managed_machine_is_destroyed_with_purge_only(managed: SimulatorProcess) -> None:
    refused = managed.api("DELETE", VM)

    assert refused.reason == (
        "unable to remove VM 5000 - used in HA resources and purge parameter not set."
    )
    assert managed.run("DELETE", VM, {"purge": 1}) == "OK"
    assert managed.api("GET", RESOURCES, token=ROOT).json()["data"] == []


def test_a_managed_migration_is_queued_too(managed: SimulatorProcess) -> None:
    upid = managed.api("POST", f"{VM}/migrate", {"target": "pve2"}).json()["data"]

    assert upid.split(":")[5] == "hamigrate"
    assert managed.task(upid) == "OK"
    wait_until(lambda: (managed.vm(5000) or {})["node"] == "pve2")


def test_a_wish_survives_a_restart(managed: SimulatorProcess) -> None:
    managed.control("POST", "/clock", {"scale": 1})
    managed.run("POST", f"{VM}/status/start")

    managed.restart(kill=True)
    managed.control("POST", "/clock", {"scale": 200})

    wait_until(lambda: _status(managed) == "running")


def test_the_manager_tells_of_nodes_and_services(managed: SimulatorProcess) -> None:
    rows = managed.api("GET", "/cluster/ha/status/current").json()["data"]

    assert [row["id"] for row in rows] == [
        "quorum", "master", "lrm:pve1", "lrm:pve2", "lrm:pve3", "service:vm:5000",
    ]  # fmt: skip
    assert (rows[-1]["state"], rows[-1]["request_state"]) == ("stopped", "stopped")
    whole = managed.api("GET", "/cluster/ha/status/manager_status").json()["data"]
    services = whole["manager_status"]["service_status"]
    assert services["vm:5000"]["node"] == "pve1"


def test_the_cluster_list_names_the_state(managed: SimulatorProcess) -> None:
    rows = managed.api("GET", "/cluster/resources", {"type": "vm"}).json()["data"]

    assert {row["vmid"]: row.get("hastate") for row in rows}[5000] == "stopped"


@pytest.mark.parametrize(
    ("method", "path", "params", "reason"),
    [
        ("GET", "/vm:777", {}, "no such resource 'vm:777'"),
        ("POST", "", {"sid": "vm:5000"}, "resource ID 'vm:5000' already defined"),
        (
            "POST",
            "",
            {"sid": "vm:101", "group": "fast"},
            "invalid parameter 'group': ha groups have been migrated to rules",
        ),
    ],
)
def test_wrong_resources_are_refused(
    managed: SimulatorProcess, method: str, path: str, params: dict[str, Any], reason: str
) -> None:
    answer = managed.api(method, f"{RESOURCES}{path}", params, token=ROOT)

    assert (answer.status_code, answer.reason) == (500, reason)


def test_resources_need_the_right_to_the_console(machine: SimulatorProcess) -> None:
    answer = machine.api("POST", RESOURCES, {"sid": "vm:5000"})

    assert answer.reason == "Permission check failed (/, Sys.Console)"


def test_rules_are_kept(demo: SimulatorProcess) -> None:
    rule = {"rule": "apart", "type": "resource-affinity", "affinity": "negative"}
    demo.api("POST", "/cluster/ha/rules", {**rule, "resources": "vm:100,vm:101"}, token=ROOT)

    (row,) = demo.api("GET", "/cluster/ha/rules", {"resource": "vm:100"}, token=ROOT).json()["data"]
    assert (row["rule"], row["affinity"]) == ("apart", "negative")
    demo.api("DELETE", "/cluster/ha/rules/apart", token=ROOT)
    gone = demo.api("GET", "/cluster/ha/rules/apart", token=ROOT)
    assert gone.reason == "no such ha rule 'apart'"
