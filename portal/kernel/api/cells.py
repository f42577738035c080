"""How one field of a list's row is shown, from the columns as the database wrote them."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, cast
from uuid import UUID

import orjson
from django.db import models
from rest_framework import serializers
from rest_framework.settings import api_settings

from portal.kernel.api.guards import fields_hide, has_words_of_its_own

Row = tuple[Any, ...]
Show = Callable[[Row], Any]
Value = Callable[[Any], Any]
AnyField = serializers.Field[Any, Any, Any, Any]


class NotCompiled(Exception):
    """The field needs the object."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A field begins as the column at `index`; `show` turns the whole row into something else."""

    name: str
    index: int
    show: Show | None = None

    @classmethod
    def nested(cls, name: str, key_index: int, cells: Sequence[Cell]) -> Cell:
        """An object of its own behind a foreign key, None where the key is."""

        def show(row: Row) -> dict[str, Any] | None:
            if row[key_index] is None:
                return None
            return {cell.name: cell.show(row) if cell.show else row[cell.index] for cell in cells}

        return cls(name, key_index, show)

    @classmethod
    def computed(
        cls,
        name: str,
        method: Callable[[Any], Any],
        readers: Sequence[tuple[str, Value | None, int]],
    ) -> Cell:
        """What a serializer's method makes of some columns, given to it as attributes."""
        view: Any = namedtuple(f"{name}_columns", [column for column, _, _ in readers])  # type: ignore[misc]

        def show(row: Row) -> Any:
            values = [
                row[index] if value is None or row[index] is None else value(row[index])
                for _, value, index in readers
            ]
            return method(view(*values))

        return cls(name, readers[0][2], show)


_TEXTS: Final = (models.CharField, models.TextField, models.UUIDField, models.GenericIPAddressField)
_AS_IT_IS: Final[tuple[tuple[type[Any], tuple[type[Any], ...]], ...]] = (
    (serializers.UUIDField, (models.UUIDField, models.ForeignKey)),
    (serializers.PrimaryKeyRelatedField, (models.ForeignKey,)),
    (serializers.SlugRelatedField, _TEXTS),
    (serializers.ChoiceField, (models.CharField, models.TextField)),
    (serializers.CharField, _TEXTS),
    (serializers.BooleanField, (models.BooleanField,)),
    (serializers.IntegerField, (models.IntegerField,)),
    (serializers.FloatField, (models.FloatField,)),
    (serializers.DateTimeField, (models.DateTimeField,)),
)


def column_cell(name: str, field: AnyField, column: models.Field[Any, Any], index: int) -> Cell:
    """A field of plain columns, whose value in JSON is what the database says. Raises NotCompiled."""
    if type(field).to_representation is not _stock(field):
        raise NotCompiled(name)
    if isinstance(field, serializers.DecimalField):
        return Cell(name, index) if _is_same_figure(field, column) else _refuse(name)
    if isinstance(field, serializers.DateTimeField) and not _is_plain_time(field):
        raise NotCompiled(name)
    target = column.target_field if isinstance(column, models.ForeignKey) else column
    for kind, columns in _AS_IT_IS:
        if isinstance(field, kind) and isinstance(column, columns):
            return Cell(name, index)
        if isinstance(field, serializers.CharField) and isinstance(target, models.UUIDField):
            return Cell(name, index)
    return _refuse(name)


def _stock(field: AnyField) -> object:
    for base in type(field).__mro__:
        if base.__module__ in {"rest_framework.fields", "rest_framework.relations"}:
            return base.to_representation  # type: ignore[attr-defined]
    return None


def _refuse(name: str) -> Cell:
    raise NotCompiled(name)


def _is_same_figure(field: serializers.DecimalField, column: models.Field[Any, Any]) -> bool:
    is_text = getattr(field, "coerce_to_string", api_settings.COERCE_DECIMAL_TO_STRING)
    return (
        is_text
        and isinstance(column, models.DecimalField)
        and field.decimal_places == column.decimal_places
        and not field.localize
        and not field.normalize_output
    )


def _is_plain_time(field: serializers.DateTimeField) -> bool:
    return getattr(field, "format", api_settings.DATETIME_FORMAT) == "iso-8601"


def json_cell(name: str, field: AnyField, index: int) -> Cell:
    """A field of a JSON column: passed on unread, or picked from as a nested serializer says."""
    if isinstance(field, serializers.BaseSerializer):
        picker = _picker(field)

        def pick(row: Row) -> Any:
            value = None if row[index] is None else orjson.loads(row[index])
            return None if value is None else picker(value)

        return Cell(name, index, pick)
    is_list_of_texts = isinstance(field, serializers.ListField) and (
        type(field.child) is serializers.CharField
    )
    is_open = isinstance(field, serializers.JSONField | serializers.DictField) and (
        type(getattr(field, "child", None)).__name__ in {"_UnvalidatedField", "NoneType"}
    )
    if not (is_list_of_texts or is_open):
        raise NotCompiled(name)

    def passed_on(row: Row) -> Any:
        return None if row[index] is None else orjson.Fragment(row[index])

    return Cell(name, index, passed_on)


def _picker(field: AnyField) -> Value:
    """What a nested serializer shows of JSON; one with ways of its own is asked itself."""
    if isinstance(field, serializers.ListSerializer):
        child = _picker(cast("AnyField", field.child))
        return lambda items: [child(item) for item in items]
    if not isinstance(field, serializers.Serializer) or not _is_plain(field):
        return field.to_representation
    kind = type(field)
    picks = [
        (name, one.source or name, one.allow_null, _picker(one))
        for name, one in field.fields.items()
    ]

    def pick(item: dict[str, Any]) -> dict[str, Any]:
        shown = {}
        for name, source, is_nullable, picked in picks:
            value = item.get(source) if is_nullable else item[source]
            shown[name] = None if value is None else picked(value)
        return fields_hide(kind, shown)

    return pick


def _is_plain(field: serializers.Serializer[Any]) -> bool:
    is_always_there = all(
        (one.required or one.read_only) and len(one.source_attrs) == 1
        for one in field.fields.values()
    )
    return is_always_there and not has_words_of_its_own(type(field))


def value_cell(column: models.Field[Any, Any]) -> Value | None:
    """How a column becomes the value that an object's attribute would be; None: it is that already."""
    target = column.target_field if isinstance(column, models.ForeignKey) else column
    if isinstance(target, models.UUIDField):
        return UUID
    if isinstance(target, models.DecimalField):
        return Decimal
    return orjson.loads if isinstance(target, models.JSONField) else None
