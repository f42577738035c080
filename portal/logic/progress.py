"""The visible steps of an operation: plain dictionaries that live in its row, and how they move."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from portal.kernel.queue import OperationKind
from portal.states import StepStatus

LOG_LINES = 200
_UNDER_WAY = (StepStatus.RUNNING, StepStatus.WAITING)
_GONE_BY = (StepStatus.COMPLETED, StepStatus.SKIPPED)

Progress = list[dict[str, Any]]


def steps_initial(kind: OperationKind) -> Progress:
    """All steps of a kind, not begun."""
    return [
        {
            "name": step.name,
            "label": str(step.label),
            "status": StepStatus.PENDING.value,
            "started_at": None,
            "finished_at": None,
            "detail": "",
            "percent": 0,
        }
        for step in kind.steps
    ]


def step_begin(steps: Progress, name: str, *, at: datetime) -> None:
    """The step runs; one that runs again keeps the moment it began."""
    for step in _named(steps, name):
        step["status"] = StepStatus.RUNNING.value
        step["started_at"] = step["started_at"] or at.isoformat()
        step["finished_at"] = None


def step_end(
    steps: Progress, name: str, *, status: StepStatus, at: datetime, detail: str = ""
) -> None:
    """The step is over, or waits for the outside."""
    for step in _named(steps, name):
        step["status"] = status.value
        step["detail"] = detail or (step["detail"] if status in _UNDER_WAY else "")
        if status not in _UNDER_WAY:
            step["finished_at"] = at.isoformat()
        if status is StepStatus.COMPLETED:
            step["percent"] = 100


def steps_skip(steps: Progress) -> None:
    """What was not begun will not be: the operation completed without it."""
    for step in steps:
        if step["status"] == StepStatus.PENDING:
            step["status"] = StepStatus.SKIPPED.value


def steps_break(steps: Progress, *, status: StepStatus, at: datetime, detail: str) -> None:
    """The step under way failed or was canceled, and with it the operation."""
    for step in steps:
        if step["status"] in _UNDER_WAY:
            step_end(steps, step["name"], status=status, at=at, detail=detail)


def step_percent(steps: Progress, name: str, percent: int) -> None:
    """How far a step is, 0 to 100."""
    for step in _named(steps, name):
        step["percent"] = max(0, min(100, percent))


def percent_of(steps: Sequence[Mapping[str, Any]]) -> int:
    """How far the operation is: every step weighs the same."""
    if not steps:
        return 0
    gone = sum(100 if s["status"] in _GONE_BY else int(s["percent"] or 0) for s in steps)
    return gone // len(steps)


def log_tail(lines: Iterable[str]) -> list[str]:
    """The last lines of a log, without the characters PostgreSQL cannot keep."""
    return [line.replace("\x00", "") for line in list(lines)[-LOG_LINES:]]


def _named(steps: Progress, name: str) -> Progress:
    return [step for step in steps if step["name"] == name]
