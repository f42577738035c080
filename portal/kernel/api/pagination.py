"""Cursor pagination: `{"results", "next", "previous"}`, `limit` ≤ 200, `count` only when asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext, gettext_lazy
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from portal.kernel.api.shapes import Shape
from portal.kernel.database.rows import json_rows
from portal.kernel.errors import Fault, InvalidInput
from portal.kernel.keyset import Ordering, Place, cursor_fault, is_nullable

if TYPE_CHECKING:  # rest_framework.views imports this module
    from rest_framework.views import APIView

PAGE_SIZE: Final = 50
MAX_LIMIT: Final = 200
_DIGITS: Final = 9
Key = tuple[Any, Any]


class CursorPage(BasePagination):
    """Newest first by default; a view names what else it orders by in `ordering_fields`."""

    ordering = ("-created_at", "-id")
    _request: Request
    _count: int | None = None
    _next: Place | None = None
    _previous: Place | None = None

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any]:
        """A page of objects."""
        ordering = self._ordering(request, view)

        def key(row: Any) -> Key:
            return ordering.value(row), row.pk

        return self._page(queryset, request, ordering, list, key)

    def paginate_shape(
        self, queryset: QuerySet[Any], request: Request, view: APIView, shape: Shape
    ) -> list[dict[str, Any]]:
        """A page of a compiled serializer's answers."""
        ordering = self._ordering(request, view)
        columns = list(shape.columns)
        for name in (ordering.field, "id"):
            if name not in columns:
                columns.append(name)
        wanted = tuple(columns)
        place, identity = columns.index(ordering.field), columns.index("id")

        def fetch(rows: QuerySet[Any]) -> list[Any]:
            return json_rows(rows, wanted)

        def key(row: Any) -> Key:
            return row[place], row[identity]

        return shape.shown(self._page(queryset, request, ordering, fetch, key))

    def _page(
        self,
        queryset: QuerySet[Any],
        request: Request,
        ordering: Ordering,
        fetch: Callable[[QuerySet[Any]], list[Any]],
        key: Callable[[Any], Key],
    ) -> list[Any]:
        self._request = request
        self._count = self._counted(queryset, request)
        size = self._limit(request)
        given = request.query_params.get("cursor")
        place = Place.read(given) if given else None
        is_back = place is not None and place.is_back
        towards = ordering.reversed() if is_back else ordering
        wanted = queryset.order_by(*towards.words())
        try:
            if place is not None:
                may_be_empty = is_nullable(queryset, ordering.field)
                wanted = wanted.filter(towards.beyond(place, is_nullable=may_be_empty))
            found = fetch(wanted[: size + 1])
        except (ValidationError, ValueError, TypeError) as error:
            raise cursor_fault() from error
        has_more, rows = len(found) > size, found[:size]
        if is_back:
            rows.reverse()
        if rows and (has_more or is_back):
            self._next = _place(key(rows[-1]), is_back=False)
        if rows and (has_more if is_back else place is not None):
            self._previous = _place(key(rows[0]), is_back=True)
        return rows

    def _counted(self, queryset: QuerySet[Any], request: Request) -> int | None:
        wanted = request.query_params.get("count", "false")
        if wanted not in {"true", "false"}:
            raise InvalidInput(
                faults=(Fault("count", "invalid", gettext("count must be true or false.")),)
            )
        return queryset.order_by().values("pk").count() if wanted == "true" else None

    def _limit(self, request: Request) -> int:
        raw = request.query_params.get("limit")
        if raw is None:
            return PAGE_SIZE
        if not raw.isdecimal() or len(raw) > _DIGITS or not 1 <= int(raw) <= MAX_LIMIT:
            raise InvalidInput(
                faults=(
                    Fault(
                        "limit",
                        "invalid",
                        gettext("limit must be between 1 and %(most)s.") % {"most": MAX_LIMIT},
                    ),
                )
            )
        return int(raw)

    def _ordering(self, request: Request, view: APIView | None) -> Ordering:
        wanted = request.query_params.get("ordering")
        if not wanted:
            return Ordering.of(getattr(view, "default_ordering", self.ordering)[0])
        allowed = getattr(view, "ordering_fields", ("created_at",))
        if wanted.removeprefix("-") not in allowed:
            message = gettext("ordering must be one of %(names)s, with or without “-”.") % {
                "names": ", ".join(allowed)
            }
            raise InvalidInput(faults=(Fault("ordering", "invalid", message),))
        return Ordering.of(wanted)

    def get_paginated_response(self, data: Any) -> Response:
        body = {
            "results": data,
            "next": self._link(self._next),
            "previous": self._link(self._previous),
        }
        if self._count is not None:
            body["count"] = self._count
        return Response(body)

    def _link(self, place: Place | None) -> str | None:
        if place is None:
            return None
        return str(
            replace_query_param(self._request.build_absolute_uri(), "cursor", place.written())
        )

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """What every list understands, in the schema's words."""
        from portal.kernel.api.schema import list_parameters  # noqa: PLC0415 - it imports views

        return list_parameters(view)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        url = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {
                "results": schema,
                "next": url,
                "previous": url,
                "count": {"type": "integer", "description": gettext_lazy("Only with ?count=true.")},
            },
        }


def _place(key: Key, *, is_back: bool) -> Place:
    return Place(is_back, key[0], str(key[1]))
