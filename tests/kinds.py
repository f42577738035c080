"""Operation types that only tests know. What they did is seen in files, across processes."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from portal.kernel.queue import (
    Advance,
    Complete,
    Failure,
    OperationKind,
    Poll,
    Step,
    StepContext,
    StepFailed,
    StepNeedsOperator,
    StepResult,
    StepRetry,
    register_operation,
)

_LOOK_S = 0.01


def note(context: StepContext, word: str) -> None:
    """Appends a line to the operation's file, if it has one."""
    path = context.payload.get("file")
    if path:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, f"{word} {context.operation_id}\n".encode())
        os.close(descriptor)


def noted(path: Path) -> list[str]:
    """The words noted so far."""
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


def step_note(name: str) -> Step:
    def run(context: StepContext) -> StepResult:
        note(context, name)
        return Advance(f"{name} is done")

    return Step(name, name.capitalize(), run)


def poll(context: StepContext) -> StepResult:
    polls = context.state.get("polls", 0)
    note(context, "poll")
    if polls >= context.payload.get("polls", 2):
        return Advance()
    context.state["polls"] = polls + 1
    context.progress(10 * (polls + 1))
    context.log([f"poll {polls}"])
    return Poll(context.payload.get("after_s", 0.01), f"poll {polls + 1}")


def flake(context: StepContext) -> StepResult:
    note(context, "try")
    if context.attempt <= context.payload["failures"]:
        raise StepRetry(
            f"not yet ({context.attempt})", code="flaky", after_s=context.payload.get("after_s")
        )
    return Advance()


def explode(context: StepContext) -> StepResult:
    note(context, "explode")
    raise ValueError("the password is hunter2")


def refuse(context: StepContext) -> StepResult:
    raise StepFailed("This will never work.", code="hopeless")


def call_operator(context: StepContext) -> StepResult:
    raise StepNeedsOperator("A stranger sits on 101.", code="stranger", command="qm config 101")


def finish_early(context: StepContext) -> StepResult:
    return Complete({"answer": 42})


def wait_for_file(context: StepContext) -> StepResult:
    """Blocks this worker until the file `gate` exists; a worker that is killed meanwhile leaves it open."""
    context.save()
    note(context, "begin")
    deadline = time.monotonic() + 60
    pause = threading.Event()
    while not Path(context.payload["gate"]).exists():
        if time.monotonic() > deadline:
            raise StepFailed("nobody opened the gate")
        pause.wait(_LOOK_S)
    note(context, "end")
    return Advance()


def unwind(context: StepContext, failure: Failure) -> None:
    note(context, f"unwind:{failure.status}:{failure.code}")


def unwind_badly(context: StepContext, failure: Failure) -> None:
    note(context, "unwind")
    if len(noted(Path(context.payload["file"]))) < 4:
        raise RuntimeError("the database was away")


def kind(type_: str, *steps: Step, **more: object) -> OperationKind:
    known = OperationKind(
        type=type_,
        label=type_,
        queue=str(more.pop("queue", "cloudpods")),
        steps=steps,
        backoff_base_s=0.01,
        backoff_cap_s=0.05,
        **more,  # type: ignore[arg-type]
    )
    register_operation(known)
    return known


NOOP = kind("test.noop", step_note("only"))
THREE = kind(
    "test.three", step_note("one"), step_note("two"), step_note("three"), is_cancelable=True
)
POLL = kind(
    "test.poll",
    Step("wait", "Wait", poll),
    step_note("after"),
    is_cancelable=True,
    on_failure=unwind,
)
FLAKY = kind("test.flaky", Step("try", "Try", flake), max_attempts=3, on_failure=unwind)
EXPLODE = kind("test.explode", Step("bang", "Bang", explode), max_attempts=2, on_failure=unwind)
HOPELESS = kind("test.hopeless", step_note("one"), Step("no", "No", refuse), on_failure=unwind)
BAD_END = kind("test.bad_end", Step("no", "No", refuse), on_failure=unwind_badly)
OPERATOR = kind("test.operator", Step("ask", "Ask", call_operator))
EARLY = kind("test.early", Step("first", "First", finish_early), step_note("never"))
GATE = kind("test.gate", Step("gate", "Gate", wait_for_file), step_note("after"), max_attempts=3)
SHORT = kind("test.short", step_note("short"), queue="webhooks", claim_batch=10)
URGENT = kind("test.urgent", step_note("urgent"), priority=3, priority_cap=5)
OTHER = kind("test.other", step_note("other"), queue="webhooks")
