"""What the audit does periodically."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from audit.services.sealer import entries_seal
from portal.kernel.queue import Schedule, register_schedule

SEAL_EVERY_S = 60


def _seal() -> None:
    entries_seal()


def register() -> None:
    """Makes the sealer's schedule known."""
    register_schedule(Schedule("audit.seal", _("Seal the audit"), SEAL_EVERY_S, _seal))
