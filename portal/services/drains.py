"""Draining a queue: claim, run, finish and claim the next, until nothing is due or the budget is spent."""

from __future__ import annotations

import time
from typing import Protocol

import structlog
from django.conf import settings

from portal.kernel.queue import LeaseLost
from portal.kernel.tallies import TALLIES
from portal.services.claims import (
    Batch,
    Claim,
    Settlement,
    claims_settle,
    claims_settle_and_take,
    claims_take,
)
from portal.services.runs import operation_run
from portal.states import AttemptOutcome, OperationStatus

_log = structlog.get_logger(__name__)


class Desk(Protocol):
    """Where a drain works: the worker process around it."""

    @property
    def name(self) -> str: ...

    def is_draining(self) -> bool:
        """Whether no further operation may be taken."""
        ...

    def took(self, claim: Claim) -> None:
        """The claim runs here from now on; its lease is to be prolonged."""
        ...

    def gave_back(self, claim: Claim) -> None:
        """The claim does not run here any more."""
        ...

    def more_is_due(self, queue: str) -> None:
        """Somebody else could work on this queue too."""
        ...

    def is_due_in(self, delay_s: float) -> None:
        """Something will be due then."""
        ...


def drain(queue: str, *, desk: Desk) -> int:
    """Works on a queue until nothing is due, the budget is spent or the desk drains; answers how many ran."""
    deadline = time.monotonic() + settings.ENGINE["DRAIN_BUDGET_S"]
    most, ran = settings.ENGINE["DRAIN_BUDGET_OPERATIONS"], 0
    batch = Batch() if desk.is_draining() else claims_take(queue=queue, worker=desk.name)
    while batch.claims:
        ran += len(batch.claims)
        has_budget = ran < most and time.monotonic() < deadline
        batch = _work(queue, batch, desk, may_take_next=has_budget)
    if batch.has_more:
        desk.more_is_due(queue)
    return ran


def _work(queue: str, batch: Batch, desk: Desk, *, may_take_next: bool) -> Batch:
    """Runs what one claim took and answers what the next one did."""
    if batch.has_more:
        desk.more_is_due(queue)
    for claim in batch.claims:
        desk.took(claim)
    try:
        settled = _run(batch, desk)
        if not may_take_next or desk.is_draining():
            _settled(settled, claims_settle(settled), desk)
            desk.more_is_due(queue)
            return Batch()
        lost, following = claims_settle_and_take(settled, queue=queue, worker=desk.name)
        _settled(settled, lost, desk)
        return following
    finally:
        for claim in batch.claims:
            desk.gave_back(claim)


def _run(batch: Batch, desk: Desk) -> list[tuple[Claim, Settlement]]:
    """Runs one after the other; answers what is left to write.

    What has ended is written while others still wait, so that a crash makes no more of it run again than
    what ended a moment ago.
    """
    settled: list[tuple[Claim, Settlement]] = []
    written = time.monotonic()
    for place, claim in enumerate(batch.claims):
        if place and time.monotonic() - written > settings.ENGINE["BATCH_WRITE_S"]:
            _settled(settled, claims_settle(settled), desk)
            settled, written = [], time.monotonic()
        try:
            settled.append((claim, _outcome(claim, desk, is_first=place == 0)))
        except LeaseLost:
            _lost(claim, desk)
            desk.more_is_due(claim.queue)
    return settled


def _outcome(claim: Claim, desk: Desk, *, is_first: bool) -> Settlement:
    """What becomes of a claim; what still waits when the desk begins to drain is given back untouched."""
    if not is_first and desk.is_draining():
        return Settlement(OperationStatus.PENDING, delay_s=0.0, is_continued=True)
    claim.step_began = time.monotonic()
    return operation_run(claim, is_draining=desk.is_draining)


def _settled(settled: list[tuple[Claim, Settlement]], lost: list[Claim], desk: Desk) -> None:
    for claim in lost:
        _lost(claim, desk)
    for claim, settlement in settled:
        desk.gave_back(claim)
        if settlement.outcome is not None and claim not in lost:
            _counted(claim, settlement.status, settlement.outcome)
        if settlement.delay_s is not None:
            desk.is_due_in(settlement.delay_s)


def _counted(claim: Claim, status: OperationStatus, outcome: AttemptOutcome) -> None:
    """One try that ended, for the totals and for how its queue fares."""
    is_retried = outcome is AttemptOutcome.RETRIED
    word = outcome.value if is_retried else status.value
    TALLIES.count("operations_ended", type=claim.type, queue=claim.queue, outcome=word)
    if status is OperationStatus.CANCELED:
        return
    is_done = status is OperationStatus.COMPLETED
    TALLIES.ended(claim.queue, "retried" if is_retried else "completed" if is_done else "failed")


def _lost(claim: Claim, desk: Desk) -> None:
    TALLIES.count("leases_lost", queue=claim.queue)
    _log.warning("operation.lease_lost", operation_id=str(claim.id), worker=desk.name)
