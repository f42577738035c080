"""Words as conditions of a query: first what holds them, then what holds their letters.

Patterns run over the rows of one tenant, read through a key of that tenant, and never over a table: a
trigram index is of no use here, because row-level security asks its own question before any that is not
leakproof, and LIKE is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

from django.db.models import (
    BooleanField,
    Case,
    F,
    Func,
    IntegerField,
    Model,
    Q,
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


def _text(fields: Sequence[str]) -> Combinable:
    if len(fields) == 1:
        return Folded(F(fields[0]))
    parts: list[Any] = [F(fields[0])]
    for name in fields[1:]:
        parts += [Value(" "), F(name)]
    return Folded(Concat(*parts, output_field=TextField()))


def held(rows: QuerySet[_Row], words: Sequence[str], *fields: str) -> QuerySet[_Row]:
    """The rows whose fields hold every word, those first whose first field is or begins with one."""
    text = _text(fields)
    for word in words:
        rows = rows.filter(LikeAny(text, [f"%{_escaped(word)}%"]))
    if not words:
        return rows
    first = Folded(F(fields[0]))
    begins = [f"{_escaped(word)}%" for word in words]
    rank = Case(
        When(Q(LikeAny(first, [_escaped(word) for word in words])), then=Value(0)),
        When(Q(LikeAny(first, begins)), then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return rows.order_by(rank, Length(fields[0]), fields[0])


def scattered(rows: QuerySet[_Row], words: Sequence[str], *fields: str) -> QuerySet[_Row]:
    """The rows that hold every word's letters in their order, or the word with one letter wrong."""
    text = _text(fields)
    for word in words:
        rows = rows.filter(LikeAny(text, _loose(word)))
    return rows.order_by(Length(fields[0]), fields[0])


def narrowed(rows: QuerySet[_Row], words: Sequence[str], limit: int, *fields: str) -> list[_Row]:
    """At most `limit` rows for words, in one statement or, where none holds them, in a second one."""
    found = list(held(rows, words, *fields)[:limit])
    if found or not words:
        return found
    return list(scattered(rows, words, *fields)[:limit])


def _loose(word: str) -> list[str]:
    letters = [_escaped(letter) for letter in word]
    patterns = [f"%{'%'.join(letters)}%"]
    if len(word) >= TYPO_FROM:
        last = len(word) - 1
        patterns += [f"%{''.join(letters[:i])}%{''.join(letters[i + 2 :])}%" for i in range(last)]
    return patterns
