"""What Django finds wrong with a row, as faults of an input."""

from __future__ import annotations

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from portal.kernel.errors import Fault


def faults_of(error: ValidationError, *, whole: str = NON_FIELD_ERRORS) -> tuple[Fault, ...]:
    """One fault per message, by field; `whole` is the field that what concerns the whole row is told of."""
    return tuple(
        Fault(whole if field == NON_FIELD_ERRORS else field, item.code or "invalid", message)
        for field, items in error.error_dict.items()
        for item in items
        for message in item.messages
    )
