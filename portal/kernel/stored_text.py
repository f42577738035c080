"""Texts that rows hold: written in English whoever asked, read in the language of whoever looks.

A step's error, a machine's attention or an audit entry outlive the request that made them and have readers
of both languages. They are therefore stored in English, beside a code, and translated when they are shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, cast

from django.utils import translation
from django.utils.translation import trans_real

_CONTEXT: Final = "stored\x04"
_PLACE: Final = re.compile(r"%\((\w+)\)[sd]")
_KEPT: Final = 4096


def stored_text(message: str, **values: Any) -> str:
    """A text for a row, in English; `message` comes into the catalogue, with its places `%(name)s`."""
    return message % values if values else message


def told_text(message: str) -> str:
    """The same text for a reader who is here now, its places still open."""
    return translation.pgettext("stored", message)


def translated(text: object) -> str:
    """What a row says, in the reader's language; as it was written where there is no translation."""
    words = str(text or "")
    language = translation.get_language()
    return _translated(words, language) if words and language else words


@lru_cache(maxsize=_KEPT)
def _translated(text: str, language: str) -> str:
    found = trans_real.translation(language).gettext(text)
    return _stored_translated(text, language) if found == text else str(found)


def _stored_translated(text: str, language: str) -> str:
    """A stored text, or one inside another; a name or anybody's own words stay as they are."""
    key = f"{_CONTEXT}{text}"
    found = trans_real.translation(language).gettext(key)
    if found != key:
        return str(found)
    for pattern, words in _patterns(language):
        match = pattern.fullmatch(text)
        if match:
            parts = match.groupdict().items()
            return words % {name: _stored_translated(part, language) for name, part in parts}
    return text


def _catalogue(language: str) -> Mapping[Any, Any]:
    """All that Django has loaded; there is no public way to ask for it."""
    catalogue: Any = trans_real.translation(language)
    return cast("Mapping[Any, Any]", catalogue._catalog)  # noqa: SLF001 - as said


@lru_cache(maxsize=8)
def _patterns(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """What stored texts with places look like, the ones that say most first."""
    entries: dict[str, str] = {
        key.removeprefix(_CONTEXT): words
        for key, words in _catalogue(language).items()
        if isinstance(key, str) and key.startswith(_CONTEXT) and _PLACE.search(key)
    }
    ordered = sorted(entries, key=lambda text: (-len(_PLACE.sub("", text)), text))
    return tuple((_pattern(text), _PLACE.sub(r"%(\1)s", entries[text])) for text in ordered)


def _pattern(text: str) -> re.Pattern[str]:
    parts = _PLACE.split(text)
    known: set[str] = set()
    expression = ""
    for index, part in enumerate(parts):
        if index % 2 == 0:
            expression += re.escape(part.replace("%%", "%"))
        else:
            expression += f"(?P={part})" if part in known else f"(?P<{part}>.+?)"
            known.add(part)
    return re.compile(expression, re.DOTALL)
