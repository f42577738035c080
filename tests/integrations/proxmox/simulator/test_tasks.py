"""Tasks: their names, who may see them, their logs, their end."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any, cast

import pytest

from integrations.proxmox.simulator import taskviews
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.tasks import UPID
from integrations.proxmox.simulator.world import Task, World
from tests.simulator import SimulatorProcess, wait_until

PVE1 = "/nodes/pve1/qemu"
CLONE = f"{PVE1}/9005/clone"
NEW = {"newid": 5000, "name": "web-1", "full": 1}
FOREIGN = "UPID:pve1:0000AAAA:0000AAAA:60000000:qmclone:1:root@pam:"


def _many(simulator: SimulatorProcess, count: int) -> list[str]:
    """Tasks that fail at once: there is no such machine."""
    path = f"{PVE1}/777/status/start"
    upids = [str(simulator.api("POST", path).json()["data"]) for _ in range(count)]
    wait_until(lambda: not simulator.running_tasks())
    return upids


def test_a_task_bears_who_what_when_and_where_in_its_name(demo: SimulatorProcess) -> None:
    upid = demo.api("POST", CLONE, NEW).json()["data"]

    parts = UPID.fullmatch(upid)

    assert parts is not None
    assert (parts[1], parts[6], parts[7], parts[8]) == (
        "pve1",
        "qmclone",
        "9005",
        "uhub@pve!portal",
    )
    assert re.fullmatch("[0-9A-F]{8}", parts[3])


def test_the_owner_is_shown_apart_from_the_token(demo: SimulatorProcess) -> None:
    upid = demo.api("POST", CLONE, NEW).json()["data"]
    path = f"/nodes/pve1/tasks/{upid}/status"

    running = demo.api("GET", path).json()["data"]
    demo.task(upid)
    stopped = demo.api("GET", path).json()["data"]

    assert (running["user"], running["tokenid"]) == ("uhub@pve", "portal")
    assert set(stopped) - set(running) == {"exitstatus"}
    assert (running["status"], stopped["status"]) == ("running", "stopped")


@pytest.mark.parametrize(
    ("method", "path", "status", "errors"),
    [
        ("GET", "nonsense/status", 400, {"upid": "unable to parse worker upid"}),
        ("GET", "nonsense/log", 400, {"upid": "unable to parse worker upid"}),
        ("DELETE", "nonsense", 400, {"upid": "unable to parse worker upid"}),
        ("GET", f"{FOREIGN}/status", 400, {"upid": "no such task"}),
        ("DELETE", FOREIGN, 400, {"upid": "no such task"}),
        ("GET", f"{FOREIGN[:-1]}/status", 400, {"upid": "unable to parse worker upid"}),
    ],
)
def test_what_is_no_task_is_told_by_parameter(
    demo: SimulatorProcess, method: str, path: str, status: int, errors: dict[str, str]
) -> None:
    answer = demo.api(method, f"/nodes/pve1/tasks/{path}")

    assert (answer.status_code, answer.json()["errors"]) == (status, errors)


def test_the_log_of_an_unknown_task_is_there_and_says_so(demo: SimulatorProcess) -> None:
    answer = demo.api("GET", f"/nodes/pve1/tasks/{FOREIGN}/log", token="root@pam!adm")

    line = {"n": 1, "t": "unable to open file - No such file or directory"}
    assert answer.json() == {"data": [line], "total": 1}


def test_a_log_without_a_line_has_no_content(demo: SimulatorProcess) -> None:
    demo.control("POST", "/clock", {"scale": 1})
    upid = demo.api("POST", CLONE, NEW).json()["data"]

    lines = demo.api("GET", f"/nodes/pve1/tasks/{upid}/log").json()["data"]

    assert lines == [{"n": 1, "t": "no content"}]


@pytest.mark.parametrize(
    ("method", "path", "privilege"),
    [
        ("GET", "/status", "Sys.Audit"),
        ("GET", "/log", "Sys.Audit"),
        ("DELETE", "", "Sys.Modify"),
    ],
)
def test_the_task_of_another_token_needs_a_right_on_the_node(
    wire: SimulatorProcess, method: str, path: str, privilege: str
) -> None:
    upid = wire.api("POST", f"{PVE1}/777/status/start", token="prov@pve!full").json()["data"]

    answer = wire.api(method, f"/nodes/pve1/tasks/{upid}{path}", token="prov@pve!sim")

    words = f"Permission check failed (/nodes/pve1, {privilege})"
    assert (answer.status_code, answer.reason) == (403, words)


def test_lists_show_only_what_one_may_see(wire: SimulatorProcess) -> None:
    wire.run("POST", f"{PVE1}/777/status/start", token="prov@pve!full")

    def seen(token: str) -> int:
        return len(wire.api("GET", "/nodes/pve1/tasks", token=token).json()["data"])

    assert (seen("prov@pve!full"), seen("prov@pve!sim")) == (1, 0)


@pytest.mark.parametrize(
    ("params", "count"),
    [({}, 50), ({"limit": 5}, 5), ({"limit": 0}, 0), ({"start": 55}, 5), ({"limit": 100}, 60)],
)
def test_a_list_of_tasks_is_fifty_long_unless_asked_otherwise(
    demo: SimulatorProcess, params: dict[str, Any], count: int
) -> None:
    _many(demo, 60)

    answer = demo.api("GET", "/nodes/pve1/tasks", params).json()

    assert (len(answer["data"]), answer["total"]) == (count, 60)


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({"source": "archive"}, 1),
        ({"source": "active"}, 1),
        ({"source": "all"}, 2),
        ({"source": "all", "typefilter": "qmclone"}, 1),
        ({"source": "all", "vmid": 777}, 1),
        ({"source": "all", "errors": 1}, 2),
        ({"statusfilter": "error"}, 1),
        ({"statusfilter": "ok,warning"}, 0),
        ({"source": "all", "userfilter": "nobody"}, 0),
        ({"source": "all", "since": 4_000_000_000}, 0),
        ({"source": "all", "until": 1}, 0),
    ],
)
def test_a_list_of_tasks_is_filtered(
    demo: SimulatorProcess, params: dict[str, Any], count: int
) -> None:
    _many(demo, 1)
    demo.fault("hung_task", match={"task": "qmclone"})
    demo.api("POST", CLONE, NEW)

    assert len(demo.api("GET", "/nodes/pve1/tasks", params).json()["data"]) == count


def test_the_archive_goes_back_as_far_as_two_files() -> None:
    """The older of them is lost whenever the newer is full."""
    world = World(finished={"pve1": 2300})
    for number in range(1800):
        upid = f"UPID:pve1:{number:08X}:00000000:00000000:qmstart:1:root@pam:"
        world.tasks[upid] = Task(
            upid, "pve1", number, 0, 0, "qmstart", "1", "root@pam", "stopped", "OK", number
        )
    sim = cast(Simulation, SimpleNamespace(world=world))

    listed = taskviews.listed(sim, "pve1", "archive")

    assert (len(listed), listed[0].endtime, listed[-1].endtime) == (1300, 1799, 500)


def test_the_cluster_shows_the_recent_ones_only(demo: SimulatorProcess) -> None:
    _many(demo, 30)

    rows = demo.api("GET", "/cluster/tasks").json()["data"]

    assert len(rows) == 25
    assert {row["saved"] for row in rows} == {"1"}


def test_a_log_is_fifty_lines_long_unless_asked_otherwise(demo: SimulatorProcess) -> None:
    clones = [{"newid": 5000 + n, "full": 1} for n in range(4)]
    upids = [demo.api("POST", f"{PVE1}/9002/clone", values).json()["data"] for values in clones]
    path = f"/nodes/pve1/tasks/{upids[0]}/log"
    demo.task(upids[0])

    whole = demo.api("GET", path, {"limit": 0}).json()
    part = demo.api("GET", path, {"start": 2, "limit": 3}).json()

    assert whole["data"][-1]["t"] == "TASK OK"
    assert len(whole["data"]) == whole["total"] == part["total"]
    assert [line["n"] for line in part["data"]] == [3, 4, 5]


def test_a_cancelled_clone_takes_its_traces_along(demo: SimulatorProcess) -> None:
    demo.control("POST", "/storage", {"name": "ceph-vm", "copy_base_s": 600.0})
    upid = demo.api("POST", CLONE, NEW).json()["data"]
    wait_until(lambda: (demo.vm(5000) or {"name": ""})["name"] == "web-1")

    assert demo.api("DELETE", f"/nodes/pve1/tasks/{upid}").json() == {"data": None}

    assert demo.task(upid) == "clone failed: interrupted by signal"
    assert [v for v in demo.state()["volumes"] if v["vmid"] == 5000] == []


def test_a_task_that_does_not_clean_up_in_five_seconds_is_killed(demo: SimulatorProcess) -> None:
    demo.control("POST", "/storage", {"name": "ceph-vm", "copy_base_s": 6000.0})
    upid = demo.api("POST", CLONE, NEW).json()["data"]
    wait_until(lambda: (demo.vm(5000) or {"name": ""})["name"] == "web-1")
    demo.control("POST", "/storage", {"name": "ceph-vm", "alloc_s": 600.0})

    demo.api("DELETE", f"/nodes/pve1/tasks/{upid}")

    assert demo.task(upid) == "unexpected status"
    assert demo.vm(5000) is not None


def test_a_stopped_task_can_be_stopped_again(demo: SimulatorProcess) -> None:
    upid = _many(demo, 1)[0]

    assert demo.api("DELETE", f"/nodes/pve1/tasks/{upid}").status_code == 200
    assert demo.task(upid) == "Configuration file 'nodes/pve1/qemu-server/777.conf' does not exist"
