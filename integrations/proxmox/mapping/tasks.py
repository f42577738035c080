"""Tasks: their references, lists, progress and logs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from integrations.proxmox.errors import PROVIDER, MalformedAnswer
from integrations.proxmox.interface import TaskOutcome, TaskPhase, TaskRef
from integrations.proxmox.mapping.values import entries, members_of, text

LOG_LINE_LIMIT: Final = 4000

_UPID = re.compile(
    r"UPID:(?P<node>[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?):[0-9A-Fa-f]{8}:[0-9A-Fa-f]{8,9}:"
    r"(?P<started>[0-9A-Fa-f]{8}):(?P<type>[^:\s/]+):(?P<id>[^:\s/]*):(?P<user>[^:\s/]+):"
)
_CLONE_LINE = re.compile(r"creating a clone of VM (\d{3,9}) with ID (\d{3,9})")


@dataclass(frozen=True, slots=True)
class ListedTask:
    """One line of a node's task list; `owner` is user and token, `started` in seconds."""

    ref: TaskRef
    kind: str
    owner: str
    started: int
    is_running: bool


def task_ref(data: object) -> TaskRef:
    """Return the reference in a write's answer. Raises: ValueError."""
    match = _UPID.fullmatch(data) if isinstance(data, str) else None
    if match is None:
        raise ValueError("the answer names no task")
    return TaskRef(upid=match[0], node=match["node"])


def listed_tasks(data: object) -> tuple[ListedTask, ...]:
    """Return the tasks of a node's list, the newest first. Raises: MalformedAnswer."""
    tasks: dict[str, ListedTask] = {}
    for entry in entries(data):
        match = _UPID.fullmatch(text(entry.get("upid")) or "")
        if match is None:
            raise MalformedAnswer("an entry is no task", provider=PROVIDER)
        has_ended = entry.get("status") not in (None, "RUNNING") or "endtime" in entry
        earlier = tasks.get(match[0])
        tasks[match[0]] = ListedTask(
            ref=TaskRef(upid=match[0], node=match["node"]),
            kind=match["type"],
            owner=match["user"],
            started=int(match["started"], 16),
            is_running=not has_ended and (earlier is None or earlier.is_running),
        )
    return tuple(sorted(tasks.values(), key=lambda task: task.started, reverse=True))


def task_progress(data: object) -> tuple[TaskPhase, TaskOutcome | None, str]:
    """Return phase, outcome and exit message of a task's status. Raises: MalformedAnswer."""
    status = members_of(data)
    if status.get("status") == TaskPhase.RUNNING:
        return TaskPhase.RUNNING, None, ""
    if status.get("status") != TaskPhase.STOPPED:
        raise MalformedAnswer("a task is neither running nor stopped", provider=PROVIDER)
    message = text(status.get("exitstatus"))
    if message is None:
        raise MalformedAnswer("a stopped task has no result", provider=PROVIDER)
    return TaskPhase.STOPPED, TaskOutcome.from_exit(message), message


def log_lines(data: object) -> tuple[str, ...]:
    """Return the lines of a task log, without the sentence that stands for an empty one."""
    lines = tuple((text(entry.get("t"), LOG_LINE_LIMIT) or "") for entry in entries(data))
    return () if lines == ("no content",) else lines


def clone_target(lines: tuple[str, ...], source_vmid: int) -> int | None:
    """Return the VMID a clone's log says it makes, or None when it does not say (yet)."""
    for line in lines:
        match = _CLONE_LINE.search(line)
        if match is not None and int(match[1]) == source_vmid:
            return int(match[2])
    return None
