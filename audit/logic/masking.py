"""Keeps secrets out of what is recorded, whatever a caller hands in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.utils.functional import Promise

MASK: Final = "***"
_SECRET: Final = re.compile(
    r"(^|[_.-])(secret|password|passwd|passphrase|token|credential|authorization|cookie"
    r"|(api|private|master|ssh|access|signing|encryption)[_.-]?key|key)s?($|[_.-])",
    re.IGNORECASE,
)
_IN_TEXT: Final = re.compile(
    r"(?P<name>\b(?:authorization|bearer|pve(?:api|auth)\w*|[\w-]*(?:password|passwd|secret|token"
    r"|api[_-]?key))[\"']?\s*[:=]\s*(?:bearer\s+|basic\s+)?|\bbearer\s+)(?P<quote>[\"']?)"
    r"(?P<value>[^\s\"',;&]{3,})",
    re.IGNORECASE,
)
_IN_ADDRESS: Final = re.compile(
    r"(?P<head>\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{0,80}:)[^\s/@]{1,200}@"
)
_HARMLESS: Final = re.compile(r"(_(at|count|reference|id|attempts)|^must_change_password)$")


def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds something nobody may read later."""
    return bool(_SECRET.search(name)) and not _HARMLESS.search(name)


def masked_text(text: str) -> str:
    """`text` without what follows words like password= or Bearer, and without passwords in addresses."""
    shown = _IN_ADDRESS.sub(rf"\g<head>{MASK}@", text)
    return _IN_TEXT.sub(rf"\g<name>\g<quote>{MASK}", shown)


def masked(value: Any) -> Any:
    """`value` as JSON can hold it, with the values of secret fields replaced at every depth."""
    if isinstance(value, Mapping):
        return {
            str(name): MASK if is_secret_name(str(name)) and item is not None else masked(item)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [masked(item) for item in items]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal | UUID | Promise):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return str(value) if isinstance(value, str) else value
    return str(value)
