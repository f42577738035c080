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
    "copies_every_s": 20,
    "webhooks_every_s": 15,
    "hooks_purge_every_s": 3600,
    "health_every_s": 10,
    "health_budget_s": 30.0,
    "agent_retry_s": 900.0,
    "heal_patience_s": 600.0,
}

# The web console: how long a ticket is good, how often who looks is checked, how many at once.
CONSOLE = {
    "ticket_s": 30.0,
    "recheck_s": 3.0,
    "rechecks_per_identity": 10,
    "per_user": 5,
    "per_process": 200,
}
