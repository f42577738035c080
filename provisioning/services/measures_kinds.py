"""What happens by itself around figures: rollups, partitions, our own hosts, telling of alerts."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from portal.events import PlatformBootstrapped
from portal.kernel import events
from portal.kernel.queue import Schedule, register_beat, register_schedule
from provisioning.services.alert_notices import alert_notices_register
from provisioning.services.alert_rules import rules_ensure
from provisioning.services.alerting import alerts_settle
from provisioning.services.hosts import portal_host_measure
from provisioning.services.rollups import partitions_schedule, rollups_schedule

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600


def _on_bootstrap(_event: PlatformBootstrapped) -> None:
    rules_ensure()


def measures_register() -> None:
    """Makes it known to the engine."""
    register_schedule(Schedule("measures.roll", _("Sum up figures"), _MINUTE_S, rollups_schedule))
    register_schedule(
        Schedule(
            "measures.partitions",
            _("Make and drop partitions of figures"),
            _HOUR_S,
            partitions_schedule,
        )
    )
    register_schedule(Schedule("alerts.settle", _("Tell of alerts"), _MINUTE_S, alerts_settle))
    register_beat(portal_host_measure)
    events.subscribe(PlatformBootstrapped, _on_bootstrap)
    alert_notices_register()
