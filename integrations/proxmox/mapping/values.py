"""Numbers, flags, sizes and texts as they come in: what identifies a thing must be right, the rest may be unknown."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from integrations.proxmox.errors import PROVIDER, MalformedAnswer
from integrations.proxmox.interface import PowerState

TEXT_LIMIT: Final = 1000

_MARKER = re.compile(r"uhub:[A-Za-z0-9-]{1,64}:[A-Za-z0-9_-]{1,64}")
_SIZE = re.compile(r"(\d{1,15})(?:\.(\d{1,6}))?([KMGT]?)")
_UNITS: Final = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def marker_build(deployment_id: str, nonce: str) -> str:
    """Return the text that ties a guest to a deployment. Raises: ValueError."""
    marker = f"uhub:{deployment_id}:{nonce}"
    if not _MARKER.fullmatch(marker):
        raise ValueError("a marker is made of letters, digits and dashes")
    return marker


def marker_parse(description: object) -> str | None:
    """Return the marker in a description's first line, or None.

    Only the first line counts: people may write below it, and a marker further down proves nothing.
    """
    if not isinstance(description, str):
        return None
    first_line = description.partition("\n")[0].strip()
    return first_line if _MARKER.fullmatch(first_line) else None


def integer(value: object, default: int | None = None) -> int | None:
    """Return a whole number that may come as a number, a string or a fraction."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return default
    if isinstance(value, str) and len(value) > 20:
        return default
    try:
        return int(value)
    except (ValueError, OverflowError):
        return default


def amount(value: object) -> int | None:
    """Return a count of bytes or seconds; what is below zero or beyond a column is not known."""
    number = integer(value)
    return number if number is not None and 0 <= number < 2**63 else None


def share(value: object) -> float | None:
    """Return a part of a whole as a number from 0 to 1, or None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)) > 40:
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return min(1.0, number) if number >= 0 and math.isfinite(number) else None


def text(value: object, limit: int = TEXT_LIMIT) -> str | None:
    """Return a short text, or None for what is no text or empty."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value)[:limit] or None


def flag(value: object) -> bool:
    """Return a boolean that may come as 1, "1" or true."""
    return value in (True, 1, "1")


def size_bytes(value: object) -> int | None:
    """Return the bytes of a size such as 32G, 528K or 1.5T."""
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    whole, fraction, unit = match.groups()
    fraction = fraction or ""
    return int(whole + fraction) * _UNITS[unit] // 10 ** len(fraction)


def properties(value: object) -> dict[str, str]:
    """Split a property string such as `local:1,size=4M`; a part without a name has the key ""."""
    parts: dict[str, str] = {}
    for part in str(value)[:TEXT_LIMIT].split(","):
        name, separator, content = part.partition("=")
        parts[name if separator else ""] = content if separator else name
    return parts


def members_of(data: object) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise MalformedAnswer("an object was expected", provider=PROVIDER)
    return data


def entries(data: object) -> Iterator[Mapping[str, Any]]:
    if not isinstance(data, list):
        raise MalformedAnswer("a list was expected", provider=PROVIDER)
    return (members_of(entry) for entry in data)


def member_list(data: object, key: str) -> list[Mapping[str, Any]]:
    members = data.get(key) if isinstance(data, dict) else None
    entries = members if isinstance(members, list) else []
    return [entry for entry in entries if isinstance(entry, dict)]


def required(entry: Mapping[str, Any], key: str) -> str:
    value = text(entry.get(key))
    if value is None:
        raise MalformedAnswer(f"an entry has no {key}", provider=PROVIDER)
    return value


def vmid_of(value: object) -> int:
    number = integer(value)
    if number is None or not 100 <= number <= 999_999_999:
        raise MalformedAnswer("a guest has no VMID", provider=PROVIDER)
    return number


def power_of(value: object) -> PowerState:
    return PowerState(value) if value in ("running", "stopped") else PowerState.UNKNOWN


def tags_of(value: object) -> tuple[str, ...]:
    return tuple(filter(None, re.split(r"[;,\s]+", text(value) or "")))
