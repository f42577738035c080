"""What follows from a request for a disk, before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from billing.logic.pricing import Cost
from billing.logic.quota import Amounts, Verdict
from billing.services.quotas import quota_exceeded
from portal.kernel.errors import Fault
from provisioning.errors import VolumeInvalid


@dataclass(frozen=True, slots=True)
class VolumePlan:
    """All that follows from a request for a disk, or for a larger one."""

    name: str
    size_gb: int
    storage: str
    amounts: Amounts
    price_gb_hour: Any
    cost: Cost
    quota: tuple[Verdict, ...]
    faults: tuple[Fault, ...]

    @property
    def is_allowed(self) -> bool:
        """Whether a submit of the same request would be accepted now."""
        return not self.faults and all(verdict.is_allowed for verdict in self.quota)

    def demand(self) -> None:
        """Passes, or raises what forbids the submit. Raises VolumeInvalid, QuotaExceeded."""
        if self.faults:
            raise VolumeInvalid(faults=self.faults)
        refused = [verdict for verdict in self.quota if not verdict.is_allowed]
        if refused:
            raise quota_exceeded(refused)
