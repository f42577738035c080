"""Places in ordered lists: a value and an id say where one page ends, whatever is inserted meanwhile.

A cursor is a place between two rows: the ordering's value and the id of a neighbour. So a page costs
the same wherever it is, however many rows share a value.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any, Final

import orjson
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from portal.kernel.errors import Fault, InvalidInput

_LONGEST_CURSOR: Final = 2_000


def cursor_fault() -> InvalidInput:
    """What is said of a cursor that was never answered."""
    message = gettext(
        "This is no place in this list. Follow `next` and `previous` as they were answered."
    )
    return InvalidInput(faults=(Fault("cursor", "invalid", message),))


@dataclass(frozen=True, slots=True)
class Place:
    """Beside the row with this value and id; `is_back` asks for what comes before it."""

    is_back: bool
    value: Any
    key: str

    def written(self) -> str:
        body = orjson.dumps([int(self.is_back), self.value, self.key], default=str)
        return urlsafe_b64encode(body).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> Place:
        """Raises InvalidInput for anything that was never answered."""
        try:
            padding = "=" * (-len(text) % 4)
            is_back, value, key = orjson.loads(urlsafe_b64decode(text + padding))
        except (ValueError, TypeError) as error:
            raise cursor_fault() from error
        is_plain = value is None or isinstance(value, str | int | float)
        is_short = len(text) <= _LONGEST_CURSOR
        is_ours = is_short and isinstance(is_back, int) and is_plain and isinstance(key, str)
        if not is_ours or "\x00" in f"{value}{key}":
            raise cursor_fault()
        return cls(bool(is_back), value, key)


@dataclass(frozen=True, slots=True)
class Ordering:
    """By one field, then by id in the same direction."""

    field: str
    is_descending: bool

    @classmethod
    def of(cls, word: str) -> Ordering:
        return cls(word.removeprefix("-"), word.startswith("-"))

    def reversed(self) -> Ordering:
        return Ordering(self.field, not self.is_descending)

    def words(self) -> tuple[str, str]:
        direction = "-" if self.is_descending else ""
        return f"{direction}{self.field}", f"{direction}id"

    def value(self, row: Any) -> Any:
        """What a row is ordered by, through relations as well."""
        for name in self.field.split("__"):
            row = getattr(row, name, None)
        return row

    def beyond(self, place: Place, *, is_nullable: bool) -> Q:
        """Rows after the place; PostgreSQL puts the empty ones last going up and first going down."""
        field, value = self.field, place.value
        step = "lt" if self.is_descending else "gt"
        further = Q(**{f"id__{step}": place.key})
        if value is None:
            same = Q(**{f"{field}__isnull": True}) & further
            return same | Q(**{f"{field}__isnull": False}) if self.is_descending else same
        # The first condition is implied by the others; it is what an index can begin at.
        found = Q(**{f"{field}__{step}e": value}) & (Q(**{f"{field}__{step}": value}) | further)
        if is_nullable and not self.is_descending:
            found |= Q(**{f"{field}__isnull": True})
        return found


def is_nullable(queryset: QuerySet[Any], field: str) -> bool:
    """Whether rows may have no value in a field; what is no column of the table may."""
    try:
        return bool(queryset.model._meta.get_field(field).null)
    except FieldDoesNotExist:
        return True
