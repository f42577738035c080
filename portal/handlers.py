"""What the platform itself does periodically."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from portal.kernel.queue import Schedule, register_schedule
from portal.services.schedules import SWEEP
from portal.services.sweeps import sweep


def register() -> None:
    """Makes the engine's own schedule known."""
    every_s: int = settings.ENGINE["SWEEP_S"]
    register_schedule(Schedule(SWEEP, _("Recover lost operations"), every_s, sweep))
