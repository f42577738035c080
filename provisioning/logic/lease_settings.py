"""System settings of leases."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.kernel.settings import Rule, SettingDefinition, ValueType
from provisioning.logic.leases import HOURS_MOST

NOTICE_LEAST_H: Final = 24
_OFFSETS_MOST: Final = 10


def whole(low: int, high: int) -> Rule:
    """A whole number within bounds."""

    def rule(value: Any) -> str | None:
        if value == int(value) and low <= value <= high:
            return None
        return gettext("must be a whole number from %(low)s to %(high)s") % {
            "low": low,
            "high": high,
        }

    return rule


def _offsets(value: Any) -> str | None:
    is_list = isinstance(value, list) and 1 <= len(value) <= _OFFSETS_MOST
    if is_list and all(_is_hours(hours) for hours in value) and len(set(value)) == len(value):
        return None
    return gettext("must be a list of 1 to %(most)s different whole numbers from 1 to 8760") % {
        "most": _OFFSETS_MOST
    }


def _is_hours(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 8760


def _number(key: str, default: int, text: Any, rule: Rule) -> SettingDefinition:
    return SettingDefinition(
        "cloudpods", f"lease.{key}", ValueType.NUMBER, default, text, rule, unit="h"
    )


LEASE_SETTINGS: Final = (
    _number(
        "max_total_hours",
        2160,
        _("Longest life that extensions give without an approval, from the creation on"),
        whole(1, HOURS_MOST),
    ),
    SettingDefinition(
        "cloudpods",
        "lease.warn_stop_hours",
        ValueType.JSON,
        [72, 24, 4],
        _("How many hours before a lease ends its owner is warned"),
        _offsets,
    ),
    SettingDefinition(
        "cloudpods",
        "lease.warn_delete_hours",
        ValueType.JSON,
        [72, 24],
        _(
            "How many hours before a deletion its owner is warned; the last time administrators, too"
        ),
        _offsets,
    ),
    _number(
        "delete_notice_hours",
        NOTICE_LEAST_H,
        _("How long before a deletion its warning must have been delivered"),
        whole(NOTICE_LEAST_H, 8760),
    ),
    _number(
        "request_wait_hours",
        168,
        _("How long a request for more time holds up the deletion"),
        whole(1, 8760),
    ),
)
