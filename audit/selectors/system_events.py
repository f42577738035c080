"""Reading system events: the platform's own, for its administrators."""

from __future__ import annotations

from typing import Any, Final

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from audit.models import Level, SystemEvent
from audit.permissions import Permission
from portal.kernel.authz import Actor, authorize
from portal.kernel.queue import QUEUES
from portal.kernel.tenancy import PLATFORM

SERVICES: Final = ("web", "api", "worker", *(f"{queue}-worker" for queue in QUEUES), "scheduler")


def system_events(actor: Actor) -> QuerySet[SystemEvent]:
    """All of them, newest first, through the platform role: the runtime role holds nothing there.

    Raises:
        Refused.
    """
    authorize(actor, Permission.SYSTEM_EVENTS_VIEW)
    return SystemEvent.objects.using(PLATFORM)


class SystemEventFilter(django_filters.FilterSet):
    """service, level, from, to, search (seed 003 §5.2), the same for page and API."""

    search = django_filters.CharFilter(label=_("Message"), method="by_search", max_length=63)
    service = django_filters.ChoiceFilter(
        label=_("Service"),
        empty_label=_("Any service"),
        choices=[(name, name) for name in SERVICES],
    )
    level = django_filters.ChoiceFilter(
        label=_("Level"), empty_label=_("Any level"), choices=Level.choices
    )

    class Meta:
        model = SystemEvent
        fields: list[str] = []

    @classmethod
    def get_filters(cls) -> dict[str, Any]:
        """`from` is a word of Python's, so these two cannot be written as attributes."""
        found = super().get_filters()
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"})
        found["from"] = django_filters.IsoDateTimeFilter(
            label=_("From"), field_name="created_at", lookup_expr="gte", widget=widget
        )
        found["to"] = django_filters.IsoDateTimeFilter(
            label=_("To"), field_name="created_at", lookup_expr="lt", widget=widget
        )
        return found

    def by_search(
        self, queryset: QuerySet[SystemEvent], _name: str, value: str
    ) -> QuerySet[SystemEvent]:
        """In the message, or exactly a request, as its id stands in an answer's X-Request-Id."""
        return queryset.filter(Q(message__icontains=value) | Q(request_id=value))
