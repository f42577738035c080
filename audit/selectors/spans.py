"""Filters by a span of time, the same for every list of the audit."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.utils.translation import gettext_lazy as _


class SpanFilter(django_filters.FilterSet):
    """from (included), to (not included), by when a row was made."""

    @classmethod
    def get_filters(cls) -> dict[str, Any]:
        """`from` is a word of Python's, so these two cannot be written as attributes."""
        found: dict[str, Any] = super().get_filters()
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"})
        found["from"] = django_filters.IsoDateTimeFilter(
            label=_("From"), field_name="created_at", lookup_expr="gte", widget=widget
        )
        found["to"] = django_filters.IsoDateTimeFilter(
            label=_("To"), field_name="created_at", lookup_expr="lt", widget=widget
        )
        return found
