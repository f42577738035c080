"""Keyset paging of HTML lists: ids are time-ordered, so one id marks a place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import HttpRequest

PAGE_SIZE = 25


@dataclass(frozen=True, slots=True)
class Page:
    """One page, newest first; `previous` and `next` are query strings of the neighbours or None."""

    rows: list[Any]
    previous: str | None
    next: str | None


def page_of(request: HttpRequest, queryset: QuerySet[Any], *, size: int = PAGE_SIZE) -> Page:
    """The page that `?after=` or `?before=` names, the first one for anything else."""
    after, before = _key(request.GET.get("after")), _key(request.GET.get("before"))
    if before is not None:
        found = list(queryset.filter(pk__gt=before).order_by("pk")[: size + 1])
        has_newer = len(found) > size
        rows = list(reversed(found[:size]))
        return _page(request, rows, has_newer=has_newer, has_older=True)
    if after is not None:
        queryset = queryset.filter(pk__lt=after)
    rows = list(queryset.order_by("-pk")[: size + 1])
    return _page(request, rows[:size], has_newer=after is not None, has_older=len(rows) > size)


def _page(request: HttpRequest, rows: list[Any], *, has_newer: bool, has_older: bool) -> Page:
    if not rows:
        return Page(rows, None, None)
    return Page(
        rows,
        _query(request, "before", rows[0]) if has_newer else None,
        _query(request, "after", rows[-1]) if has_older else None,
    )


def _query(request: HttpRequest, name: str, row: Model) -> str:
    query = request.GET.copy()
    for old in ("after", "before"):
        query.pop(old, None)
    query[name] = str(row.pk)
    return "?" + query.urlencode()


def _key(value: str | None) -> UUID | None:
    try:
        return UUID(value) if value else None
    except ValueError:
        return None
