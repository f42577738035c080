"""System settings of hooks, webhooks and of what may be reached outside."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.kernel.settings import SettingDefinition, ValueType, between

ALLOWED_NETWORKS: Final = "platform.outbound_allowed_networks"
_NETWORKS_MOST: Final = 100


def _networks(value: Any) -> str | None:
    if isinstance(value, list) and len(value) <= _NETWORKS_MOST and all(map(_is_network, value)):
        return None
    return gettext(
        "must be a list of at most %(most)s networks, such as 10.20.0.0/16 or fd00:20::/64"
    ) % {"most": _NETWORKS_MOST}


def _is_network(value: Any) -> bool:
    try:
        ip_network(value if isinstance(value, str) else "")
    except ValueError:
        return False
    return True


def _number(
    key: str, default: float, description: str | Promise, low: float, high: float, unit: str = ""
) -> SettingDefinition:
    return SettingDefinition(
        "cloudpods", key, ValueType.NUMBER, default, description, between(low, high), unit
    )


HOOK_SETTINGS: Final = (
    SettingDefinition(
        "platform",
        "outbound_allowed_networks",
        ValueType.JSON,
        [],
        _("Networks of one's own that hooks, webhooks and probes may reach although not public"),
        _networks,
    ),
    _number("webhooks.timeout_seconds", 15, _("How long a receiver may take"), 1, 60, "s"),
    _number(
        "webhooks.max_retry_delay_seconds",
        3600,
        _("Longest wait between two tries"),
        1,
        86_400,
        "s",
    ),
    _number(
        "webhooks.pause_after_failures",
        20,
        _("How many failures in a row pause a webhook, once they last long enough"),
        1,
        1000,
    ),
    _number(
        "webhooks.pause_after_hours",
        24,
        _("How long a receiver must have failed before its webhook is paused"),
        0,
        720,
        "h",
    ),
    _number(
        "webhooks.keep_hours",
        72,
        _("How long a message waits for its receiver before it is given up"),
        1,
        720,
        "h",
    ),
    _number(
        "webhooks.rotation_hours",
        24,
        _("How long messages are also signed with the key before the newest"),
        0,
        720,
        "h",
    ),
    _number(
        "webhooks.retention_days", 30, _("How long messages that ended are kept"), 1, 3650, "d"
    ),
    _number("webhooks.per_organisation", 20, _("How many webhooks an organisation has"), 1, 500),
    _number("hooks.per_organisation", 50, _("How many hooks an organisation has"), 1, 500),
    _number("hooks.max_timeout_seconds", 300, _("The longest time a hook may take"), 1, 3600, "s"),
    _number("hooks.retention_days", 90, _("How long runs of hooks are kept"), 1, 3650, "d"),
)
