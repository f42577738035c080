"""What the demo's machines have beside themselves; one part per machine, so that none waits for another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class DemoPart:
    """A `kind` (volume, snapshot, backup) of a machine, with what its service wants."""

    machine: str
    kind: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DemoSchedule:
    """Backups of all machines of a tenant that carry a tag."""

    tenant: str
    owner: str
    name: str
    tag: str
    cron: str
    keep_daily: int
    keep_weekly: int


PARTS: Final = (
    DemoPart("monitoring", "volume", {"name": "metrics", "size_gb": 40}),
    DemoPart("front-staging", "volume", {"name": "uploads", "size_gb": 10}),
    DemoPart(
        "wiki", "snapshot", {"name": "before-upgrade", "description": "Before the next release"}
    ),
    DemoPart("shop-client-3", "snapshot", {"name": "clean", "description": "Freshly installed"}),
    DemoPart("jump-ops", "backup", {"notes": "As handed over", "is_protected": True}),
    DemoPart("web-intranet", "backup", {"notes": ""}),
    DemoPart("bastion-1", "backup", {"notes": "Baseline"}),
)
SCHEDULES: Final = (
    DemoSchedule("uhub", "demo-ops", "Intranet, every night", "intranet", "30 2 * * *", 7, 4),
    DemoSchedule("nova", "demo-nova", "Client 3, every night", "client-3", "0 3 * * *", 14, 8),
)
