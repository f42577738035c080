"""Fields that mean what JSON says: a number is no text, a text is no number, and neither is a truth.

Forms carry text only, so there the usual readings hold.
"""

from __future__ import annotations

from typing import Any

from django.http import QueryDict
from rest_framework import serializers


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
