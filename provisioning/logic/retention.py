"""Which backups are kept: pure rules over moments, in the time zone of the schedule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Retention:
    """How many are kept: the latest ones, and the newest of each of the latest days, weeks and months."""

    last: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.last or self.daily or self.weekly or self.monthly)


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup as retention sees it. `is_good`: complete, and nothing says that it cannot be read."""

    key: UUID
    made_at: datetime
    is_good: bool = True
    is_protected: bool = False


def retained(backups: Iterable[Kept], rules: Retention, zone: tzinfo) -> frozenset[UUID]:
    """The keys of those to keep; the rest may be deleted.

    Each rule counts for itself, over good backups that nobody protects; days, weeks and months without a
    backup are not counted. Kept whatever the rules say: protected ones, the newest good one, and all that
    are newer than it. Without any rule everything is kept.
    """
    newest_first = sorted(backups, key=lambda b: (b.made_at, b.key), reverse=True)
    if rules.is_empty:
        return frozenset(b.key for b in newest_first)
    kept = {b.key for b in newest_first if b.is_protected}
    for backup in newest_first:
        kept.add(backup.key)
        if backup.is_good:
            break
    free = [b for b in newest_first if b.is_good and not b.is_protected]
    kept.update(b.key for b in free[: rules.last])
    for limit, span_of in (
        (rules.daily, _day),
        (rules.weekly, _week),
        (rules.monthly, _month),
    ):
        kept.update(_newest_of_spans(free, limit, span_of, zone))
    return frozenset(kept)


def _newest_of_spans(
    newest_first: Sequence[Kept], limit: int, span_of: Callable[[datetime], Any], zone: tzinfo
) -> list[UUID]:
    found: dict[Any, UUID] = {}
    for backup in newest_first:
        span = span_of(backup.made_at.astimezone(zone))
        if span in found:
            continue
        if len(found) == limit:
            break
        found[span] = backup.key
    return list(found.values())


def _day(moment: datetime) -> Any:
    return moment.date()


def _week(moment: datetime) -> Any:
    return moment.isocalendar()[:2]


def _month(moment: datetime) -> Any:
    return (moment.year, moment.month)
