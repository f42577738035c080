"""Tags and filters of the components: icons, status badges, times, sizes, money."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from itertools import cycle, islice
from typing import Any

from django import template
from django.forms import BoundField
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _

from portal.kernel import clock
from portal.kernel.dates import date_and_time, exact_moment, moment_with_offset, utc_offset
from portal.kernel.icons import icon_drawn
from portal.kernel.stored_text import translated
from portal.kernel.ui import status_style

register = template.Library()

_MIB_PER_GIB = 1024
_NEARLY_FULL, _FULL = 85, 100
_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}
_STROKE, _BADGE_STROKE = 1.75, 2.2
_TONE_ICONS = {"ok": "circle-check", "warn": "triangle-alert", "danger": "octagon-x"}
_STEP_ICONS = {
    "running": "loader-circle",
    "waiting": "hourglass",
    "completed": "circle-check",
    "failed": "octagon-x",
    "canceled": "ban",
    "skipped": "circle-slash",
}
_STEPPER_ICONS = {"done": "circle-check", "current": "circle-dot"}
_DELTA_ICONS = {"up": "trending-up", "down": "trending-down", "flat": "minus"}
_MINUS_SIGNS = ("-", "\N{MINUS SIGN}", "\N{EN DASH}")
_SKELETON_WIDTHS = ("w80", "w100", "w60")
_AVATAR_HUES = ("a", "b", "c", "d")


@register.simple_tag
def icon(name: str, size: int = 16, stroke: float = _STROKE, css: str = "") -> SafeString:
    """A lucide icon as inline SVG, hidden from screen readers: the word beside it says the same.

    Raises:
        lucide.IconDoesNotExist: a wrong name is a mistake in a template, never an empty space.
    """
    return _drawn_icon(str(name), int(size), float(stroke), str(css))


@lru_cache(maxsize=1024)
def _drawn_icon(name: str, size: int, stroke: float, css: str) -> SafeString:
    attributes = {"stroke-width": f"{stroke:g}", "aria-hidden": "true", "focusable": "false"}
    if css:
        attributes["class"] = css
    return mark_safe(icon_drawn(name, size, attributes))  # noqa: S308 - markup of a package


@register.simple_tag
def tone_icon(tone: str, size: int = 16) -> SafeString:
    """The icon that says the same as the hue of an alert or toast."""
    return _drawn_icon(_TONE_ICONS.get(tone, "info"), size, _STROKE, "")


@register.simple_tag
def step_icon(status: str) -> SafeString:
    """The icon of a step's status; one that is running turns."""
    name = _STEP_ICONS.get(status, "circle")
    return _drawn_icon(name, 15, _STROKE, "spin" if name == "loader-circle" else "")


@register.inclusion_tag("portal/_status.html")
def status_badge(domain: str, value: str, detail: str = "") -> dict[str, object]:
    """The badge of a registered state; `detail` follows the word ("Provisioning 62 %").

    Raises:
        KeyError: nobody registered a look for this state.
    """
    style = status_style(domain, value)
    return {
        "label": style.label,
        "icon": style.icon,
        "tone": str(style.tone),
        "spin": style.is_spinning,
        "detail": detail,
    }


@register.simple_tag
def relative_time(value: datetime | None, empty: str = "—") -> SafeString:
    """As "3 minutes ago" or "in 2 hours", with the exact local time as title."""
    if not value:
        return format_html("{}", empty)
    now = clock.now()
    if abs(value - now) < timedelta(minutes=1):
        text = _("just now") if value <= now else _("in a moment")
    elif value < now:
        text = _("%(span)s ago") % {"span": timesince(value, now, depth=1)}
    else:
        text = _("in %(span)s") % {"span": timeuntil(value, now, depth=1)}
    return _time_element(value, text)


@register.simple_tag
def clock_time(value: datetime | None, empty: str = "—") -> SafeString:
    """Date and time in the reader's zone, for tables whose rows are compared by time."""
    if value is None:
        return format_html("{}", empty)
    return _time_element(value, date_and_time(value))


def _time_element(value: datetime, text: str) -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', value.isoformat(), exact_moment(value), text
    )


@register.filter
def with_offset(value: datetime) -> str:
    """A moment in a sentence, with its offset from UTC."""
    return moment_with_offset(value)


@register.filter(name="utc_offset")
def _utc_offset(value: datetime) -> str:
    """The offset of the reader's clock at that moment: "UTC+01:00"."""
    return f"UTC{utc_offset(value)}"


@register.filter(name="translated")
def _translated(text: str) -> str:
    """What a row holds in English, in the reader's language."""
    return translated(text)


