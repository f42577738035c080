"""Further looks of a sweep: each sees and clears findings of its own kinds, after machines were compared.

A look may ask through `sweep.ask`, which bounds all questions of a sweep together. What it does not look at
this time it leaves alone: neither seen nor cleared, a finding stands as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from provisioning.services.reconciliation import Sweep

Look = Callable[["Sweep"], None]
_SOURCES: Final[dict[str, Look]] = {}


def register_finding_source(name: str, look: Look) -> None:
    """Adds or replaces a look."""
    _SOURCES[name] = look


def sources_look(sweep: Sweep) -> None:
    """All of them, one after the other."""
    for look in _SOURCES.values():
        look(sweep)
