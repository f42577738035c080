"""Keyset paging of HTML lists, in whatever order they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from portal.kernel.errors import InvalidInput
from portal.kernel.keyset import Ordering, Place, is_nullable

PAGE_SIZE: Final = 25
NEWEST: Final = "-id"
CURSORS: Final = ("after", "before")


@dataclass(frozen=True, slots=True)
class Page:
    """One page; `previous` and `next` are query strings of the neighbours or None."""

    rows: list[Any]
    previous: str | None
    next: str | None


def page_of(
    request: HttpRequest,
    queryset: QuerySet[Any],
    *,
    size: int = PAGE_SIZE,
    order: str = NEWEST,
) -> Page:
    """The page that `?after=` or `?before=` names, the first one for anything else."""
    ordering = Ordering.of(order)
    place = _place(request)
    if place is not None:
        try:
            return _beside(request, queryset, ordering, place, size)
        except (ValidationError, ValueError, TypeError):
            pass  # the place belongs to another order: the value is none of this field
    rows = list(queryset.order_by(*ordering.words())[: size + 1])
    return _page(request, ordering, rows[:size], has_before=False, has_after=len(rows) > size)


def _beside(
    request: HttpRequest, queryset: QuerySet[Any], ordering: Ordering, place: Place, size: int
) -> Page:
    towards = ordering.reversed() if place.is_back else ordering
    further = towards.beyond(place, is_nullable=is_nullable(queryset, ordering.field))
    found = list(queryset.order_by(*towards.words()).filter(further)[: size + 1])
    has_more, rows = len(found) > size, found[:size]
    if place.is_back:
        rows.reverse()
        return _page(request, ordering, rows, has_before=has_more, has_after=True)
    return _page(request, ordering, rows, has_before=True, has_after=has_more)


def _page(
    request: HttpRequest, ordering: Ordering, rows: list[Any], *, has_before: bool, has_after: bool
) -> Page:
    if not rows:
        return Page(rows, None, None)
    return Page(
        rows,
        _query(request, ordering, rows[0], is_back=True) if has_before else None,
        _query(request, ordering, rows[-1], is_back=False) if has_after else None,
    )


def _query(request: HttpRequest, ordering: Ordering, row: Any, *, is_back: bool) -> str:
    query = request.GET.copy()
    for old in CURSORS:
        query.pop(old, None)
    place = Place(is_back, ordering.value(row), str(row.pk))
    query["before" if is_back else "after"] = place.written()
    return "?" + query.urlencode()


def _place(request: HttpRequest) -> Place | None:
    text = request.GET.get("before") or request.GET.get("after")
    try:
        return Place.read(text) if text else None
    except InvalidInput:
        return None
