"""System settings of health, healing and consoles."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.kernel.settings import SettingDefinition, ValueType, between

HEAL_ENABLED: Final = "cloudpods.auto_heal.enabled"
THRESHOLD: Final = "cloudpods.auto_heal.failure_threshold"
ATTEMPTS: Final = "cloudpods.auto_heal.max_attempts"
WINDOW_H: Final = "cloudpods.auto_heal.window_hours"
BACKOFF_MIN: Final = "cloudpods.auto_heal.backoff_minutes"
LEASE_MARGIN_MIN: Final = "cloudpods.auto_heal.lease_margin_minutes"
AT_ONCE: Final = "cloudpods.auto_heal.max_per_cluster"
CIRCUIT_PERCENT: Final = "cloudpods.auto_heal.circuit_percent"
CIRCUIT_MINIMUM: Final = "cloudpods.auto_heal.circuit_minimum"
INTERVAL_S: Final = "cloudpods.health.interval_seconds"
AGENT_PINGED: Final = "cloudpods.health.agent_ping"
NETWORKS: Final = "cloudpods.health.networks"
RETENTION_H: Final = "cloudpods.health.retention_hours"
CONSOLE_IDLE_MIN: Final = "cloudpods.console.idle_minutes"
CONSOLE_LONGEST_MIN: Final = "cloudpods.console.max_minutes"
CONSOLE_KEPT_D: Final = "cloudpods.console.retention_days"
_NETWORKS_MOST: Final = 200


def networks_fault(value: Any) -> str | None:
    """Rule: a list of networks such as 10.20.0.0/16."""
    told = gettext("must be a list of at most %(most)s networks such as 10.20.0.0/16") % {
        "most": _NETWORKS_MOST
    }
    if not isinstance(value, list) or len(value) > _NETWORKS_MOST:
        return told
    for text in value:
        if not isinstance(text, str):
            return told
        try:
            ip_network(text)
        except ValueError as error:
            return f"{told}: {error}"
    return None


def _number(
    name: str, default: int, text: str | Promise, low: int, high: int, unit: str = ""
) -> SettingDefinition:
    namespace, _dot, key = name.partition(".")
    return SettingDefinition(
        namespace, key, ValueType.NUMBER, default, text, between(low, high), unit=unit
    )


def _flag(name: str, text: str | Promise, *, default: bool) -> SettingDefinition:
    namespace, _dot, key = name.partition(".")
    return SettingDefinition(namespace, key, ValueType.BOOLEAN, default, text)


HEALTH_SETTINGS: Final = (
    _flag(
        HEAL_ENABLED,
        _("Whether machines that are known to be unwell are started or restarted"),
        default=False,
    ),
    _number(
        THRESHOLD,
        3,
        _("How often in a row a machine must be known to be unwell before that"),
        1,
        100,
    ),
    _number(
        ATTEMPTS,
        3,
        _("How often a machine is healed within the window; then an operator is asked"),
        1,
        50,
    ),
    _number(WINDOW_H, 6, _("The window in which healings are counted"), 1, 720, "h"),
    _number(
        BACKOFF_MIN,
        2,
        _("How long after a healing the next one may come; doubled each time"),
        0,
        1440,
        "min",
    ),
    _number(
        LEASE_MARGIN_MIN,
        15,
        _("How long before the end of a lease no machine is healed any more"),
        0,
        1440,
        "min",
    ),
    _number(AT_ONCE, 5, _("How many machines of one cluster are healed at once"), 1, 100),
    _number(
        CIRCUIT_PERCENT,
        20,
        _("From how many percent of unwell machines on a cluster none of them is healed"),
        1,
        100,
        "%",
    ),
    _number(
        CIRCUIT_MINIMUM,
        3,
        _("How many machines must be unwell at least for a cluster to count as unwell itself"),
        2,
        10_000,
    ),
    _number(INTERVAL_S, 60, _("How often each machine is looked at"), 10, 3600, "s"),
    _flag(
        AGENT_PINGED,
        _("Whether guest agents are asked for a sign of life; a machine without one is as well"),
        default=True,
    ),
    SettingDefinition(
        "cloudpods",
        "health.networks",
        ValueType.JSON,
        [],
        _(
            "The machines' networks: health probes go there and nowhere else, "
            "since a machine names its address itself"
        ),
        networks_fault,
    ),
    _number(RETENTION_H, 48, _("How long looks at machines are kept"), 1, 2160, "h"),
    _number(
        CONSOLE_IDLE_MIN,
        15,
        _("After how long without a key or a click a console is closed"),
        1,
        1440,
        "min",
    ),
    _number(CONSOLE_LONGEST_MIN, 240, _("How long one console may be open"), 1, 1440, "min"),
    _number(CONSOLE_KEPT_D, 30, _("How long it is kept who opened a console"), 1, 3650, "d"),
)
