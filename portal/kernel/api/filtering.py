"""Filters of lists: django-filter where a filter is asked for, nothing where none is."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django_filters.filters import Filter
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

from portal.kernel.api.fields import CHOICES_NAMED, choice_told


class AskedFilters(DjangoFilterBackend):
    """Most lists are asked for whole: then no form is built for values nobody gave."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> Any:
        filterset = self.get_filterset_class(view, queryset)
        if filterset is None or filterset.base_filters.keys().isdisjoint(request.query_params):
            return queryset
        try:
            return super().filter_queryset(request, queryset, view)
        except ValidationError as error:
            known = {name: _words(one) for name, one in filterset.base_filters.items()}
            raise ValidationError(_told(error.detail, known, request.query_params)) from error


def _words(asked: Filter) -> list[str]:
    """The words a filter takes; none where it takes anything, or more than one reads."""
    choices = asked.extra.get("choices", ())
    words = [str(word) for word, _label in (choices() if callable(choices) else choices)]
    return words if len(words) <= CHOICES_NAMED else []


def _told(detail: Any, known: dict[str, list[str]], asked: QueryDict) -> dict[str, list[Any]]:
    """The faults, with the known words where somebody sent another."""
    told = {}
    for name, faults in detail.items():
        strangers = [one for one in asked.getlist(name) if one not in known.get(name, ())]
        told[name] = [
            ErrorDetail(choice_told(strangers[0], known[name]), code=fault.code)
            if fault.code == "invalid_choice" and known.get(name) and strangers
            else fault
            for fault in faults
        ]
    return told
