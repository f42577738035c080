"""The settings every installation has; defaults are what a small team wants on the first day."""

from __future__ import annotations

import re
from typing import Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.kernel.settings import SettingDefinition, ValueType, between, time_zone

_COLOUR: Final = re.compile(r"#[0-9a-f]{6}\Z", re.IGNORECASE)
_LONGEST_NAME: Final = 60


def _colour(value: Any) -> str | None:
    """Any colour of six digits will do: `brand_colours` moves its lightness until texts are readable."""
    if _COLOUR.match(value):
        return None
    return gettext(
        "must be a colour of six hexadecimal digits, like #3df5a0; names and short forms are not"
    )


def _brand(value: Any) -> str | None:
    if not value.strip() or len(value) > _LONGEST_NAME:
        return gettext("must have 1 to 60 characters")
    return None if value.isprintable() else gettext("must be one line of printable characters")


def _whole(low: int, high: int) -> Any:
    inside = between(low, high)

    def rule(value: Any) -> str | None:
        return inside(value) or (None if value == int(value) else gettext("must be a whole number"))

    return rule


def _number(key: str, default: int, text: Any, rule: Any, unit: str = "") -> SettingDefinition:
    return SettingDefinition("cloudpods", key, ValueType.NUMBER, default, text, rule, unit)


DEFINITIONS: Final = (
    SettingDefinition(
        "cloudpods",
        "auto_heal.enabled",
        ValueType.BOOLEAN,
        True,
        _("Restart deployments that fail their health checks"),
    ),
    _number(
        "auto_heal.failure_threshold",
        3,
        _("Failed health checks in a row before a deployment is restarted"),
        _whole(1, 100),
    ),
    _number(
        "backup.default_retention_count",
        7,
        _("Backups kept per deployment unless its schedule says otherwise"),
        _whole(1, 365),
    ),
    _number(
        "metrics.sample_interval_seconds", 60, _("Time between two samples"), _whole(10, 3600), "s"
    ),
    _number("audit.retention_days", 365, _("How long entries are kept"), _whole(30, 3650), "d"),
    _number(
        "operations.retention_days",
        90,
        _("How long ended operations are kept"),
        _whole(1, 3650),
        "d",
    ),
    _number("webhooks.max_attempts", 8, _("Attempts of one delivery"), _whole(1, 50)),
    _number(
        "webhooks.initial_retry_delay_seconds",
        10,
        _("Wait before the first retry; it doubles with each"),
        _whole(1, 3600),
        "s",
    ),
    _number(
        "quota.default_deployments",
        10,
        _("Deployments of an organisation without a quota of its own"),
        _whole(0, 100_000),
    ),
    _number(
        "quota.default_cpu_cores",
        20,
        _("vCPUs of an organisation without a quota of its own"),
        _whole(0, 1_000_000),
    ),
    _number(
        "quota.default_memory_mb",
        40_960,
        _("Memory of an organisation without a quota of its own"),
        _whole(0, 1_000_000_000),
        "MB",
    ),
    _number(
        "quota.default_disk_gb",
        500,
        _("Disk of an organisation without a quota of its own"),
        _whole(0, 100_000_000),
        "GB",
    ),
    _number(
        "lease.default_hours",
        72,
        _("Life of a deployment when none is asked for"),
        _whole(1, 8760),
        "h",
    ),
    _number("lease.max_hours", 720, _("Longest life one can ask for"), _whole(1, 87_600), "h"),
    _number(
        "lease.grace_hours",
        72,
        _("Time between the stop of an expired deployment and its deletion"),
        _whole(0, 8760),
        "h",
    ),
    _number(
        "lease.max_extension_hours", 168, _("Most that one extension adds"), _whole(1, 8760), "h"
    ),
    SettingDefinition(
        "platform",
        "notifications.retention_days",
        ValueType.NUMBER,
        90,
        _("How long notifications are kept"),
        _whole(1, 3650),
        "d",
    ),
    SettingDefinition(
        "platform",
        "system_events.retention_days",
        ValueType.NUMBER,
        30,
        _("How long system events are kept"),
        _whole(1, 365),
        "d",
    ),
    SettingDefinition(
        "platform",
        "health.silence_seconds",
        ValueType.NUMBER,
        60,
        _("Silence of workers or scheduler after which the platform is not ready"),
        _whole(30, 3600),
        "s",
    ),
    SettingDefinition(
        "platform",
        "stuck.minutes",
        ValueType.NUMBER,
        30,
        _("How long an operation may be under way or due before it counts as stuck"),
        _whole(1, 1440),
        "min",
    ),
    SettingDefinition(
        "platform",
        "timezone",
        ValueType.STRING,
        "Europe/Paris",
        _("Time zone of documents and of people without one"),
        time_zone,
    ),
    SettingDefinition(
        "platform", "brand_name", ValueType.STRING, "uHub", _("Name on pages and documents"), _brand
    ),
    SettingDefinition(
        "platform",
        "primary_color",
        ValueType.STRING,
        "#3df5a0",
        _("Accent colour of pages and documents"),
        _colour,
    ),
)
