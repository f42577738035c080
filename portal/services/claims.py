"""The statements that move operations: claim, settle, save, extend. Nothing else writes a running row.

They run as the dispatch role, each in a transaction of its own, on the database's clock. Every write
names the fence that its claim was given, so a worker that lost its lease writes nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, connections

from portal.kernel.queue import LeaseLost
from portal.kernel.tenancy import DISPATCH
from portal.states import AttemptOutcome, OperationStatus

_COLUMNS: Final = (
    "id, tenant_id, queue, type, payload, payload_schema, target_type, target_id, actor_id, "
    "actor_label, request_id, attempts, max_attempts, step, steps, state, log, last_error, ending, "
    "fence, cancel_requested, created_at"
)


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
    has_more: bool = False
    is_lost: bool = False
    step_began: float = field(default_factory=time.monotonic)


_JSON: Final = frozenset({"payload", "steps", "state", "log", "ending"})
_FIELDS: Final = tuple(name.strip() for name in _COLUMNS.split(","))


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


class SettledTooLate(LeaseLost):
    """The claim was lost, but the same statement took the next operation."""

    def __init__(self, operation_id: UUID, next_claim: Claim | None) -> None:
        super().__init__(operation_id)
        self.next_claim = next_claim


_DUE: Final = f"""
  due AS MATERIALIZED (
    SELECT o.id, o.priority, o.fair_at FROM portal_operation o
    WHERE o.status = 'pending' AND o.queue = %(queue)s AND o.scheduled_at <= now()
      AND (o.concurrency_key = '' OR o.started_at IS NOT NULL OR NOT EXISTS (
        SELECT 1 FROM portal_operation h
        WHERE h.concurrency_key = o.concurrency_key AND h.concurrency_key <> ''
          AND h.status IN ('pending', 'running') AND h.id <> o.id
          AND (h.started_at IS NOT NULL OR (h.id < o.id AND h.scheduled_at <= now()))))
    ORDER BY o.priority DESC, o.fair_at, o.id
    LIMIT 2 FOR UPDATE OF o SKIP LOCKED
  ), chosen AS (
    SELECT id FROM due ORDER BY priority DESC, fair_at, id LIMIT 1
  ), claimed AS (
    UPDATE portal_operation o SET
      status = 'running', fence = nextval('portal_operation_fence'), worker = %(worker)s,
      lease_expires_at = now() + make_interval(secs => %(lease_s)s),
      started_at = coalesce(o.started_at, now()),
      try_started_at = CASE WHEN o.is_continued THEN o.try_started_at ELSE now() END,
      attempts = o.attempts + CASE WHEN o.is_continued THEN 0 ELSE 1 END,
      is_continued = false, updated_at = now()
    FROM chosen WHERE o.id = chosen.id
    RETURNING {", ".join("o." + name for name in _FIELDS)}
  )"""  # noqa: S608 - constants alone

_CLAIM: Final = (
    f"WITH {_DUE} SELECT {_COLUMNS}, (SELECT count(*) > 1 FROM due) AS has_more "  # noqa: S608
    "FROM claimed"
)

_SETTLED: Final = """
  settled AS (
    UPDATE portal_operation SET
      status = %(status)s, step = %(step)s, steps = %(steps)s, state = %(state)s, log = %(log)s,
      last_error = %(last_error)s, attention = %(attention)s, result = %(result)s,
      ending = %(ending)s, is_continued = %(is_continued)s,
      scheduled_at = coalesce(now() + make_interval(secs => %(delay_s)s), scheduled_at),
      completed_at = CASE WHEN %(is_ended)s THEN now() END,
      lease_expires_at = NULL, updated_at = now()
    WHERE id = %(id)s AND fence = %(fence)s AND status = 'running'
    RETURNING id, tenant_id, attempts, fence, worker, try_started_at
  ), tried AS (
    INSERT INTO portal_operationattempt
      (id, tenant_id, operation_id, attempt, fence, worker, started_at, finished_at, outcome, error)
    SELECT gen_random_uuid(), tenant_id, id, attempts, fence, worker, try_started_at, now(),
           %(outcome)s, %(last_error)s
    FROM settled WHERE %(outcome)s <> ''
    ON CONFLICT DO NOTHING
  )"""

_SETTLE: Final = f"WITH {_SETTLED} SELECT count(*) FROM settled"  # noqa: S608 - constants alone

_SETTLE_AND_CLAIM: Final = (
    f"WITH {_SETTLED}, {_DUE} SELECT {_COLUMNS}, (SELECT count(*) > 1 FROM due), "  # noqa: S608
    "(SELECT count(*) FROM settled) FROM (VALUES (1)) AS always LEFT JOIN claimed ON true"
)

_SAVE: Final = """
  UPDATE portal_operation SET
    step = %(step)s, steps = %(steps)s, state = %(state)s, log = %(log)s, ending = %(ending)s,
    updated_at = now()
  WHERE id = %(id)s AND fence = %(fence)s AND status = 'running'
  RETURNING cancel_requested"""

_EXTEND: Final = """
  UPDATE portal_operation o SET lease_expires_at = now() + make_interval(secs => %(lease_s)s)
  FROM unnest(%(ids)s::uuid[], %(fences)s::bigint[]) AS mine (id, fence)
  WHERE o.id = mine.id AND o.fence = mine.fence AND o.status = 'running'
  RETURNING o.id"""


def claim_next(*, queue: str, worker: str) -> Claim | None:
    """Takes the next due operation of a queue, or answers None.

    Of the operations that share a concurrency key only the one begun, else the oldest due one, can be
    taken. Two workers can still choose two of them in the same instant; the unique index lets one win.
    """
    try:
        rows = _fetch(_CLAIM, _claim_parameters(queue, worker))
    except IntegrityError:
        rows = _fetch(_CLAIM, _claim_parameters(queue, worker))
    return _claim(rows[0]) if rows else None


def claim_settle(claim: Claim, settlement: Settlement) -> None:
    """Writes what became of a claim and gives the row free.

    Raises:
        LeaseLost: another worker took over; nothing was written.
    """
    if _fetch(_SETTLE, _settle_parameters(claim, settlement))[0][0] != 1:
        raise LeaseLost(claim.id)


def claim_settle_and_next(claim: Claim, settlement: Settlement, *, worker: str) -> Claim | None:
    """The same, and takes the queue's next operation in the same statement: half the commits.

    The statement cannot see that its own settlement frees a concurrency key, so the key's next operation
    needs a plain claim afterwards.

    Raises:
        SettledTooLate: another worker took over; nothing was written. What the same statement claimed is
            in `next_claim`.
    """
    parameters = {**_settle_parameters(claim, settlement), **_claim_parameters(claim.queue, worker)}
    try:
        row = _fetch(_SETTLE_AND_CLAIM, parameters)[0]
    except IntegrityError:
        claim_settle(claim, settlement)
        return claim_next(queue=claim.queue, worker=worker)
    following = _claim(row[:-1]) if row[0] is not None else None
    if row[-1] != 1:
        raise SettledTooLate(claim.id, following)
    return following or claim_next(queue=claim.queue, worker=worker)


def claim_save(claim: Claim) -> None:
    """Stores what the steps remember, between steps or before an effect outside.

    Raises:
        LeaseLost: another worker took over; nothing was written.
    """
    if claim.is_lost:
        raise LeaseLost(claim.id)
    rows = _fetch(_SAVE, _row_parameters(claim) | {"ending": _dumped(claim.ending)})
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
    held = {row[0] for row in _fetch(_EXTEND, parameters)}
    for claim in mine:
        claim.is_lost = claim.is_lost or claim.id not in held


def _claim_parameters(queue: str, worker: str) -> dict[str, Any]:
    return {"queue": queue, "worker": worker, "lease_s": settings.ENGINE["LEASE_S"]}


def _row_parameters(claim: Claim) -> dict[str, Any]:
    return {
        "id": claim.id,
        "fence": claim.fence,
        "step": claim.step,
        "steps": _dumped(claim.steps),
        "state": _dumped(claim.state),
        "log": _dumped(claim.log),
    }


def _settle_parameters(claim: Claim, settlement: Settlement) -> dict[str, Any]:
    return _row_parameters(claim) | {
        "status": settlement.status.value,
        "outcome": settlement.outcome.value if settlement.outcome else "",
        "delay_s": settlement.delay_s,
        "is_continued": settlement.is_continued,
        "is_ended": settlement.status not in (OperationStatus.PENDING, OperationStatus.RUNNING),
        "last_error": settlement.last_error,
        "attention": _dumped(settlement.attention),
        "result": _dumped(settlement.result),
        "ending": _dumped(settlement.ending),
    }


def _dumped(value: dict[str, Any] | list[Any] | None) -> str | None:
    return None if value is None else json.dumps(value, cls=DjangoJSONEncoder)


def _claim(row: Sequence[Any]) -> Claim:
    values = dict(zip(_FIELDS, row, strict=False))
    for name in _JSON:
        if isinstance(values[name], str):
            values[name] = json.loads(values[name])
    return Claim(**values, has_more=bool(row[len(_FIELDS)]))


def _fetch(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connections[DISPATCH].cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()
