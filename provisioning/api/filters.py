"""Filters of the deployments list."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django.db.models import Q, QuerySet

from provisioning.models import Deployment
from provisioning.states import DeploymentStatus, Health


class DeploymentFilter(filters.FilterSet):
    """Field filters and `search` over name and host name."""

    status = filters.MultipleChoiceFilter(choices=DeploymentStatus.choices)
    health = filters.ChoiceFilter(choices=Health.choices)
    template = filters.CharFilter(field_name="template__code")
    owner = filters.CharFilter(field_name="owner__username")
    owner_id = filters.UUIDFilter()
    name = filters.CharFilter()
    hold = filters.BooleanFilter()
    has_attention = filters.BooleanFilter(
        field_name="attention", lookup_expr="isnull", exclude=True
    )
    expires_before = filters.IsoDateTimeFilter(field_name="expires_at", lookup_expr="lte")
    delete_before = filters.IsoDateTimeFilter(field_name="delete_after", lookup_expr="lte")
    has_ended = filters.BooleanFilter(field_name="expired_at", lookup_expr="isnull", exclude=True)
    search = filters.CharFilter(method="filter_search", max_length=63)

    class Meta:
        model = Deployment
        fields: list[str] = []

    def filter_search(
        self, queryset: QuerySet[Deployment], _name: str, value: Any
    ) -> QuerySet[Deployment]:
        return queryset.filter(Q(name__icontains=value) | Q(hostname__icontains=value))
