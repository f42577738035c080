"""What is kept of foreign words: a bounded part, readable, without the secrets that we know of."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

_SHORTEST: Final = 6
_MASK: Final = "***"
_UNREADABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def excerpt(words: bytes | str, *, limit: int, secrets: Iterable[str] = ()) -> str:
    """The beginning of an output as text; secrets in the forms they are usually carried are masked.

    A secret that is cut off at the limit is masked, too: the cut comes after the masking.
    """
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    for secret in sorted(_forms(secrets), key=len, reverse=True):
        text = text.replace(secret, _MASK)
    text = _UNREADABLE.sub("", text.replace("\r\n", "\n"))
    encoded = text.encode()
    return text if len(encoded) <= limit else encoded[: limit - 3].decode("utf-8", "ignore") + "…"


def _forms(secrets: Iterable[str]) -> set[str]:
    forms: set[str] = set()
    for secret in secrets:
        for part in {secret, *secret.splitlines(), secret.removeprefix("whsec_")}:
            if len(part) < _SHORTEST:
                continue
            forms |= {part, quote(part, safe=""), json.dumps(part)[1:-1]}
            forms.add(base64.b64encode(part.encode()).decode().rstrip("="))
    return forms
