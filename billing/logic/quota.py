"""Quota arithmetic, pure: dimensions, amounts, verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

DIMENSIONS: Final = ("deployments", "cpu_cores", "memory_mb", "disk_gb")
UNITS: Final = {"deployments": "", "cpu_cores": "vCPU", "memory_mb": "MiB", "disk_gb": "GiB"}


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much of each dimension."""

    deployments: int = 0
    cpu_cores: int = 0
    memory_mb: int = 0
    disk_gb: int = 0

    def of(self, dimension: str) -> int:
        """One dimension's amount."""
        return int(getattr(self, dimension))

    def minus(self, other: Amounts) -> Amounts:
        """The difference, which may be negative in a dimension."""
        return Amounts(**{name: self.of(name) - other.of(name) for name in DIMENSIONS})

    def as_dict(self) -> dict[str, int]:
        """For JSON and audit."""
        return {name: self.of(name) for name in DIMENSIONS}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One dimension of a request against its limit; `limit` None means unlimited, 0 means none."""

    dimension: str
    limit: int | None
    used: int
    requested: int

    @property
    def after(self) -> int:
        """What would be used afterwards."""
        return self.used + self.requested

    @property
    def is_allowed(self) -> bool:
        """Only growth is ever refused: shrinking below a lowered limit stays possible."""
        return self.requested <= 0 or self.limit is None or self.after <= self.limit

    @property
    def percent_after(self) -> int | None:
        """How full the dimension would be, None when unlimited."""
        if self.limit is None:
            return None
        return 100 if not self.limit else min(100, round(100 * self.after / self.limit))


def nearly_full(found: Iterable[Verdict]) -> list[Verdict]:
    """Those that the request brings to nine tenths of their limit, or beyond; not those that were there."""
    return [
        verdict
        for verdict in found
        if verdict.limit and 10 * verdict.used < 9 * verdict.limit <= 10 * verdict.after
    ]


def verdicts(
    limits: Mapping[str, int | None], used: Amounts, requested: Amounts
) -> tuple[Verdict, ...]:
    """One verdict per dimension, in the order of DIMENSIONS."""
    return tuple(
        Verdict(name, limits[name], used.of(name), requested.of(name)) for name in DIMENSIONS
    )
