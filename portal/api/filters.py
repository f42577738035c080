"""Filters of the portal's lists."""

from __future__ import annotations

import django_filters as filters

from portal.models import Operation, Worker
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
