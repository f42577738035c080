"""What a period made of machines and their price, and the levels it went through. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

Number = TypeVar("Number", int, Decimal)


@dataclass(frozen=True, slots=True)
class Tally:
    """What happened in one hour or day: machines made and gone, what an hour of them costs.

    Of those made, `ready` became usable and `failed` never will; the others are still being made.
    """

    made: int = 0
    gone: int = 0
    ready: int = 0
    failed: int = 0
    price_made: Decimal = Decimal(0)
    price_gone: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class History:
    """The hours or days of a period in their order, and all of the period before in one."""

    tallies: tuple[Tally, ...]
    before: Tally

    @property
    def made(self) -> list[int]:
        return [tally.made for tally in self.tallies]

    @property
    def gone(self) -> list[int]:
        return [tally.gone for tally in self.tallies]

    @property
    def rates(self) -> list[float | None]:
        """Share of what was made that became usable, in percent, hour by hour or day by day."""
        return [success_rate(tally.ready, tally.failed) for tally in self.tallies]

    @property
    def rate(self) -> float | None:
        """The share over the whole period."""
        ready, failed = (
            sum(getattr(t, name) for t in self.tallies) for name in ("ready", "failed")
        )
        return success_rate(ready, failed)

    @property
    def rate_before(self) -> float | None:
        """The share over the period before."""
        return success_rate(self.before.ready, self.before.failed)

    def levels(self, now: int) -> list[int]:
        """How many machines there were at the beginning and after each hour or day; `now` is the last."""
        return _levels(now, self.made, self.gone)

    def price_levels(self, now: Decimal) -> list[Decimal]:
        """What an hour of all machines cost at these moments, each at its present size."""
        made = [tally.price_made for tally in self.tallies]
        return _levels(now, made, [tally.price_gone for tally in self.tallies])


def success_rate(ready: int, failed: int) -> float | None:
    """In percent with one decimal; None where nothing has ended."""
    return round(100 * ready / (ready + failed), 1) if ready + failed else None


def _levels(now: Number, made: Sequence[Number], gone: Sequence[Number]) -> list[Number]:
    levels = [now]
    for come, went in zip(reversed(made), reversed(gone), strict=True):
        levels.append(levels[-1] - come + went)
    return levels[::-1]
