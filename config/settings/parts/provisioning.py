"""Time constants of provisioning, in seconds; tests use fractions."""

from __future__ import annotations

PROVISIONING = {
    "poll_s": 1.0,
    "parked_poll_s": 5.0,
    "sweep_slots_every_s": 60,
    "lock_patience_s": 120.0,
    "task_silence_s": 3600.0,
    "clone_window_s": 60.0,
    "address_polls": 40,
    "observe_every_s": 10,
    "observe_settle_s": 30.0,
    "listing_age_s": 60.0,
    "recheck_s": 60.0,
    "patrol_s": 900.0,
    "patrol_reads": 2,
    "expire_every_s": 30,
    "check_names_every_s": 60,
    "name_server_wait_s": 1.0,
    "windows_every_s": 15,
    "transfers_every_s": 600,
}
