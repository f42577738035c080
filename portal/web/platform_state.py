"""What the foot of the side bar says of workers and scheduler: nothing, unless somebody is silent."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _

from portal.kernel.ui import PlatformSign, PlatformState, Tone
from portal.permissions import Permission
from portal.services.readiness import silent_parts


def silence_state() -> PlatformState | None:
    """Red while workers or the scheduler have been silent for longer than the setting allows."""
    silent = silent_parts()
    if "workers" in silent:
        title, detail = _("No worker reports"), _("nothing begins until one is started")
    elif "scheduler" in silent:
        title, detail = _("The scheduler is silent"), _("periodic work is helped out with")
    else:
        return None
    return PlatformState(Tone.DANGER, title, detail, "/workers", is_alert=True)


SILENCE: Final = PlatformSign("silence", Permission.WORKERS_VIEW, silence_state, 10)
