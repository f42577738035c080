"""What the foot of the side bar says of the clusters, from their stored listings."""

from __future__ import annotations

import threading
import time
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.kernel.ui import PlatformSign, PlatformState, Tone
from provisioning.permissions import Permission
from provisioning.selectors.reachability import Reachability, reachability

KEPT_S: Final = 10.0


class _Memory:
    """The last answer of this process: every page shows it, and listings are not that fresh either."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: Reachability | None = None
        self._until = 0.0

    def found(self) -> Reachability:
        with self._lock:
            if self._found is None or time.monotonic() >= self._until:
                self._found = reachability()
                self._until = time.monotonic() + KEPT_S
            return self._found

    def forget(self) -> None:
        with self._lock:
            self._found = None


_memory = _Memory()


def platform_state_forget() -> None:
    """Drops what this process remembers, for tests that empty the tables under it."""
    _memory.forget()


def clusters_state() -> PlatformState | None:
    """How many clusters can be asked; nothing where none is set up."""
    found = _memory.found()
    if not found.total:
        return None
    values = {"up": found.reachable, "total": found.total}
    if found.reachable == found.total:
        tone = Tone.OK
        title = ngettext("%(up)d cluster reachable", "%(up)d clusters reachable", found.reachable)
    else:
        tone = Tone.WARN if found.reachable else Tone.DANGER
        title = ngettext(
            "%(up)d of %(total)d cluster reachable",
            "%(up)d of %(total)d clusters reachable",
            found.total,
        )
    detail = _("answers in %(ms)d ms") % {"ms": found.latency_ms} if found.latency_ms else ""
    return PlatformState(tone, title % values, detail, "/infrastructure")


CLUSTERS: Final = PlatformSign("clusters", Permission.INFRASTRUCTURE_VIEW, clusters_state)