@register.filter
def duration(value: timedelta | float | None) -> str:
    """A span in its two largest units: "1 min 12 s", "3 h 05 min", "2 d 4 h"."""
    if value is None:
        return "—"
    seconds = int(value.total_seconds() if isinstance(value, timedelta) else value)
    minutes, seconds = divmod(max(seconds, 0), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return _("%(days)d d %(hours)d h") % {"days": days, "hours": hours}
    if hours:
        return _("%(hours)d h %(minutes)02d min") % {"hours": hours, "minutes": minutes}
    if minutes:
        return _("%(minutes)d min %(seconds)02d s") % {"minutes": minutes, "seconds": seconds}
    return _("%(seconds)d s") % {"seconds": seconds}


@register.filter
def elapsed(step: Mapping[str, Any]) -> str:
    """How long a step took, or has been going on; empty for one that has not begun."""
    started = _moment(step.get("started_at"))
    if started is None:
        return ""
    return duration((_moment(step.get("finished_at")) or clock.now()) - started)


def _moment(value: datetime | str | None) -> datetime | None:
    if isinstance(value, str):
        return datetime.fromisoformat(value) if value else None
    return value


@register.filter
def mib(value: int | None) -> str:
    """A memory size kept in MiB: "512 MiB", "4 GiB", "1.5 GiB"."""
    if value is None:
        return "—"
    if value < _MIB_PER_GIB:
        return _("%(amount)s MiB") % {"amount": _number(value)}
    return gib(Decimal(value) / _MIB_PER_GIB)


@register.filter
def gib(value: Decimal | float | None) -> str:
    """A size in GiB, or in TiB from 1024 on, with at most one decimal."""
    if value is None:
        return "—"
    if value >= _MIB_PER_GIB:
        return _("%(amount)s TiB") % {"amount": _number(Decimal(value) / _MIB_PER_GIB)}
    return _("%(amount)s GiB") % {"amount": _number(value)}


def _number(value: Decimal | float) -> str:
    rounded = round(Decimal(value), 1)
    places = 0 if rounded == rounded.to_integral_value() else 1
    return formats.number_format(rounded, decimal_pos=places, use_l10n=True, force_grouping=True)


@register.simple_tag
def money(amount: Decimal | None, currency: str = "EUR", places: int = 2) -> str:
    """An amount as people write it in the reader's language: "€84.20", "84,20 €"."""
    if amount is None:
        return "—"
    number = formats.number_format(amount, decimal_pos=places, use_l10n=True, force_grouping=True)
    symbol = _SYMBOLS.get(currency, currency)
    return _("%(symbol)s%(number)s") % {"symbol": symbol, "number": number}


@register.filter
def percent_of(value: float | None, maximum: float | None) -> int:
    """How full, in whole percent between 0 and 100; an unlimited or absent maximum is 0."""
    if not value or not maximum:
        return 0
    return max(0, min(100, round(100 * float(value) / float(maximum))))


@register.filter
def fullness(percent: int | None) -> str:
    """The hue of a bar: something limited warns before it is used up."""
    if percent is None or percent < _NEARLY_FULL:
        return ""
    return "danger" if percent >= _FULL else "warn"


@register.filter
def plain_number(value: float | str | None) -> str:
    """A number for an attribute: never grouped, always with a decimal point."""
    return str(value or 0)


@register.filter
def initials(name: str) -> str:
    """At most two letters of a display name for an avatar."""
    words = [word for word in str(name).replace("-", " ").split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"


@register.filter
def avatar_hue(name: str) -> str:
    """One of the four avatar colours, always the same for the same name."""
    return _AVATAR_HUES[blake2b(str(name).encode(), digest_size=1).digest()[0] % len(_AVATAR_HUES)]


@register.filter
def widget(field: BoundField, css: str = "input") -> SafeString:
    """A form field's control with our class; Django adds the aria attributes of hint and error."""
    return field.as_widget(attrs={"class": css})


@register.simple_tag
def percent(value: float | None, maximum: float | None) -> str:
    """A share as people write it in the reader's language: "62%", "62 %"."""
    return _("%(number)s%%") % {"number": percent_of(value, maximum)}


@register.simple_tag
def stepper_icon(state: str) -> SafeString:
    """The icon of a step of a form."""
    return _drawn_icon(_STEPPER_ICONS.get(state, "circle"), 15, _STROKE, "")


@register.simple_tag
def delta_icon(delta: str, direction: str = "") -> SafeString:
    """The arrow before a change: as told, or read from its sign."""
    if not direction:
        first = str(delta).lstrip()[:1]
        direction = "up" if first == "+" else "down" if first in _MINUS_SIGNS else "flat"
    return _drawn_icon(_DELTA_ICONS[direction], 13, _BADGE_STROKE, "")


@register.filter
def skeleton_widths(lines: str | int) -> Iterator[str]:
    """The lengths of grey lines, one after another."""
    return islice(cycle(_SKELETON_WIDTHS), int(lines))


@register.simple_tag
def current_zone() -> str:
    """The name of the reader's time zone, for scripts that write times."""
    return timezone.get_current_timezone_name()
