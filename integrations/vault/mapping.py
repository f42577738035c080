"""Between references, paths and contents: pure, and the same for every store."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from integrations.vault.errors import PROVIDER, InvalidSecret, MalformedSecret
from integrations.vault.interface import SecretReference, StoreHealth, StoreState

PATH_LIMIT: Final = 255
CONTENT_LIMIT_BYTES: Final = 64 * 1024

_PART: Final = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_PATH = re.compile(rf"{_PART}(?:/{_PART})*")
_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_REFERENCE = re.compile(r"vault:(?P<path>[^#\s]+)#(?P<key>[^#\s]+)")

_HEALTH: Final = {
    200: StoreHealth(StoreState.READY),
    429: StoreHealth(StoreState.STANDBY, "this node passes requests on"),
    472: StoreHealth(StoreState.STANDBY, "this node is a replica for disasters"),
    473: StoreHealth(StoreState.STANDBY, "this node is a replica for reads"),
    501: StoreHealth(StoreState.UNINITIALISED, "the store was never initialised"),
    503: StoreHealth(StoreState.SEALED, "the store is sealed"),
}


def path_checked(path: str) -> str:
    """Return a path that every store accepts. Raises: InvalidSecret."""
    if len(path) > PATH_LIMIT or not _PATH.fullmatch(path):
        raise InvalidSecret("a path is made of letters, digits, - _ . and /", provider=PROVIDER)
    return path


def prefix_checked(prefix: str) -> str:
    """Return a prefix without its closing slash; "" is the root. Raises: InvalidSecret."""
    return path_checked(prefix.removesuffix("/")) if prefix else ""


def content_checked(data: Mapping[str, str]) -> dict[str, str]:
    """Return a content that every store accepts. Raises: InvalidSecret."""
    if not data or not all(_KEY.fullmatch(key) for key in data):
        raise InvalidSecret("a secret has named values", provider=PROVIDER)
    if not all(isinstance(value, str) for value in data.values()):
        raise InvalidSecret("the values of a secret are texts", provider=PROVIDER)
    if sum(len(value.encode()) for value in data.values()) > CONTENT_LIMIT_BYTES:
        raise InvalidSecret("a secret holds at most 64 KiB", provider=PROVIDER)
    return dict(data)


def reference_parse(text: str) -> SecretReference:
    """Return the reference in a text such as `vault:clusters/demo#token`. Raises: InvalidSecret."""
    match = _REFERENCE.fullmatch(text)
    if match is None:
        raise InvalidSecret("a reference has the form vault:<path>#<key>", provider=PROVIDER)
    return reference_build(match["path"], match["key"])


def reference_build(path: str, key: str) -> SecretReference:
    """Return the reference to one value of a secret. Raises: InvalidSecret."""
    if not _KEY.fullmatch(key):
        raise InvalidSecret("a key is made of letters, digits, - _ and .", provider=PROVIDER)
    return SecretReference(path=path_checked(path), key=key)


def written_version(answer: object) -> int:
    """Return the version a write made. Raises: MalformedSecret."""
    version = _data(answer).get("version")
    if isinstance(version, bool) or not isinstance(version, int):
        raise MalformedSecret("the answer to a write has no version", provider=PROVIDER)
    return version


def content(answer: object) -> dict[str, str]:
    """Return the values in the answer to a read. Raises: MalformedSecret."""
    data = _data(answer).get("data")
    if not isinstance(data, dict):
        raise MalformedSecret("the answer has no content", provider=PROVIDER)
    if not all(isinstance(value, str) for value in data.values()):
        raise MalformedSecret("a value of the secret is no text", provider=PROVIDER)
    return {str(key): value for key, value in data.items()}


def names(answer: object) -> tuple[str, ...]:
    """Return the names in the answer to a listing. Raises: MalformedSecret."""
    keys = _data(answer).get("keys")
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise MalformedSecret("the answer has no names", provider=PROVIDER)
    return tuple(sorted(keys))


def health(status: int) -> StoreHealth:
    """Return what the status of a health answer means."""
    unknown = StoreHealth(StoreState.UNREACHABLE, f"the health answer has status {status}")
    return _HEALTH.get(status, unknown)


def _data(answer: object) -> Mapping[str, Any]:
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict):
        raise MalformedSecret("the answer has no data", provider=PROVIDER)
    return data
