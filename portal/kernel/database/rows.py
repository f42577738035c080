"""A queryset's rows without its objects, as JSON shows them, from a prepared statement."""

from __future__ import annotations

from typing import Any, cast

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet

from portal.kernel.database.base import DatabaseWrapper
from portal.kernel.database.cursors import JsonCursor


def json_rows(queryset: QuerySet[Any, Any]) -> list[tuple[Any, ...]]:
    """The rows of a `values_list`: keys and figures as text, JSON as written, times as datetimes in UTC."""
    connection = cast(DatabaseWrapper, connections[queryset.db])
    try:
        sql, parameters = queryset.query.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:
        return []
    return connection.prepared_rows(sql, parameters, cursor=JsonCursor)
