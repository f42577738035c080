"""Running one claimed operation: its steps one after the other, and its end when they fail."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from audit.services import trail
from portal.events import OperationEnded
from portal.kernel import clock, events
from portal.kernel.authz import Actor
from portal.kernel.context import RequestContext, request_context
from portal.kernel.errors import DomainError
from portal.kernel.queue import (
    Advance,
    Complete,
    Failure,
    LeaseLost,
    OperationKind,
    Poll,
    Step,
    StepError,
    StepFailed,
    StepNeedsOperator,
    StepResult,
    StepRetry,
    operation_kind,
)
from portal.kernel.stored_text import stored_text
from portal.kernel.tallies import TALLIES
from portal.kernel.tenancy import tenant_scope
from portal.logic.backoff import backoff_s
from portal.logic.progress import (
    log_tail,
    step_begin,
    step_end,
    step_percent,
    steps_break,
    steps_skip,
)
from portal.services.claims import Claim, Settlement, claim_save
from portal.states import AttemptOutcome, OperationStatus, StepStatus
from portal.tags import Tag

_log = structlog.get_logger(__name__)
_UNKNOWN_TYPE_DELAY_S: Final = 30.0
_WATCHED: Final = timedelta(minutes=1)
_OUTCOMES: Final = {
    OperationStatus.FAILED: AttemptOutcome.FAILED,
    OperationStatus.DEAD: AttemptOutcome.FAILED,
    OperationStatus.CANCELED: AttemptOutcome.CANCELED,
}


class StepRun:
    """What a step sees of its operation (`StepContext`); writes go through the claim's fence."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._actor = operation_actor(
            tenant_id=claim.tenant_id,
            actor_id=claim.actor_id,
            actor_label=claim.actor_label,
        )

    @property
    def operation_id(self) -> UUID:
        return self._claim.id

    @property
    def tenant_id(self) -> UUID:
        return self._claim.tenant_id

    @property
    def target_id(self) -> UUID | None:
        return self._claim.target_id

    @property
    def payload(self) -> dict[str, Any]:
        return self._claim.payload

    @property
    def payload_schema(self) -> int:
        return self._claim.payload_schema

    @property
    def state(self) -> dict[str, Any]:
        return self._claim.state

    @property
    def actor(self) -> Actor:
        return self._actor

    @property
    def attempt(self) -> int:
        return self._claim.attempts

    @property
    def is_cancel_requested(self) -> bool:
        return self._claim.cancel_requested

    def save(self) -> None:
        claim_save(self._claim)

    def log(self, lines: Iterable[str]) -> None:
        self._claim.log = log_tail(lines)

    def progress(self, percent: int) -> None:
        step_percent(self._claim.steps, self._claim.step, percent)


def operation_actor(*, tenant_id: UUID, actor_id: UUID | None, actor_label: str) -> Actor:
    """The system acting for an operation, on behalf of whoever asked for it."""
    system = Actor.system("operation", tenant_id=tenant_id)
    if not actor_label:
        return system
    is_system = actor_label.startswith("system")
    label = actor_label if is_system else f"{system.label} for {actor_label}"
    return replace(system, user_id=actor_id, label=label)


def operation_run(claim: Claim, *, is_draining: Callable[[], bool]) -> Settlement:
    """Runs steps until the operation ends, has to wait, or the worker drains; answers what to write.

    Raises:
        LeaseLost: another worker took over.
    """
    try:
        kind = operation_kind(claim.type)
    except KeyError:
        _log.warning("operation.type_unknown", type=claim.type, operation_id=str(claim.id))
        return Settlement(
            OperationStatus.PENDING,
            delay_s=_UNKNOWN_TYPE_DELAY_S,
            is_continued=True,
            last_error=stored_text(
                "No worker knows the operation type %(type)s yet.", type=claim.type
            ),
            ending=claim.ending,
        )
    with _surroundings(claim) as run:
        settlement = None if claim.ending else _steps_run(claim, kind, run, is_draining)
        if settlement is None:
            return _end(claim, kind, run)
        if settlement.status is OperationStatus.COMPLETED:
            _tell_of_completion(claim)
        return settlement


