"""Moments to the second, with the offset of the reader's zone: for facts that are compared with logs."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.kernel.dates import date_and_second, utc_offset

register = template.Library()


@register.simple_tag
def exact_time(value: datetime | None, empty: str = "—") -> SafeString:
    """As "21 Nov 2026, 15:04:11 +01:00"."""
    if value is None:
        return format_html("{}", empty)
    return format_html(
        '<time class="exact" datetime="{}" title="{}">{} <small>{}</small></time>',
        value.isoformat(),
        timezone.get_current_timezone_name(),
        date_and_second(value),
        utc_offset(value),
    )
