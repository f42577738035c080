"""The registry of system settings: namespace, key, type, default, rule. Values live in portal's table."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext


class ValueType(StrEnum):
    """Types of seed 003 §1.2."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    JSON = "json"


Rule = Callable[[Any], str | None]
"""Answers what is wrong with a value of the right type, or None."""


@dataclass(frozen=True, slots=True)
class SettingDefinition:
    """One setting: `namespace.key` is its name everywhere."""

    namespace: str
    key: str
    value_type: ValueType
    default: Any
    description: str | Promise
    rule: Rule | None = None
    unit: str = ""

    @property
    def name(self) -> str:
        return f"{self.namespace}.{self.key}"

    def fault(self, value: Any) -> str | None:
        """What is wrong with `value`, or None."""
        wanted = {
            ValueType.STRING: isinstance(value, str),
            ValueType.NUMBER: isinstance(value, int | float) and not isinstance(value, bool),
            ValueType.BOOLEAN: isinstance(value, bool),
            ValueType.JSON: isinstance(value, dict | list | str | int | float | bool | None),
        }[self.value_type]
        if not wanted:
            return gettext("must be a %(type)s") % {"type": self.value_type}
        return self.rule(value) if self.rule else None


_definitions: dict[str, SettingDefinition] = {}


def register_settings(*definitions: SettingDefinition) -> None:
    """Makes settings known. A default that breaks its own rule is a programming error."""
    for definition in definitions:
        fault = definition.fault(definition.default)
        if fault:
            raise ValueError(fault)
        _definitions[definition.name] = definition


def setting_definition(name: str) -> SettingDefinition:
    """The definition. Raises KeyError for an unknown setting."""
    return _definitions[name]


def setting_definitions() -> tuple[SettingDefinition, ...]:
    """All definitions by name."""
    return tuple(_definitions[name] for name in sorted(_definitions))


def between(low: float, high: float) -> Rule:
    """Rule: a number in a closed range."""

    def rule(value: Any) -> str | None:
        return (
            None
            if low <= value <= high
            else gettext("must be between %(low)s and %(high)s") % {"low": low, "high": high}
        )

    return rule


def time_zone(value: Any) -> str | None:
    """Rule: a name of the tz database."""
    zones = zoneinfo.available_timezones()
    if value in zones:
        return None
    near = get_close_matches(str(value), zones, n=1, cutoff=0.5)
    values = {"name": value, "zone": near[0] if near else "Europe/Paris"}
    return gettext("%(name)s is not a time zone; take one like %(zone)s") % values
