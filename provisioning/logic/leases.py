"""The arithmetic of leases, pure. All spans are hours of UTC, so a clock change moves nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

HOURS_MOST: Final = 87_600


@dataclass(frozen=True, slots=True)
class ExtensionRules:
    """What a person may add without asking: hours per step, hours of life in all."""

    step_hours: int
    total_hours: int


@dataclass(frozen=True, slots=True)
class RuleBreach:
    """Which rule an extension breaks: `step` or `total`, what it allows and what was asked."""

    rule: str
    limit_hours: int
    asked_hours: int


def end_moved(expires_at: datetime, now: datetime, hours: int) -> datetime:
    """The new end: later counts from the end, or from now when that is past; earlier is never before now."""
    if hours > 0:
        return max(expires_at, now) + timedelta(hours=hours)
    return max(expires_at + timedelta(hours=hours), now)


def rule_broken(
    rules: ExtensionRules, *, created_at: datetime, new_end: datetime, hours: int
) -> RuleBreach | None:
    """The first rule that an extension breaks; shortening breaks none."""
    if hours <= 0:
        return None
    if hours > rules.step_hours:
        return RuleBreach("step", rules.step_hours, hours)
    total_hours = -((created_at - new_end) // timedelta(hours=1))
    if total_hours > rules.total_hours:
        return RuleBreach("total", rules.total_hours, total_hours)
    return None


def offset_reached(
    ends_at: datetime, now: datetime, offsets_hours: Iterable[int], *, since: datetime | None = None
) -> int | None:
    """The nearest offset before the end that has been reached, None when none has.

    With `since`, when the end was set, only offsets that lie after it count: whoever asks for a day needs
    no warning three days ahead.
    """
    reached = [
        hours
        for hours in offsets_hours
        if ends_at - now <= timedelta(hours=hours)
        and (since is None or ends_at - since > timedelta(hours=hours))
    ]
    return min(reached, default=None)
