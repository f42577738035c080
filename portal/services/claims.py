"""Claims: taking operations, settling them, storing what their steps remember, prolonging their leases.

Nothing else writes a running row. The statements run as the dispatch role, each in a transaction of its
own, on the database's clock. Every write names the fence that its claim was given, so a worker that lost
its lease writes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from django.conf import settings
from django.db import IntegrityError, connections

from portal.kernel.database.cursors import LedgerCursor
from portal.kernel.queue import LeaseLost, claim_batches
from portal.kernel.tenancy import DISPATCH
from portal.logic.ledger_json import ledger_dumped
from portal.services import claim_statements as statements
from portal.states import AttemptOutcome, OperationStatus

_JSON: Final = ("payload", "steps", "state", "log", "ending")
_COLLISIONS_BORNE: Final = 5


@dataclass(slots=True, eq=False)
class Claim:
    """A running operation in the hands of this worker: what its row said, and what steps changed since."""

    id: UUID
    tenant_id: UUID
    queue: str
    type: str
    payload: dict[str, Any]
    payload_schema: int
    target_type: str
    target_id: UUID | None
    actor_id: UUID | None
    actor_label: str
    request_id: str
    attempts: int
    max_attempts: int
    step: str
    steps: list[dict[str, Any]]
    state: dict[str, Any]
    log: list[str]
    last_error: str | None
    ending: dict[str, Any] | None
    fence: int
    cancel_requested: bool
    created_at: datetime
    is_lost: bool = False
    step_began: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one statement took, in the order to run it; usually one claim, several of a short kind."""

    claims: tuple[Claim, ...] = ()
    has_more: bool = False


@dataclass(slots=True)
class Settlement:
    """What becomes of a claim. `delay_s` is set for what goes on later."""

    status: OperationStatus
    outcome: AttemptOutcome | None = None
    delay_s: float | None = None
    is_continued: bool = False
    last_error: str | None = None
    attention: dict[str, str] | None = None
    result: dict[str, Any] | None = None
    ending: dict[str, Any] | None = None


Settled = Sequence[tuple[Claim, Settlement]]


def claims_take(*, queue: str, worker: str) -> Batch:
    """Takes the next due operation of a queue, or several when it is of a short kind; maybe none.

    Of the operations that share a concurrency key only the one begun, else the oldest due one, can be
    taken. Two workers can still choose two of them in the same instant; the unique index lets one win,
    and the other looks again.
    """
    batches = claim_batches(queue)
    for _ in range(_COLLISIONS_BORNE):
        statement = statements.TAKE_SEVERAL if batches else statements.TAKE_ONE
        try:
            rows = _fetch(statement, _take_parameters(queue, worker, batches))
        except IntegrityError:
            batches = {}
        else:
            return _batch(rows)
    return Batch(has_more=True)


def claims_settle(settled: Settled) -> list[Claim]:
    """Writes what became of claims and gives their rows free.

    Answers those that another worker took over meanwhile; nothing was written about them.
    """
    if not settled:
        return []
    held = {row[0] for row in _fetch(statements.SETTLE, _settle_parameters(settled))}
    return [claim for claim, _ in settled if claim.id not in held]


def claims_settle_and_take(
    settled: Settled, *, queue: str, worker: str
) -> tuple[list[Claim], Batch]:
    """The same, and takes the queue's next in the same statement: half the commits.

    The statement cannot see that its own settlement frees a concurrency key, so the key's next operation
    needs a plain claim afterwards.
    """
    batches = claim_batches(queue)
    parameters = _take_parameters(queue, worker, batches) | _settle_parameters(settled)
    one, several = statements.SETTLE_AND_TAKE_ONE, statements.SETTLE_AND_TAKE_SEVERAL
    try:
        rows = _fetch(several if batches else one, parameters)
    except IntegrityError:
        return claims_settle(settled), claims_take(queue=queue, worker=worker)
    held = set(rows[0][0] or ())
    lost = [claim for claim, _ in settled if claim.id not in held]
    following = _batch([row[1:] for row in rows if row[2] is not None])
    return lost, following if following.claims else claims_take(queue=queue, worker=worker)


def claim_save(claim: Claim) -> None:
    """Stores what the steps remember, between steps or before an effect outside.

    Raises:
        LeaseLost: another worker took over; nothing was written.
    """
    if claim.is_lost:
        raise LeaseLost(claim.id)
    parameters = {
        "id": claim.id,
        "fence": claim.fence,
        "step": claim.step,
        "steps": ledger_dumped(claim.steps),
        "state": ledger_dumped(claim.state),
        "log": ledger_dumped(claim.log),
        "ending": None if claim.ending is None else ledger_dumped(claim.ending),
    }
    rows = _fetch(statements.SAVE, parameters)
    if not rows:
        claim.is_lost = True
        raise LeaseLost(claim.id)
    claim.cancel_requested = rows[0][0]


def claims_extend(claims: Iterable[Claim]) -> None:
    """Prolongs the leases of all running claims in one statement; marks those that were lost."""
    mine = list(claims)
    if not mine:
        return
    parameters = {
        "ids": [claim.id for claim in mine],
        "fences": [claim.fence for claim in mine],
        "lease_s": settings.ENGINE["LEASE_S"],
    }
    held = {row[0] for row in _fetch(statements.EXTEND, parameters)}
    for claim in mine:
        claim.is_lost = claim.is_lost or claim.id not in held


def _take_parameters(queue: str, worker: str, batches: dict[str, int]) -> dict[str, Any]:
    """`look` is one row more than can be taken: whether there is one says that others could help."""
    parameters: dict[str, Any] = {
        "queue": queue,
        "worker": worker,
        "lease_s": settings.ENGINE["LEASE_S"],
        "look": max(batches.values(), default=1) + 1,
    }
    if batches:
        parameters["batches"] = ledger_dumped(batches)
    return parameters


def _settle_parameters(settled: Settled) -> dict[str, Any]:
    # An array as PostgreSQL writes it: the driver would ask each key for its type.
    ids = ",".join(str(claim.id) for claim, _ in settled)
    return {"ids": f"{{{ids}}}", "settlements": _settlements(settled)}


def _settlements(settled: Settled) -> str:
    return ledger_dumped(
        [
            {
                "id": claim.id,
                "fence": claim.fence,
                "step": claim.step,
                "steps": claim.steps,
                "state": claim.state,
                "log": claim.log,
                "status": settlement.status.value,
                "outcome": settlement.outcome.value if settlement.outcome else None,
                "delay_s": settlement.delay_s,
                "is_continued": settlement.is_continued,
                "last_error": settlement.last_error,
                "attention": settlement.attention,
                "result": settlement.result,
                "ending": settlement.ending,
            }
            for claim, settlement in settled
        ]
    )


def _batch(rows: list[tuple[Any, ...]]) -> Batch:
    claims = tuple(_claim(row[1:]) for row in rows)
    return Batch(claims, has_more=bool(rows) and rows[0][0] > len(rows))


def _claim(row: Sequence[Any]) -> Claim:
    values = dict(zip(statements.CLAIM_FIELDS, row, strict=True))
    for name in _JSON:
        if values[name] is not None:
            values[name] = orjson.loads(values[name])
    return Claim(**values)


def _fetch(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Runs a prepared statement: planning it would cost more than carrying it out."""
    wrapper = connections[DISPATCH]
    wrapper.ensure_connection()
    with wrapper.wrap_database_errors, LedgerCursor(wrapper.connection) as cursor:
        return cursor.execute(statement, parameters).fetchall()
