"""Fields that mean what JSON says: a number is no text, a text is no number, and neither is a truth.

Forms carry text only, so there the usual readings hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.http import QueryDict
from django.utils.translation import gettext as _
from rest_framework import serializers

CHOICES_NAMED: Final = 20


def _is_form(field: serializers.Field[Any, Any, Any, Any]) -> bool:
    return isinstance(getattr(field.root, "initial_data", None), QueryDict)


class Text(serializers.CharField):
    """A string."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Whole(serializers.IntegerField):
    """A whole number."""

    def to_internal_value(self, data: Any) -> int:
        is_number = isinstance(data, int) and not isinstance(data, bool)
        if not is_number and not (isinstance(data, str) and _is_form(self)):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class Flag(serializers.BooleanField):
    """True or false."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool) and not _is_form(self):
            self.fail("invalid", input=data)
        return bool(super().to_internal_value(data))


class Choice(serializers.ChoiceField):
    """One of a few words; who sends another one is told them."""

    def to_internal_value(self, data: Any) -> Any:
        words = [str(word) for word in self.choices]
        if isinstance(data, str) and data and data not in words and len(words) <= CHOICES_NAMED:
            raise serializers.ValidationError(choice_told(data, words), code="invalid_choice")
        return super().to_internal_value(data)


def choice_told(word: str, known: Sequence[str]) -> str:
    """Says that a word is not among the known ones, and which those are."""
    told = {"input": word[:100], "words": ", ".join(known)}
    return _('"%(input)s" is not a valid choice. There are: %(words)s.') % told
