"""What beat rings: one tick. Periods of real work are `schedule` rows, fired once however many beats run."""

from __future__ import annotations

from typing import Any

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "engine-tick": {"task": "portal.tick", "schedule": 5.0, "options": {"expires": 10}},
}
