"""Signs of life: when a worker and the scheduler last reported, by the database's clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import connection

BEAT: Final = "scheduler.beat"
"""The row that the scheduler's own tick moves; ticks of workers that help out do not."""
OK: Final = "ok"
SILENT: Final = "silent"

_SIGNS: Final = """
  SELECT
    (SELECT extract(epoch FROM now() - max(last_heartbeat_at))::float8 FROM portal_worker
      WHERE status = 'online'),
    (SELECT extract(epoch FROM now() - last_due_at)::float8 FROM portal_schedule
      WHERE name = %(beat)s)"""


@dataclass(frozen=True, slots=True)
class Liveness:
    """How long ago, in seconds; None for never."""

    worker_s: float | None
    scheduler_s: float | None

    def checks(self, *, silence_s: float) -> dict[str, str]:
        """Ok or silent, for each."""
        return {
            "workers": _word(self.worker_s, silence_s),
            "scheduler": _word(self.scheduler_s, silence_s),
        }

    def fallen_silent(self, *, silence_s: float) -> tuple[str, ...]:
        """Those that reported once and do not any more; what never ran is said elsewhere."""
        ages = {"workers": self.worker_s, "scheduler": self.scheduler_s}
        return tuple(name for name, age in ages.items() if age is not None and age > silence_s)


def liveness() -> Liveness:
    """One statement, as the role of the request."""
    with connection.cursor() as cursor:
        cursor.execute(_SIGNS, {"beat": BEAT})
        worker_s, scheduler_s = cursor.fetchone()
    return Liveness(worker_s, scheduler_s)


def _word(age_s: float | None, silence_s: float) -> str:
    return OK if age_s is not None and age_s <= silence_s else SILENT
