"""A queryset's rows without its objects, as JSON shows them, from a prepared statement.

What Django's compiler makes of columns, joins and ordering is the same for every request to a list, so it
is made once and kept; the conditions, which hold the values, are compiled each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connections
from django.db.models import QuerySet
from django.db.models.sql import Query
from django.db.models.sql.where import WhereNode

from portal.kernel.database.base import DatabaseWrapper
from portal.kernel.database.cursors import JsonCursor

_ORDER_BY = " ORDER BY "
Statement = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class _Frame:
    """A statement around its conditions."""

    head: str
    tail: str


_frames: dict[tuple[Any, ...], _Frame | None] = {}


def json_rows(queryset: QuerySet[Any], columns: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """The columns of the rows: keys and figures as text, JSON as written, times as datetimes in UTC."""
    connection = cast(DatabaseWrapper, connections[queryset.db])
    try:
        sql, parameters = _statement(queryset, columns, connection)
    except EmptyResultSet:
        return []
    return connection.prepared_rows(sql, parameters, cursor=JsonCursor)


def _statement(
    queryset: QuerySet[Any], columns: tuple[str, ...], connection: DatabaseWrapper
) -> Statement:
    query = queryset.query
    frame = _frame(queryset, columns, connection) if _is_plain(query) else None
    if frame is None:
        return _compiled(queryset.values_list(*columns).query, connection)
    compiler = query.get_compiler(connection=connection)
    try:
        where, parameters = compiler.compile(query.where)
    except FullResultSet:
        where, parameters = "true", ()
    limit = connection.ops.limit_offset_sql(query.low_mark, query.high_mark)
    return f"{frame.head} WHERE {where}{frame.tail} {limit}", tuple(parameters)


def _compiled(query: Query, connection: DatabaseWrapper) -> Statement:
    sql, parameters = query.get_compiler(connection=connection).as_sql()
    return sql, tuple(parameters)


def _is_plain(query: Query) -> bool:
    """Whether the conditions are the only part that may hold values."""
    return not (
        query.annotations
        or query.extra
        or query.extra_tables
        or query.distinct
        or query.combinator
        or query.select_for_update
        or query.group_by is not None
    )


def _frame(
    queryset: QuerySet[Any], columns: tuple[str, ...], connection: DatabaseWrapper
) -> _Frame | None:
    query = queryset.query
    joins = tuple(
        (alias, join.table_name, join.parent_alias, join.join_type, query.alias_refcount[alias] > 0)
        for alias, join in query.alias_map.items()
    )
    ordering = (query.order_by, query.standard_ordering, query.default_ordering)
    key = (query.model, columns, joins, ordering)
    if key not in _frames:
        _frames[key] = _frame_make(queryset, columns, connection)
    return _frames[key]


def _frame_make(
    queryset: QuerySet[Any], columns: tuple[str, ...], connection: DatabaseWrapper
) -> _Frame | None:
    bare = queryset.values_list(*columns).query
    bare.where = WhereNode()
    bare.clear_limits()
    sql, parameters = _compiled(bare, connection)
    head, order_by, tail = sql.rpartition(_ORDER_BY)
    return None if parameters or not order_by else _Frame(head, f"{order_by}{tail}")
