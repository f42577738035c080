"""Moments to the second, with the offset of the reader's zone: for facts that are compared with logs."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import template
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

_TO_THE_SECOND = "j M Y, H:i:s"


@register.simple_tag
def exact_time(value: datetime | None, empty: str = "—") -> SafeString:
    """As "21 Nov 2026, 15:04:11 +01:00"."""
    if value is None:
        return format_html("{}", empty)
    local = timezone.localtime(value)
    text = formats.date_format(local, _TO_THE_SECOND)
    return format_html(
        '<time class="exact" datetime="{}" title="{}">{} <small>{}</small></time>',
        value.isoformat(),
        timezone.get_current_timezone_name(),
        text,
        _offset(local.utcoffset()),
    )


def _offset(offset: timedelta | None) -> str:
    minutes = round((offset or timedelta()) / timedelta(minutes=1))
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}"
