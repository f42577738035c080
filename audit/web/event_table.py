"""System events, column by column."""

from __future__ import annotations

from typing import Any, Final

import orjson
from django import forms
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from audit.logic.event_words import event_words
from audit.models import Level, SystemEvent
from audit.permissions import Permission
from audit.selectors.system_events import SystemEventFilter
from portal.kernel.web.tables import Column, Table
from portal.templatetags.cells import NONE, badge_cell, clip_cell, link_cell, tag_cell
from portal.templatetags.ui import clock_time

_ICONS: Final = {Level.INFO: "info", Level.WARN: "triangle-alert", Level.ERROR: "octagon-x"}
_SHOWN_FACTS: Final = 3


def _filters(data: Any) -> forms.Form:
    form: forms.Form = SystemEventFilter(data, queryset=SystemEvent.objects.none()).form
    return form


def _what(event: SystemEvent) -> SafeString:
    url = reverse("portal:system_event", args=[event.pk])
    words = event_words(event.message)
    sub = event.message if words != event.message else _facts(event)
    return link_cell(_ICONS[Level(event.level)], url, words, sub)


def _facts(event: SystemEvent) -> str:
    """The first facts beside the message, in one line."""
    shown = [
        f"{name}={value}"
        for name, value in event.context.items()
        if isinstance(value, str | int | float) and name not in {"logger", "exception"}
    ]
    return " · ".join(shown[:_SHOWN_FACTS])[:160]


def _mono(text: str) -> SafeString:
    return format_html('<span class="mono clip" title="{}">{}</span>', text, text or NONE)


SYSTEM_EVENTS: Final = Table(
    key="system-events",
    row="system-event",
    label=_("System events"),
    url="/system-health",
    permission=Permission.SYSTEM_EVENTS_VIEW,
    filters=_filters,
    default_order="-created_at",
    columns=(
        Column("message", _("Message"), _what, lambda row: row.message, is_fixed=True),
        Column(
            "level",
            _("Level"),
            lambda row: badge_cell("event_level", row.level),
            lambda row: row.level,
            is_fixed=True,
        ),
        Column(
            "service",
            _("Service"),
            lambda row: tag_cell(row.service),
            lambda row: row.service,
            on_phones=True,
        ),
        Column(
            "facts",
            _("Details"),
            lambda row: clip_cell(_facts(row)),
            lambda row: orjson.dumps(row.context).decode(),
        ),
        Column("process", _("Process"), lambda row: _mono(row.process), lambda row: row.process),
        Column(
            "request",
            _("Request"),
            lambda row: _mono(row.request_id),
            lambda row: row.request_id,
            is_default=False,
        ),
        Column(
            "when",
            _("When"),
            lambda row: clock_time(row.created_at),
            lambda row: row.created_at,
            sort="-created_at",
            is_numeric=True,
            on_phones=True,
        ),
    ),
)
