"""Words as conditions of a query: first what holds them, then what holds their letters.

Patterns run over the rows of one tenant, read through a key of that tenant, and never over a table: a
trigram index is of no use here, because row-level security asks its own question before any that is not
leakproof, and LIKE is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from django.db.models import (
    BooleanField,
    Case,
    F,
    Func,
    IntegerField,
    Model,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Concat, Length

from portal.kernel.matching import TYPO_FROM

_ACCENTED: Final = "àáâãäåçèéêëìíîïñòóôõöùúûüýÿ"
_PLAIN: Final = "aaaaaaceeeeiiiinooooouuuuyy"
_Row = TypeVar("_Row", bound=Model)
_Shape = TypeVar("_Shape")


class Folded(Func):
    """Lower case without the accents of western Europe, as `matching.fold` does it."""

    template = "translate(lower(%(expressions)s), '" + _ACCENTED + "', '" + _PLAIN + "')"
    output_field = TextField()


class LikeAny(Func):
    """Whether a text is like one of several patterns."""

    template = "(%(expressions)s)"
    arg_joiner = " LIKE ANY "
    output_field = BooleanField()

    def __init__(self, text: Combinable, patterns: Sequence[str]) -> None:
        super().__init__(text, _Patterns(list(patterns)))


class _Patterns(Value):
    def as_sql(self, *_args: Any, **_kwargs: Any) -> tuple[str, Any]:
        return "(%s)", [self.value]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Words as conditions of a query over `fields`, of which the first is what people call a row.

    `is_plain` says that the fields hold nothing but lower-case ASCII, so that they are compared as they are.
    `is_large` that there may be many rows: then the costlier patterns are tried only when nothing holds
    the words.
    """

    fields: tuple[str, ...]
    is_plain: bool = False
    is_large: bool = False

    def __call__(
        self, rows: QuerySet[_Row, _Shape], words: Sequence[str], limit: int
    ) -> list[_Shape]:
        """At most `limit` rows, the best first; in one statement, or two of what is large."""
        if not words:
            return list(rows[:limit])
        if self.is_large and (found := list(self._held(rows, words)[:limit])):
            return found
        return list(self._scattered(rows, words)[:limit])

    def _held(self, rows: QuerySet[_Row, _Shape], words: Sequence[str]) -> QuerySet[_Row, _Shape]:
        """The rows that hold every word."""
        text = self._text(self.fields)
        for word in words:
            rows = rows.filter(LikeAny(text, [f"%{_escaped(word)}%"]))
        return self._ranked(rows, words)

    def _scattered(
        self, rows: QuerySet[_Row, _Shape], words: Sequence[str]
    ) -> QuerySet[_Row, _Shape]:
        """The rows with every word's letters in their order, or with one letter of it wrong."""
        text = self._text(self.fields)
        for word in words:
            rows = rows.filter(LikeAny(text, _loose(word)))
        return self._ranked(rows, words)

    def _ranked(self, rows: QuerySet[_Row, _Shape], words: Sequence[str]) -> QuerySet[_Row, _Shape]:
        """Those first whose first field is, begins with, or holds one of the words."""
        first = self._text(self.fields[:1])
        patterns = ("{}", "{}%", "%{}%")
        ranks = [
            When(LikeAny(first, [form.format(_escaped(word)) for word in words]), then=Value(rank))
            for rank, form in enumerate(patterns)
        ]
        rank = Case(*ranks, default=Value(len(patterns)), output_field=IntegerField())
        return rows.order_by(rank, Length(self.fields[0]), self.fields[0])

    def _text(self, fields: Sequence[str]) -> Combinable:
        text: Combinable = F(fields[0])
        if len(fields) > 1:
            parts = [part for name in fields for part in (F(name), Value(" "))]
            text = Concat(*parts, output_field=TextField())
        return text if self.is_plain else Folded(text)


def _loose(word: str) -> list[str]:
    letters = [_escaped(letter) for letter in word]
    patterns = [f"%{'%'.join(letters)}%"]
    if len(word) >= TYPO_FROM:
        last = len(word) - 1
        patterns += [f"%{''.join(letters[:i])}%{''.join(letters[i + 2 :])}%" for i in range(last)]
    return patterns
