"""Lists without objects: a serializer's declared fields, compiled once into columns and a way to show them.

The serializer stays the one place that says what an answer holds: the schema, single objects and writes
go by it as ever. A list asks the database for the columns its fields need and turns each row into the
same JSON. A computed field says which columns it reads with `@reads`; a serializer with a field nobody
can compile (`shape_of` answers None) is shown the usual way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final, TypeVar, cast

from django.db import models
from django.db.models import QuerySet
from rest_framework import serializers

from portal.kernel.api.cells import Cell, NotCompiled, column_cell, json_cell, value_cell
from portal.kernel.api.guards import fields_hide, has_words_of_its_own, hidden_fields

Method = TypeVar("Method", bound=Callable[..., Any])
Row = tuple[Any, ...]
_READS: Final = "_columns_read"


def reads(*columns: str) -> Callable[[Method], Method]:
    """Says which columns a `SerializerMethodField`'s method looks at: lists give it those alone."""

    def mark(method: Method) -> Method:
        setattr(method, _READS, columns)
        return method

    return mark


@dataclass(frozen=True, slots=True)
class Shape:
    """`columns` in the ORM's words; `names` in the answer's order, each with the column it begins with."""

    serializer: type[Any]
    columns: tuple[str, ...]
    names: tuple[str, ...]
    pick: Callable[[Row], Row]
    special: tuple[tuple[str, Callable[[Row], Any]], ...]

    def shown(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Rows, whose first columns are ours, as the serializer would show their objects."""
        names, pick, special = self.names, self.pick, self.special
        found = [dict(zip(names, pick(row), strict=True)) for row in rows]
        for name, show in special:
            for shown, row in zip(found, rows, strict=True):
                shown[name] = show(row)
        if hidden_fields(self.serializer):
            for shown in found:
                fields_hide(self.serializer, shown)
        return found


_shapes: dict[tuple[Any, ...], Shape | None] = {}


def shape_of(serializer: type[Any], queryset: object) -> Shape | None:
    """The compiled shape of a serializer for rows of a queryset, None when one of its fields resists."""
    if not isinstance(queryset, QuerySet) or queryset.query.combinator:
        return None
    annotations = queryset.query.annotations
    key = (serializer, queryset.model, tuple(annotations))
    if key not in _shapes:
        _shapes[key] = _compiled(serializer, queryset)
    return _shapes[key]


def _compiled(serializer: type[Any], queryset: QuerySet[Any]) -> Shape | None:
    if not issubclass(serializer, serializers.Serializer):
        return None
    compiler = _Compiler(queryset)
    try:
        cells = compiler.cells(serializer(), "")
    except NotCompiled:
        return None
    return compiler.shape(serializer, cells)


@dataclass(slots=True)
class _Compiler:
    """Collects the columns that fields need and tells each field where its own are."""

    queryset: QuerySet[Any]
    columns: list[str]

    def __init__(self, queryset: QuerySet[Any]) -> None:
        self.queryset = queryset
        self.columns = []

    def shape(self, serializer: type[Any], cells: Sequence[Cell]) -> Shape:
        picked = [cell.index for cell in cells]
        pick = itemgetter(*picked) if len(picked) > 1 else lambda row: (row[picked[0]],)
        return Shape(
            serializer=serializer,
            columns=tuple(self.columns),
            names=tuple(cell.name for cell in cells),
            pick=cast(Callable[[Row], Row], pick),
            special=tuple((cell.name, cell.show) for cell in cells if cell.show is not None),
        )

    def cells(self, serializer: serializers.Serializer[Any], prefix: str) -> list[Cell]:
        if has_words_of_its_own(type(serializer)):
            raise NotCompiled(type(serializer).__name__)
        return [
            self._cell(name, field, serializer, prefix)
            for name, field in serializer.fields.items()
            if not field.write_only
        ]

    def _cell(
        self,
        name: str,
        field: serializers.Field[Any, Any, Any, Any],
        serializer: serializers.Serializer[Any],
        prefix: str,
    ) -> Cell:
        if isinstance(field, serializers.SerializerMethodField):
            return self._method_cell(name, getattr(serializer, field.method_name or ""), prefix)
        path = prefix + "__".join(field.source_attrs)
        if isinstance(field, serializers.SlugRelatedField):
            path = f"{path}__{field.slug_field}"
        elif isinstance(field, serializers.PrimaryKeyRelatedField):
            path = f"{path}_id"
        column = self._column(path)
        if isinstance(column, models.ForeignKey) and isinstance(field, serializers.Serializer):
            return self._nested_cell(name, field, f"{path}__")
        if isinstance(column, models.JSONField):
            return json_cell(name, field, self._index(path))
        return column_cell(name, field, column, self._index(path))

    def _method_cell(self, name: str, method: Callable[[Any], Any], prefix: str) -> Cell:
        columns: tuple[str, ...] | None = getattr(method, _READS, None)
        if columns is None:
            raise NotCompiled(name)
        paths = [prefix + column for column in columns]
        readers = [
            (column, value_cell(self._column(path)), self._index(path))
            for column, path in zip(columns, paths, strict=True)
        ]
        return Cell.computed(name, method, readers)

    def _nested_cell(self, name: str, field: serializers.Serializer[Any], prefix: str) -> Cell:
        cells = self.cells(field, prefix)
        return Cell.nested(name, self._index(f"{prefix}pk"), cells)

    def _index(self, path: str) -> int:
        if path not in self.columns:
            self.columns.append(path)
        return self.columns.index(path)

    def _column(self, path: str) -> models.Field[Any, Any]:
        annotation = self.queryset.query.annotations.get(path)
        if annotation is not None:
            return annotation.output_field
        model: Any = self.queryset.model
        column: Any = None
        for part in path.split("__"):
            options = model._meta
            named = {one.attname: one for one in options.concrete_fields}
            named |= {one.name: one for one in options.concrete_fields}
            column = named.get(part) or (options.pk if part == "pk" else None)
            if column is None:
                raise NotCompiled(path)
            model = column.related_model
        return cast("models.Field[Any, Any]", column)
