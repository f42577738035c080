"""Cursor pagination: `{"results", "next", "previous"}`, `limit` ≤ 200, `count` only when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from portal.kernel.errors import Fault, InvalidInput

if TYPE_CHECKING:  # rest_framework.views imports this module
    from rest_framework.views import APIView

MAX_LIMIT = 200
_DIGITS = 9


def _cursor_fault() -> InvalidInput:
    message = "This is no place in this list. Follow `next` and `previous` as they were answered."
    return InvalidInput(faults=(Fault("cursor", "invalid", message),))


class CursorPage(CursorPagination):
    """Newest first by default; a view names what else it orders by in `ordering_fields`."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = MAX_LIMIT
    cursor_query_param = "cursor"
    ordering = ("-created_at", "-id")
    _count: int | None = None

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        count = request.query_params.get("count", "false")
        if count not in {"true", "false"}:
            raise InvalidInput(faults=(Fault("count", "invalid", "count must be true or false."),))
        if count == "true":
            self._count = queryset.order_by().values("pk").count()
        try:
            return super().paginate_queryset(queryset, request, view=view)
        except (ValidationError, ValueError) as error:
            raise _cursor_fault() from error

    def decode_cursor(self, request: Request) -> Any:
        try:
            cursor = super().decode_cursor(request)
        except NotFound as error:
            raise _cursor_fault() from error
        if cursor is not None and "\x00" in str(cursor.position or ""):
            raise _cursor_fault()
        return cursor

    def get_page_size(self, request: Request) -> int | None:
        raw = request.query_params.get("limit")
        if raw is None:
            return self.page_size
        if not raw.isdecimal() or len(raw) > _DIGITS or not 1 <= int(raw) <= MAX_LIMIT:
            raise InvalidInput(
                faults=(Fault("limit", "invalid", f"limit must be between 1 and {MAX_LIMIT}."),)
            )
        return int(raw)

    def get_ordering(
        self, request: Request, queryset: QuerySet[Any], view: APIView
    ) -> tuple[str, ...]:
        wanted = request.query_params.get("ordering")
        if not wanted:
            return tuple(getattr(view, "default_ordering", self.ordering))
        allowed = getattr(view, "ordering_fields", ("created_at",))
        if wanted.removeprefix("-") not in allowed:
            message = f"ordering must be one of {', '.join(allowed)}, with or without '-'."
            raise InvalidInput(faults=(Fault("ordering", "invalid", message),))
        direction = "-" if wanted.startswith("-") else ""
        return (wanted, f"{direction}id")

    def get_paginated_response(self, data: Any) -> Response:
        body = {
            "results": data,
            "next": self.get_next_link(),
            "previous": self.get_previous_link(),
        }
        if self._count is not None:
            body["count"] = self._count
        return Response(body)

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """What every list understands, in the schema's words."""
        from portal.kernel.api.schema import list_parameters  # noqa: PLC0415 - it imports views

        return list_parameters(view, self)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        url = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {
                "results": schema,
                "next": url,
                "previous": url,
                "count": {"type": "integer", "description": "Only with ?count=true."},
            },
        }