@contextmanager
def _surroundings(claim: Claim) -> Iterator[StepRun]:
    run = StepRun(claim)
    context = RequestContext(
        request_id=claim.request_id or claim.id.hex,
        channel="operation",
        actor=run.actor,
        operation_id=claim.id,
    )
    names = {
        "operation_id": str(claim.id),
        "type": claim.type,
        "worker_queue": claim.queue,
        "tenant_id": str(claim.tenant_id),
        "request_id": context.request_id,
    }
    if claim.actor_id is not None:
        names["user_id"] = str(claim.actor_id)
    with (
        structlog.contextvars.bound_contextvars(**names),
        tenant_scope(claim.tenant_id),
        request_context(context),
    ):
        yield run


def _steps_run(
    claim: Claim, kind: OperationKind, run: StepRun, is_draining: Callable[[], bool]
) -> Settlement | None:
    """None when `claim.ending` was decided."""
    is_first = True
    while True:
        if claim.cancel_requested and kind.is_cancelable:
            _decide(
                claim, OperationStatus.CANCELED, "canceled", stored_text("Canceled on request.")
            )
            return None
        if is_draining() and not is_first:
            return Settlement(OperationStatus.PENDING, delay_s=0.0, is_continued=True)
        is_first = False
        try:
            step = kind.step(claim.step)
            claim.step = step.name
            claim.step_began = time.monotonic()
            step_begin(claim.steps, step.name, at=clock.now())
            result = step.run(run)
            TALLIES.observe("step_seconds", time.monotonic() - claim.step_began, type=claim.type)
            settlement = _after(claim, kind, step, result)
        except LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a step raises is a failed try, never a lost worker
            return _try_failed(claim, kind, error)
        if settlement is not None:
            return settlement


def _after(claim: Claim, kind: OperationKind, step: Step, result: StepResult) -> Settlement | None:
    """What a step's answer means; None when the next step runs at once."""
    now = clock.now()
    if isinstance(result, Poll):
        step_end(claim.steps, step.name, status=StepStatus.WAITING, at=now, detail=result.detail)
        return Settlement(OperationStatus.PENDING, delay_s=result.after_s, is_continued=True)
    if isinstance(result, Complete):
        step_end(claim.steps, step.name, status=StepStatus.COMPLETED, at=now)
        steps_skip(claim.steps)
        return _completed(result.result)
    assert isinstance(result, Advance), f"{kind.type}.{step.name} answered {result!r}"
    step_end(claim.steps, step.name, status=StepStatus.COMPLETED, at=now, detail=result.detail)
    following = kind.step_after(step.name)
    if following is None:
        return _completed(None)
    claim.step = following.name
    step_begin(claim.steps, following.name, at=now)
    claim_save(claim)
    return None


def _completed(result: dict[str, Any] | None) -> Settlement:
    return Settlement(OperationStatus.COMPLETED, outcome=AttemptOutcome.COMPLETED, result=result)


def _try_failed(claim: Claim, kind: OperationKind, error: Exception) -> Settlement | None:
    """Schedules the next try, or decides the end (None) when there is none."""
    code, message = _told(error)
    if isinstance(error, StepNeedsOperator):
        _decide(claim, OperationStatus.FAILED, code, message, command=error.command, is_manual=True)
        return None
    if isinstance(error, StepFailed):
        _decide(claim, OperationStatus.FAILED, code, message)
        return None
    if claim.attempts >= claim.max_attempts:
        _decide(claim, OperationStatus.DEAD, code, message)
        return None
    pause_s = error.after_s if isinstance(error, StepRetry) else None
    if pause_s is None:
        pause_s = backoff_s(claim.attempts, base_s=kind.backoff_base_s, cap_s=kind.backoff_cap_s)
    pause_s *= float(settings.ENGINE["BACKOFF_SCALE"])
    status = StepStatus.WAITING
    step_end(claim.steps, claim.step, status=status, at=clock.now(), detail=message)
    return Settlement(
        OperationStatus.PENDING, outcome=AttemptOutcome.RETRIED, delay_s=pause_s, last_error=message
    )


