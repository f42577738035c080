"""What a deployment costs: hourly rates of its template times what it is given.

Rule: hourly = base + cores·cpu + memory_gb·memory + disk_gb·disk, exact decimals; an amount over a span is
rounded once, half up, to the cent (French practice for document amounts).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

CENT: Final = Decimal("0.01")
HOURS_PER_MONTH: Final = Decimal(730)
_MB_PER_GB: Final = Decimal(1024)


@dataclass(frozen=True, slots=True)
class HourlyRates:
    """A template's prices per hour: a base, and per vCPU, per GiB of memory and per GiB of disk."""

    base: Decimal
    cpu_core: Decimal
    memory_gb: Decimal
    disk_gb: Decimal


@dataclass(frozen=True, slots=True)
class Cost:
    """A price in one currency: exact per hour; rounded per day, month and over the planned life."""

    currency: str
    per_hour: Decimal
    per_day: Decimal
    per_month: Decimal
    total: Decimal | None


def hourly_price(rates: HourlyRates, *, cpu_cores: int, memory_mb: int, disk_gb: int) -> Decimal:
    """The exact price of one hour, to six decimals."""
    exact = (
        rates.base
        + rates.cpu_core * cpu_cores
        + rates.memory_gb * (Decimal(memory_mb) / _MB_PER_GB)
        + rates.disk_gb * disk_gb
    )
    return exact.quantize(Decimal("0.000001"), rounding=ROUND_HALF_UP)


def amount(per_hour: Decimal, hours: Decimal | int) -> Decimal:
    """The price of a span in cents, rounded once."""
    return (per_hour * Decimal(hours)).quantize(CENT, rounding=ROUND_HALF_UP)


def cost(per_hour: Decimal, *, hours: int | None, currency: str) -> Cost:
    """The figures shown before a submit; `hours` None means no planned end."""
    return Cost(
        currency=currency,
        per_hour=per_hour,
        per_day=amount(per_hour, 24),
        per_month=amount(per_hour, HOURS_PER_MONTH),
        total=None if hours is None else amount(per_hour, hours),
    )
