"""Filters of the portal's lists."""

from __future__ import annotations

import django_filters as filters
from django.db.models import Q, QuerySet

from portal.models import Operation, Team, User, Worker
from portal.states import OperationStatus, WorkerStatus


class OperationFilter(filters.FilterSet):
    """Field filters; `search` looks into the type."""

    status = filters.MultipleChoiceFilter(choices=OperationStatus.choices)
    queue = filters.CharFilter(max_length=32)
    type = filters.CharFilter(max_length=80)
    target = filters.UUIDFilter(field_name="target_id")
    target_type = filters.CharFilter(max_length=64)
    actor = filters.UUIDFilter(field_name="actor_id")
    search = filters.CharFilter(field_name="type", lookup_expr="icontains", max_length=63)

    class Meta:
        model = Operation
        fields: list[str] = []


class WorkerFilter(filters.FilterSet):
    """Field filters."""

    status = filters.ChoiceFilter(field_name="shown", choices=WorkerStatus.choices)
    queue = filters.CharFilter(lookup_expr="contains", max_length=32)

    class Meta:
        model = Worker
        fields: list[str] = []


class PersonFilter(filters.FilterSet):
    """Field filters; `search` looks into user name, name and e-mail."""

    role = filters.CharFilter(field_name="memberships__role__code", max_length=40, distinct=True)
    is_active = filters.BooleanFilter()
    search = filters.CharFilter(method="filter_search", max_length=63)

    class Meta:
        model = User
        fields: list[str] = []

    def filter_search(self, queryset: QuerySet[User], _name: str, value: str) -> QuerySet[User]:
        return queryset.filter(
            Q(username__icontains=value)
            | Q(display_name__icontains=value)
            | Q(email__icontains=value)
        )


class TeamFilter(filters.FilterSet):
    """Field filters; `search` looks into name and slug."""

    slug = filters.CharFilter(max_length=40)
    member = filters.UUIDFilter(field_name="places__user_id")
    search = filters.CharFilter(method="filter_search", max_length=63)

    class Meta:
        model = Team
        fields: list[str] = []

    def filter_search(self, queryset: QuerySet[Team], _name: str, value: str) -> QuerySet[Team]:
        return queryset.filter(Q(name__icontains=value) | Q(slug__icontains=value))
