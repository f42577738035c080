"""Tables of the audit."""

from __future__ import annotations

from audit.models.entry import Entry, Outcome
from audit.models.seal import Seal

__all__ = ["Entry", "Outcome", "Seal"]
