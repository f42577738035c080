"""Filters of lists: django-filter where a filter is asked for, nothing where none is."""

from __future__ import annotations

from typing import Any, cast

from django.db.models import QuerySet
from django_filters.filters import Filter, IsoDateTimeFilter
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import ISO_8601
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.fields import DateTimeField
from rest_framework.request import Request
from rest_framework.utils import humanize_datetime

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
            told = {}
            for name, faults in cast(dict[str, list[ErrorDetail]], error.detail).items():
                values = request.query_params.getlist(name)
                told[name] = _told(faults, filterset.base_filters.get(name), values)
            raise ValidationError(told) from error


def _told(faults: list[ErrorDetail], asked: Filter | None, values: list[str]) -> list[ErrorDetail]:
    """The faults, with the words or the format that a filter takes, unless the words are more than one reads."""
    if isinstance(asked, IsoDateTimeFilter):
        return [_format_told(fault) for fault in faults]
    choices = asked.extra.get("choices", ()) if asked is not None else ()
    words = [str(word) for word, _label in (choices() if callable(choices) else choices)]
    stranger = next((one for one in values if one not in words), None)
    if not words or len(words) > CHOICES_NAMED or stranger is None:
        return faults
    message = choice_told(stranger, words)
    return [
        ErrorDetail(message, code=fault.code) if fault.code == "invalid_choice" else fault
        for fault in faults
    ]


def _format_told(fault: ErrorDetail) -> ErrorDetail:
    """A moment that cannot be read is told in a query as it is in a body."""
    if fault.code != "invalid":
        return fault
    pattern = str(DateTimeField.default_error_messages["invalid"])
    formats = humanize_datetime.datetime_formats([ISO_8601])
    return ErrorDetail(pattern.format(format=formats), code=fault.code)
