"""The vocabulary of the operations engine: kinds, steps, results, errors. The engine itself lives in portal.

A handler is a list of short steps. The engine runs one step at a time, outside any transaction and
under the operation's tenant; a step may run twice (a worker can die after its effect), so its effect
must happen once. External work is *submit → reference → poll*: a step stores what it is about to do,
submits, and answers `Poll` until the outside is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from django.utils.functional import Promise

from portal.kernel.authz import Actor

Payload = Mapping[str, Any]
Again = Callable[[Actor, Payload], Payload | None]
"""What tries work again: see `OperationKind.on_retry`."""


@dataclass(frozen=True, slots=True)
class Advance:
    """The step is done; the next one runs at once. The last step's `Advance` completes the operation."""

    detail: str = ""


@dataclass(frozen=True, slots=True)
class Poll:
    """The step waits for the outside; it runs again after `after_s` seconds. Costs no attempt."""

    after_s: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Complete:
    """The whole operation is done, whatever steps remain."""

    result: dict[str, Any] = field(default_factory=dict)


StepResult = Advance | Poll | Complete


class StepError(Exception):
    """What a step raises; `message` is shown to people and must hold no secret."""

    def __init__(self, message: str, *, code: str = "step_failed") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class StepRetry(StepError):
    """Try the step again with backoff (or after `after_s`); each try costs one of the attempts."""

    def __init__(self, message: str, *, code: str = "retry", after_s: float | None = None) -> None:
        super().__init__(message, code=code)
        self.after_s = after_s


class StepFailed(StepError):
    """It will never work: the operation fails at once."""


class StepNeedsOperator(StepError):
    """Only a person can go on: the operation fails with `attention` (code, message, command)."""

    def __init__(self, message: str, *, code: str, command: str = "") -> None:
        super().__init__(message, code=code)
        self.command = command


class LeaseLost(Exception):
    """The operation belongs to another worker by now: stop without a further effect."""


class StepContext(Protocol):
    """What a step may know and write. Writes are fenced: a worker that lost its lease cannot make them."""

    @property
    def operation_id(self) -> UUID: ...

    @property
    def tenant_id(self) -> UUID: ...

    @property
    def target_id(self) -> UUID | None: ...

    @property
    def payload(self) -> dict[str, Any]:
        """What was asked, read-only."""
        ...

    @property
    def payload_schema(self) -> int:
        """The schema number the payload was written with; a handler accepts the current one and the last."""
        ...

    @property
    def state(self) -> dict[str, Any]:
        """What the steps remember between runs; saved after each run and by `save`."""
        ...

    @property
    def actor(self) -> Actor:
        """The system actor of this operation, on behalf of whoever asked for it."""
        ...

    @property
    def attempt(self) -> int:
        """1 for the first try."""
        ...

    @property
    def is_cancel_requested(self) -> bool: ...

    def save(self) -> None:
        """Stores `state` now, before an effect outside.

        Raises:
            LeaseLost: another worker took over.
        """
        ...

    def log(self, lines: Iterable[str]) -> None:
        """Replaces the visible tail of the outside's own log (last 200 lines are kept)."""
        ...

    def progress(self, percent: int) -> None:
        """How far the current step is, 0 to 100."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """One named step."""

    name: str
    label: str | Promise
    run: Callable[[StepContext], StepResult]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an operation ended: `status` failed, dead or canceled."""

    status: str
    code: str
    message: str
    command: str = ""
    needs_operator: bool = False


