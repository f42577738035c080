"""Moments in words: in the reader's zone and in the order his language writes them, with the offset where asked."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import formats, timezone
from django.utils.translation import pgettext


def date_and_time(value: datetime) -> str:
    """As "21 Nov 2026, 14:05", "21 nov. 2026 à 14:05"."""
    return _said(value, pgettext("date format", "j M Y, H:i"))


def date_and_second(value: datetime) -> str:
    """The same to the second, for what is compared with logs."""
    return _said(value, pgettext("date format", "j M Y, H:i:s"))


def day_and_time(value: datetime) -> str:
    """Without the year, for what is near."""
    return _said(value, pgettext("date format", "j M, H:i"))


def day_and_second(value: datetime) -> str:
    """Without the year, to the second."""
    return _said(value, pgettext("date format", "j M, H:i:s"))


def exact_moment(value: datetime) -> str:
    """As "21 November 2026, 14:05:09 (UTC+01:00)": nothing is left to guess."""
    text = _said(value, pgettext("date format", "j F Y, H:i:s"))
    return f"{text} (UTC{utc_offset(value)})"


def moment_with_offset(value: datetime) -> str:
    """Date and time for readers elsewhere, say of a mail: "21 Nov 2026, 14:05 (UTC+01:00)"."""
    return f"{date_and_time(value)} (UTC{utc_offset(value)})"


def utc_offset(value: datetime) -> str:
    """How far the reader's clock is from UTC at that moment: "+01:00"."""
    offset = timezone.localtime(value).utcoffset() or timedelta()
    minutes = round(offset / timedelta(minutes=1))
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}"


def _said(value: datetime, order: str) -> str:
    return formats.date_format(timezone.localtime(value), order)
