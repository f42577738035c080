"""Reading system events: the platform's own, for its administrators."""

from __future__ import annotations

from typing import Final

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from audit.models import Level, SystemEvent
from audit.permissions import Permission
from audit.selectors.spans import SpanFilter
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


class SystemEventFilter(SpanFilter):
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

    def by_search(
        self, queryset: QuerySet[SystemEvent], _name: str, value: str
    ) -> QuerySet[SystemEvent]:
        """In the message, or exactly a request, as its id stands in an answer's X-Request-Id."""
        return queryset.filter(Q(message__icontains=value) | Q(request_id=value))
