from __future__ import annotations

import pytest

from integrations.proxmox import mapping
from integrations.proxmox.errors import MalformedAnswer
from integrations.proxmox.interface import TaskOutcome, TaskPhase, TaskRef

UPID = "UPID:pve1:00004D0B:00045883:6B00E9A2:qmclone:9000:prov@pve!full:"


def test_task_reference_as_recorded() -> None:
    assert mapping.task_ref(UPID) == TaskRef(upid=UPID, node="pve1")


@pytest.mark.parametrize(
    "data", [None, 1, "", "UPID:", UPID[:-1], UPID + "x", UPID.replace("!", "/")]
)
def test_text_that_is_no_task_is_refused(data: object) -> None:
    with pytest.raises(ValueError, match="names no task"):
        mapping.task_ref(data)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"status": "running"}, (TaskPhase.RUNNING, None, "")),
        ({"status": "stopped", "exitstatus": "OK"}, (TaskPhase.STOPPED, TaskOutcome.OK, "OK")),
        (
            {"status": "stopped", "exitstatus": "WARNINGS: 2"},
            (TaskPhase.STOPPED, TaskOutcome.WARNINGS, "WARNINGS: 2"),
        ),
        (
            {"status": "stopped", "exitstatus": "unexpected status"},
            (TaskPhase.STOPPED, TaskOutcome.CRASHED, "unexpected status"),
        ),
        (
            {"status": "stopped", "exitstatus": "clone failed"},
            (TaskPhase.STOPPED, TaskOutcome.ERROR, "clone failed"),
        ),
    ],
)
def test_task_progress(status: object, expected: tuple[object, ...]) -> None:
    assert mapping.task_progress(status) == expected


@pytest.mark.parametrize("status", [None, [], {}, {"status": "?"}, {"status": "stopped"}])
def test_task_without_a_known_state_is_refused(status: object) -> None:
    with pytest.raises(MalformedAnswer):
        mapping.task_progress(status)


def task(started: str, **entry: object) -> dict[str, object]:
    upid = f"UPID:pve1:00000001:00000001:{started}:qmclone:9000:prov@pve!full:"
    return {"upid": upid, **entry}


def test_listed_tasks_are_sorted_with_the_newest_first() -> None:
    tasks = mapping.listed_tasks([task("00000001"), task("00000003"), task("00000002")])
    assert [entry.started for entry in tasks] == [3, 2, 1]


def test_listed_task_in_both_lists_has_ended() -> None:
    entries = [task("00000001", status="RUNNING"), task("00000001", status="OK", endtime=5)]
    assert [entry.is_running for entry in mapping.listed_tasks(entries)] == [False]


def test_listed_task_without_status_still_runs() -> None:
    (entry,) = mapping.listed_tasks([task("00000001")])
    assert (entry.is_running, entry.owner) == (True, "prov@pve!full")


@pytest.mark.parametrize(
    ("lines", "target"),
    [
        (("creating a clone of VM 9000 with ID 101",), 101),
        (("trying to acquire lock...", " OK", "creating a clone of VM 9000 with ID 102"), 102),
        (("creating a clone of VM 9001 with ID 101",), None),
        ((), None),
    ],
)
def test_clone_target_is_read_from_the_log(lines: tuple[str, ...], target: int | None) -> None:
    assert mapping.clone_target(lines, 9000) == target


def test_empty_log_has_no_lines() -> None:
    assert mapping.log_lines([{"n": 1, "t": "no content"}]) == ()
