"""Collections that are only kept: an entry is what was sent, shown with a digest."""

from __future__ import annotations

import hashlib
import json
from typing import Any

Entry = dict[str, Any]


def digest(entry: Any) -> str:
    text = json.dumps(entry, sort_keys=True).encode()
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()


def shown(entry: Entry) -> Entry:
    return {**entry, "digest": digest(entry)}


def change(
    entry: Entry, params: Entry, *, skipped: set[str], defaults: Entry | None = None
) -> None:
    """Write what was sent, and take out what `delete` names; a default comes back then."""
    ignored = {*skipped, "delete", "digest"}
    entry |= {key: value for key, value in params.items() if key not in ignored}
    for key in (part.strip() for part in str(params.get("delete", "")).split(",")):
        entry.pop(key, None)
        if defaults and key in defaults:
            entry[key] = defaults[key]
