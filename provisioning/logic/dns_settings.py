"""System settings of names."""

from __future__ import annotations

from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.kernel.settings import SettingDefinition, ValueType, between


def _number(
    key: str, default: float, text: str | Promise, low: float, high: float, **more: Any
) -> SettingDefinition:
    return SettingDefinition(
        "cloudpods", f"dns.{key}", ValueType.NUMBER, default, text, between(low, high), **more
    )


DNS_SETTINGS: Final = (
    SettingDefinition(
        "cloudpods",
        "dns.pointers",
        ValueType.BOOLEAN,
        True,
        _("Machines also get the name of their address where uHub keeps its reverse zone."),
    ),
    _number("check_minutes", 10, _("How often a zone is compared with its name server"), 1, 1440),
    _number(
        "questions_per_check",
        200,
        _("How many names of a zone are asked for at one check, the longest unasked first"),
        0,
        5000,
    ),
    _number("records_per_machine", 20, _("How many names a machine has at most"), 1, 200),
)
