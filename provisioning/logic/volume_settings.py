"""System settings of additional disks."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.kernel.settings import Rule, SettingDefinition, ValueType

MIN_GB: Final = "cloudpods.volumes.min_gb"
MAX_GB: Final = "cloudpods.volumes.max_gb"
MAX_PER_DEPLOYMENT: Final = "cloudpods.volumes.max_per_deployment"


def _whole(low: int, high: int) -> Rule:
    def rule(value: Any) -> str | None:
        if value == int(value) and low <= value <= high:
            return None
        told = {"low": low, "high": high}
        return gettext("must be a whole number from %(low)s to %(high)s") % told

    return rule


def _number(key: str, default: int, text: Any, rule: Rule, unit: Any = "") -> SettingDefinition:
    name = key.removeprefix("cloudpods.")
    return SettingDefinition("cloudpods", name, ValueType.NUMBER, default, text, rule, unit=unit)


VOLUME_SETTINGS: Final = (
    _number(MIN_GB, 1, _("The smallest volume that can be asked for"), _whole(1, 1024), _("GiB")),
    _number(
        MAX_GB, 2048, _("The largest volume that can be asked for"), _whole(1, 65536), _("GiB")
    ),
    _number(MAX_PER_DEPLOYMENT, 8, _("How many volumes one deployment may have"), _whole(1, 30)),
)
