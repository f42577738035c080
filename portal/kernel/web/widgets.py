"""Inputs for moments and spans of time: typed by hand, with the browser's own picker or ready-made answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.dateparse import parse_duration
from django.utils.duration import duration_iso_string

from portal.kernel.ui import Text

_LOCAL_FORMAT = "%Y-%m-%dT%H:%M"
_UNITS = {"w": "weeks", "d": "days", "j": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_NO_UNIT = "none"
_UNIT_AFTER = {"": "hours", "hours": "minutes"}
_PART = re.compile(r"(\d+(?:[.,]\d+)?)\s*([a-zA-Z]+)?\s*")


class DateTimeInput(forms.DateTimeInput):
    """A moment in the reader's time zone, which `<c-field>` names beside it."""

    input_type = "datetime-local"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs={"step": "60", **(attrs or {})}, format=_LOCAL_FORMAT)

    @property
    def zone(self) -> str:
        """The zone the figures are meant in."""
        return timezone.get_current_timezone_name()

    def format_value(self, value: Any) -> str | None:
        if isinstance(value, datetime) and timezone.is_aware(value):
            value = timezone.localtime(value)
        return super().format_value(value)


class DateInput(forms.DateInput):
    """A day."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs=attrs, format="%Y-%m-%d")


class DurationInput(forms.TextInput):
    """A span as people write it: "3 d 4 h", "90 min", "2h30". `presets` are offered as buttons.

    The form's DurationField gets what it understands; what cannot be read reaches it as typed.
    """

    is_duration = True

    def __init__(
        self, attrs: dict[str, Any] | None = None, presets: Sequence[tuple[str, Text]] = ()
    ) -> None:
        super().__init__(attrs={"autocomplete": "off", "spellcheck": "false", **(attrs or {})})
        self.presets = presets

    def format_value(self, value: Any) -> str | None:
        span = parse_duration(value) if isinstance(value, str) else value
        return written_span(span) if isinstance(span, timedelta) else value

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        value = super().value_from_datadict(data, files, name)
        span = read_span(value) if isinstance(value, str) else None
        return value if span is None else duration_iso_string(span)


def read_span(text: str) -> timedelta | None:
    """What a person typed as a span; None when it is none. A figure alone counts hours, as in "12"; one
    after hours counts minutes, as in "2h30".
    """
    parts = list(_PART.finditer(text.strip()))
    if not parts or "".join(part[0] for part in parts) != text.strip():
        return None
    total, last = timedelta(), ""
    for part in parts:
        named = _UNITS.get((part[2] or "")[:1].lower())
        unit = named if part[2] else _UNIT_AFTER.get(last)
        if unit is None:
            return None
        try:
            total += timedelta(**{unit: float(part[1].replace(",", "."))})
        except OverflowError:
            return None
        last = unit if named else _NO_UNIT
    return total


def written_span(span: timedelta) -> str:
    """A span in figures and units that `read_span` reads in every language."""
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 min"
