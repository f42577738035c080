"""Settings of processes that work at the speed of production on a database of the tests."""

from __future__ import annotations

from config.settings.test import *  # noqa: F403
from config.settings.test import ENGINE, PROVISIONING

ENGINE.update(
    LEASE_S=60.0,
    HEARTBEAT_S=20.0,
    SELF_POLL_S=2.0,
    SWEEP_S=10,
    SWEEP_SILENCE_S=15.0,
    LATE_S=2.0,
    GRACE_S=45.0,
    SLOTS=16,
    BACKOFF_SCALE=1.0,
)
PROVISIONING.update(
    poll_s=1.0,
    parked_poll_s=5.0,
    lock_patience_s=120.0,
    task_silence_s=3600.0,
    clone_window_s=60.0,
    address_polls=40,
    observe_settle_s=30.0,
)
