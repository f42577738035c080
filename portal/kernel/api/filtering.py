"""Filters of lists: django-filter where a filter is asked for, nothing where none is."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.request import Request


class AskedFilters(DjangoFilterBackend):
    """Most lists are asked for whole: then no form is built for values nobody gave."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> Any:
        filterset = self.get_filterset_class(view, queryset)
        if filterset is None or filterset.base_filters.keys().isdisjoint(request.query_params):
            return queryset
        return super().filter_queryset(request, queryset, view)
