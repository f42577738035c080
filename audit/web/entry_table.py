"""The audit, column by column."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from audit.models import Entry
from audit.permissions import Permission
from audit.selectors.filters import EntryFilter
from portal.kernel.audit_tags import Category, tag_specs
from portal.kernel.web.tables import Column, Table
from portal.templatetags.cells import NONE, badge_cell, link_cell, person_cell, tag_cell
from portal.templatetags.ui import clock_time

_ICONS: Final = {
    Category.SECURITY: "shield",
    Category.SETTINGS: "settings-2",
}


def tag_label(entry: Entry) -> str:
    """The tag in words; a tag of an app that is gone stays itself."""
    spec = tag_specs().get(entry.tag)
    return str(spec.label) if spec else entry.tag


def _filters(data: Any) -> forms.Form:
    form: forms.Form = EntryFilter(data, queryset=Entry.objects.none()).form
    return form


def _what(entry: Entry) -> SafeString:
    url = reverse("audit:entry_detail", args=[entry.pk])
    icon = _ICONS.get(Category(entry.category), "activity")
    return link_cell(icon, url, tag_label(entry), entry.tag)


def _target(entry: Entry) -> SafeString:
    label = entry.target_label or entry.target_id
    return _two_lines(label, entry.target_type)


def _from(entry: Entry) -> SafeString:
    return _two_lines(entry.address, entry.channel)


def _two_lines(text: str, sub: str) -> SafeString:
    return format_html(
        '<span class="clip" title="{}">{}</span><small class="sub">{}</small>',
        text,
        text or NONE,
        sub,
    )


ENTRIES: Final = Table(
    key="audit",
    row="entry",
    label=_("Audit"),
    url="/audit",
    permission=Permission.AUDIT_VIEW,
    filters=_filters,
    default_order="-created_at",
    columns=(
        Column("what", _("What"), _what, is_fixed=True),
        Column(
            "outcome", _("Outcome"), lambda row: badge_cell("audit", row.outcome), is_fixed=True
        ),
        Column("target", _("Target"), _target, on_phones=True),
        Column("who", _("Who"), lambda row: person_cell(row.actor_label), on_phones=True),
        Column(
            "category",
            _("Category"),
            lambda row: tag_cell(Category(row.category).label),
            is_default=False,
        ),
        Column("from", _("From"), _from),
        Column(
            "request",
            _("Request"),
            lambda row: format_html('<span class="mono clip">{}</span>', row.request_id or NONE),
            is_default=False,
        ),
        Column(
            "when",
            _("When"),
            lambda row: clock_time(row.created_at),
            sort="-created_at",
            is_numeric=True,
            on_phones=True,
        ),
    ),
)