def _told(error: Exception) -> tuple[str, str]:
    """Code and message for people. What nobody foresaw may hold secrets: it goes to the log alone."""
    if isinstance(error, StepError):
        return error.code, error.message.replace("\x00", "")
    if isinstance(error, DomainError):
        return error.error_code, error.message.replace("\x00", "")
    _log.error("operation.step_crashed", exc_info=error)
    name = type(error).__name__
    return "unexpected_error", stored_text(
        "Unexpected error (%(name)s); the worker's log has the details.", name=name
    )


def _decide(
    claim: Claim,
    status: OperationStatus,
    code: str,
    message: str,
    *,
    command: str = "",
    is_manual: bool = False,
) -> None:
    """Fixes how the operation ends, in the row, before its `on_failure` runs: a crash cannot undecide it.

    Raises:
        LeaseLost: another worker took over.
    """
    failure = Failure(status.value, code, message, command=command, needs_operator=is_manual)
    claim.ending = asdict(failure)
    claim_save(claim)


def _end(claim: Claim, kind: OperationKind, run: StepRun) -> Settlement:
    failure = Failure(**(claim.ending or {}))
    status = OperationStatus(failure.status)
    broken = StepStatus.CANCELED if status is OperationStatus.CANCELED else StepStatus.FAILED
    steps_break(claim.steps, status=broken, at=clock.now(), detail=failure.message)
    try:
        with transaction.atomic():
            if kind.on_failure is not None:
                kind.on_failure(run, failure)
            if status is OperationStatus.DEAD and kind.is_critical:
                _record_death(claim, run, failure)
            events.publish(_ended(claim, status, failure))
    except LeaseLost:
        raise
    except Exception:  # noqa: BLE001 - the end is tried again until it succeeds
        _log.exception("operation.ending_failed")
        return Settlement(
            OperationStatus.PENDING,
            delay_s=settings.ENGINE["ENDING_RETRY_S"],
            is_continued=True,
            last_error=failure.message,
            ending=claim.ending,
        )
    attention = {"code": failure.code, "message": failure.message, "command": failure.command}
    return Settlement(
        status,
        outcome=_OUTCOMES[status],
        last_error=failure.message,
        attention=attention if failure.needs_operator else None,
        ending=claim.ending,
    )


def _tell_of_completion(claim: Claim) -> None:
    """What somebody had to wait for. A subscriber that fails costs its news alone: the work is done."""
    if claim.actor_id is None or clock.now() - claim.created_at <= _WATCHED:
        return
    try:
        with transaction.atomic():
            events.publish(_ended(claim, OperationStatus.COMPLETED))
    except Exception:  # noqa: BLE001 - whatever a subscriber raises
        _log.exception("operation.completion_untold")


def _ended(claim: Claim, status: OperationStatus, failure: Failure | None = None) -> OperationEnded:
    return OperationEnded(
        operation_id=claim.id,
        tenant_id=claim.tenant_id,
        actor_id=claim.actor_id,
        type=claim.type,
        queue=claim.queue,
        target_type=claim.target_type,
        target_id=claim.target_id,
        status=status.value,
        message=failure.message if failure else "",
        needs_operator=bool(failure and failure.needs_operator),
    )


def _record_death(claim: Claim, run: StepRun, failure: Failure) -> None:
    trail.record(
        tag=Tag.OPERATION_DEAD,
        target=None,
        target_type="portal.operation",
        target_id=str(claim.id),
        outcome="failed",
        before=None,
        after={"status": failure.status, "attempts": claim.attempts},
        detail={"type": claim.type, "code": failure.code, "message": failure.message},
        actor=run.actor,
        tenant_id=claim.tenant_id,
    )