@dataclass(frozen=True, slots=True)
class OperationKind:
    """One type of operation (`pod.provision` …), registered once by its app.

    `on_failure` runs in its own transaction under the operation's tenant before the end is written, and
    must be idempotent. `on_retry` runs with the payload in the transaction that tries an ended one again: it
    puts rows back to where the work begins and answers another payload if the new one needs that, or
    refuses with a DomainError. It touches nothing but the database, for it is also asked in vain: whether
    it would refuse. `cure_permissions` is what one who cures stuck work holds for one retry, beside
    `retry_permission`. `is_cancelable` kinds stop between steps when asked to. `claim_batch` lets one
    worker take several at a time and is for kinds that end within milliseconds: those behind wait for
    those before. `priority` goes before fairness; one enqueue may ask for another, up to `priority_cap`.
    """

    type: str
    label: str | Promise
    queue: str
    steps: tuple[Step, ...]
    payload_schema: int = 1
    max_attempts: int = 5
    backoff_base_s: float = 1.0
    backoff_cap_s: float = 300.0
    is_critical: bool = True
    is_cancelable: bool = False
    claim_batch: int = 1
    priority: int = 0
    priority_cap: int = 10
    retry_permission: str = "operations.manage"
    on_failure: Callable[[StepContext, Failure], None] | None = None
    on_retry: Again | None = None
    cure_permissions: tuple[str, ...] = ()

    def step(self, name: str) -> Step:
        """The step by name; an empty name is the first. Raises KeyError for an unknown one."""
        if not name:
            return self.steps[0]
        return {step.name: step for step in self.steps}[name]

    def step_after(self, name: str) -> Step | None:
        """The step that follows, None after the last."""
        names = [step.name for step in self.steps]
        position = names.index(name) + 1
        return self.steps[position] if position < len(self.steps) else None

    def capped_priority(self, wanted: int | None) -> int:
        """The priority of one operation: the one asked for within the cap, else the kind's own."""
        return (
            self.priority if wanted is None else max(PRIORITY_FLOOR, min(self.priority_cap, wanted))
        )


PRIORITY_FLOOR = -100
QUEUES = ("cloudpods", "metrics", "health", "backups", "webhooks", "runs", "billing")
_kinds: dict[str, OperationKind] = {}
_batches: dict[str, dict[str, int]] = {}


def register_operation(kind: OperationKind) -> None:
    """Makes a kind known. Registering another kind under the same type is a programming error."""
    known = _kinds.setdefault(kind.type, kind)
    if known is not kind:
        raise ValueError(f"operation type {kind.type} is registered twice")
    if kind.queue not in QUEUES:
        raise ValueError(f"operation type {kind.type} names an unknown queue {kind.queue}")
    if kind.claim_batch > 1:
        _batches.setdefault(kind.queue, {})[kind.type] = kind.claim_batch


def claim_batches(queue: str) -> dict[str, int]:
    """The short kinds of a queue, with how many of each one claim may take."""
    return _batches.get(queue, {})


def operation_kind(type_: str) -> OperationKind:
    """The registered kind. Raises KeyError."""
    return _kinds[type_]


def operation_kinds() -> tuple[OperationKind, ...]:
    """All registered kinds."""
    return tuple(_kinds.values())


_target_locks: dict[str, Callable[[UUID], object]] = {}


def register_target_lock(target_type: str, lock: Callable[[UUID], object]) -> None:
    """Makes known how such a target is locked, for what locks it together with its operations."""
    _target_locks[target_type] = lock


def target_lock(target_type: str, target_id: UUID | None) -> None:
    """Locks the target under the tenant in scope, if its kind is known to be locked."""
    lock = _target_locks.get(target_type)
    if lock is not None and target_id is not None:
        lock(target_id)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Periodic work: `run` is called once per due moment, however many schedulers there are.

    It runs on a worker as the system, without a tenant; it may open scopes of its own. It must be short
    and idempotent: what takes long it enqueues.
    """

    name: str
    label: str | Promise
    every_s: int
    run: Callable[[], None]


_schedules: dict[str, Schedule] = {}


def register_schedule(schedule: Schedule) -> None:
    """Makes periodic work known; its row is made by the engine's tick."""
    _schedules[schedule.name] = schedule


def schedules() -> dict[str, Schedule]:
    """All registered periodic work by name."""
    return dict(_schedules)


_beats: list[Callable[[], None]] = []


def register_beat(work: Callable[[], None]) -> None:
    """Makes known what every worker process does beside each of its heartbeats; it must be short."""
    if work not in _beats:
        _beats.append(work)


def beats() -> tuple[Callable[[], None], ...]:
    """All that is done beside a heartbeat."""
    return tuple(_beats)
