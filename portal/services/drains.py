"""Draining a queue: claim, run, finish and claim the next, until nothing is due or the budget is spent."""

from __future__ import annotations

import time
from typing import Protocol

import structlog
from django.conf import settings

from portal.kernel.queue import LeaseLost
from portal.services.claims import (
    Claim,
    SettledTooLate,
    Settlement,
    claim_next,
    claim_settle,
    claim_settle_and_next,
)
from portal.services.runs import operation_run

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
    claim = None if desk.is_draining() else claim_next(queue=queue, worker=desk.name)
    while claim is not None:
        ran += 1
        has_budget = ran < most and time.monotonic() < deadline
        claim = _work(claim, desk, may_take_next=has_budget)
    return ran


def _work(claim: Claim, desk: Desk, *, may_take_next: bool) -> Claim | None:
    """Runs one claim and answers the next one."""
    if claim.has_more:
        desk.more_is_due(claim.queue)
    desk.took(claim)
    try:
        settlement = operation_run(claim, is_draining=desk.is_draining)
        following = _settle(claim, settlement, desk, may_take_next=may_take_next)
    except SettledTooLate as late:
        _log.warning("operation.lease_lost", operation=str(claim.id), worker=desk.name)
        following = late.next_claim
    except LeaseLost:
        _log.warning("operation.lease_lost", operation=str(claim.id), worker=desk.name)
        following = None
        desk.more_is_due(claim.queue)
    finally:
        desk.gave_back(claim)
    return following


def _settle(
    claim: Claim, settlement: Settlement, desk: Desk, *, may_take_next: bool
) -> Claim | None:
    if may_take_next and not desk.is_draining():
        following = claim_settle_and_next(claim, settlement, worker=desk.name)
    else:
        claim_settle(claim, settlement)
        following = None
        desk.more_is_due(claim.queue)
    if settlement.delay_s is not None:
        desk.is_due_in(settlement.delay_s)
    return following
