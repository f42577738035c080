"""Tables of the audit."""

from __future__ import annotations

from audit.models.entry import Entry, Outcome
from audit.models.seal import Seal
from audit.models.system_event import Level, SystemEvent

__all__ = ["Entry", "Level", "Outcome", "Seal", "SystemEvent"]
