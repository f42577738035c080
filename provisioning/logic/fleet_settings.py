"""System settings of applications and of machines that change hands."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.kernel.settings import Rule, SettingDefinition, ValueType

AGENT_WAIT: Final = "cloudpods.bootstrap.agent_wait_minutes"
OFFER_DAYS: Final = "cloudpods.transfer.offer_days"


def _whole(low: int, high: int) -> Rule:
    def rule(value: Any) -> str | None:
        if value == int(value) and low <= value <= high:
            return None
        told = {"low": low, "high": high}
        return gettext("must be a whole number from %(low)s to %(high)s") % told

    return rule


FLEET_SETTINGS: Final = (
    SettingDefinition(
        "cloudpods",
        "bootstrap.agent_wait_minutes",
        ValueType.NUMBER,
        15,
        _("How long an installation waits for the guest's agent before its result is unknown"),
        _whole(1, 240),
        unit="min",
    ),
    SettingDefinition(
        "cloudpods",
        "transfer.offer_days",
        ValueType.NUMBER,
        7,
        _("How many days somebody has to accept a machine"),
        _whole(1, 90),
        unit="d",
    ),
)
