"""Workers that are measured: the test database, and otherwise what production has."""

from __future__ import annotations

from config import env
from config.settings.test import *  # noqa: F403
from config.settings.test import DATABASES, ENGINE

for _alias in ("default", "platform", "dispatch"):
    DATABASES[_alias]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 8, "timeout": 10}
ENGINE.update(
    LEASE_S=60.0,
    HEARTBEAT_S=20.0,
    SELF_POLL_S=2.0,
    SWEEP_S=10,
    SWEEP_SILENCE_S=15.0,
    LATE_S=2.0,
    SLOTS=env.number("ENGINE_SLOTS", 1),
)
