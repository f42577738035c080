"""The filters of the audit, the same for page and API."""

from __future__ import annotations

from uuid import UUID

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from audit.models import Entry, Outcome
from audit.selectors.spans import SpanFilter
from portal.kernel.audit_tags import Category


class EntryFilter(SpanFilter):
    """actor, tag, category, target, outcome, from, to."""

    actor = django_filters.CharFilter(label=_("Who"), method="by_actor")
    tag = django_filters.CharFilter(label=_("Tag"), field_name="tag", lookup_expr="startswith")
    category = django_filters.ChoiceFilter(
        label=_("Category"),
        empty_label=_("Any category"),
        choices=lambda: [(item.value, item.label) for item in Category],
    )
    target = django_filters.CharFilter(label=_("Target"), method="by_target")
    outcome = django_filters.ChoiceFilter(
        label=_("Outcome"), empty_label=_("Any outcome"), choices=Outcome.choices
    )

    class Meta:
        model = Entry
        fields: list[str] = []

    def by_actor(self, queryset: QuerySet[Entry], _name: str, value: str) -> QuerySet[Entry]:
        """By user name, or by the id of the user."""
        try:
            return queryset.filter(actor_id=UUID(value))
        except ValueError:
            return queryset.filter(actor_label__icontains=value)

    def by_target(self, queryset: QuerySet[Entry], _name: str, value: str) -> QuerySet[Entry]:
        """By id, type or name of what was acted on."""
        return queryset.filter(
            Q(target_id=value) | Q(target_type=value) | Q(target_label__icontains=value)
        )
