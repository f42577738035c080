"""Between uHub's records and PowerDNS's API; pure. What comes from outside is checked here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final

from integrations.base.errors import AccessRefused, Ambiguous, Permanent, ProviderError
from integrations.powerdns.errors import (
    PROVIDER,
    InvalidName,
    MalformedAnswer,
    NameConflict,
    ServerUnreachable,
    ZoneMissing,
)
from integrations.powerdns.interface import RecordSet, RecordType

ACCOUNT: Final = "uhub"
_NAME: Final = re.compile(
    r"(?=.{1,253}$)[a-z0-9_*]([a-z0-9_/-]{0,61}[a-z0-9_])?"
    r"(\.[a-z0-9_]([a-z0-9_/-]{0,61}[a-z0-9_])?)*"
)
_SERVER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
_MARK_LIMIT: Final = 500
_WORDS_LIMIT: Final = 300
_TTL_MOST: Final = 2**31 - 1
_MEANINGS: Final[dict[int, tuple[type[ProviderError], str]]] = {
    401: (AccessRefused, "the name server refuses the key"),
    403: (AccessRefused, "the name server refuses the key"),
    404: (ZoneMissing, "the name server has no such zone"),
    409: (NameConflict, ""),
    422: (NameConflict, ""),
    429: (ServerUnreachable, ""),
    503: (ServerUnreachable, ""),
}


def name_checked(name: str) -> str:
    """Return a name that every server accepts. Raises: InvalidName."""
    if not _NAME.fullmatch(name):
        raise InvalidName("a DNS name has labels of a-z, 0-9 and -", provider=PROVIDER)
    return name


def server_checked(server_id: str) -> str:
    """Return the id of a server within the API. Raises: InvalidName."""
    if not _SERVER.fullmatch(server_id):
        raise InvalidName("a server id has letters, digits, - _ and .", provider=PROVIDER)
    return server_id


def content_checked(type_: str, content: str) -> str:
    """Return a content in its canonical form. Raises: InvalidName."""
    if type_ == RecordType.PTR:
        return name_checked(content.lower().removesuffix("."))
    try:
        address = ip_address(content)
    except ValueError as error:
        raise InvalidName("the content is no address", provider=PROVIDER) from error
    wanted = IPv4Address if type_ == RecordType.A else IPv6Address
    if not isinstance(address, wanted):
        raise InvalidName("the address is of another family", provider=PROVIDER)
    return str(address)


def zone_new(zone: str, nameservers: tuple[str, ...]) -> bytes:
    """Return the body that makes a zone."""
    body = {
        "name": f"{name_checked(zone)}.",
        "kind": "Native",
        "account": ACCOUNT,
        "nameservers": [f"{name_checked(server)}." for server in nameservers],
    }
    return json.dumps(body).encode()


def replacement(wanted: RecordSet) -> bytes:
    """Return the body that replaces a record set with its marks. Raises: InvalidName."""
    contents = [content_checked(wanted.type, content) for content in wanted.contents]
    dot = "." if wanted.type == RecordType.PTR else ""
    change = {
        "name": f"{name_checked(wanted.name)}.",
        "type": RecordType(wanted.type),
        "ttl": wanted.ttl,
        "changetype": "REPLACE",
        "records": [{"content": f"{content}{dot}", "disabled": False} for content in contents],
        "comments": [{"content": mark, "account": ACCOUNT} for mark in wanted.marks],
    }
    return json.dumps({"rrsets": [change]}).encode()


def removal(name: str, type_: RecordType) -> bytes:
    """Return the body that removes a record set."""
    change = {"name": f"{name_checked(name)}.", "type": type_, "changetype": "DELETE"}
    return json.dumps({"rrsets": [change]}).encode()


def version(body: bytes) -> str:
    """Return program and version from the answer about a server. Raises: MalformedAnswer."""
    facts = _object(body)
    if facts.get("daemon_type") != "authoritative" or not isinstance(facts.get("version"), str):
        raise MalformedAnswer("there is no authoritative PowerDNS server", provider=PROVIDER)
    return f"PowerDNS {_printable(facts['version'])[:40]}"


def record_sets(body: bytes) -> tuple[RecordSet, ...]:
    """Return the record sets in the answer about a zone. Raises: MalformedAnswer."""
    found = _object(body).get("rrsets")
    if not isinstance(found, list):
        raise MalformedAnswer("the answer about a zone has no record sets", provider=PROVIDER)
    return tuple(_record_set(entry) for entry in found)


def fault(status: int, body: bytes, *, is_write: bool) -> ProviderError:
    """Return what an error answer means."""
    words = _words(body) or f"status {status}"
    if status in _MEANINGS:
        kind, own_words = _MEANINGS[status]
        return kind(own_words or words, provider=PROVIDER)
    if status >= 500:
        return (Ambiguous if is_write else ServerUnreachable)(words, provider=PROVIDER)
    if 300 <= status < 400:
        words = "the name server redirects; name its own address"
    return Permanent(words, provider=PROVIDER)


def _record_set(entry: object) -> RecordSet:
    if not isinstance(entry, dict):
        raise MalformedAnswer("a record set is no object", provider=PROVIDER)
    name, type_ = _text(entry, "name"), _text(entry, "type").upper()
    ttl = entry.get("ttl")
    if isinstance(ttl, bool) or not isinstance(ttl, int) or not 0 <= ttl <= _TTL_MOST:
        raise MalformedAnswer("a record set has no time to live", provider=PROVIDER)
    contents = {
        _canonical(type_, _text(record, "content"))
        for record in _objects(entry, "records")
        if record.get("disabled") is not True
    }
    marks = (_text(comment, "content")[:_MARK_LIMIT] for comment in _objects(entry, "comments"))
    return RecordSet(
        name=name.lower().removesuffix(".")[:255],
        type=type_[:10],
        ttl=ttl,
        contents=tuple(sorted(contents)),
        marks=tuple(marks),
    )


def _canonical(type_: str, content: str) -> str:
    """A content as it is compared; a strange one stays as it is, for people to read."""
    if type_ not in {str(known) for known in RecordType}:
        return _printable(content)[:_WORDS_LIMIT]
    try:
        return content_checked(type_, content)
    except InvalidName:
        return _printable(content)[:_WORDS_LIMIT]


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedAnswer("the answer is no JSON", provider=PROVIDER) from error
    if not isinstance(found, dict):
        raise MalformedAnswer("the answer is no object", provider=PROVIDER)
    return found


def _objects(entry: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = entry.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise MalformedAnswer(f"{key} of a record set is no list of objects", provider=PROVIDER)
    return found


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str):
        raise MalformedAnswer(f"{key} in the answer is no text", provider=PROVIDER)
    return value


def _words(body: bytes) -> str:
    """The server's own words for people: one line, cut, printable."""
    try:
        said = json.loads(body)
        words = said.get("error", "") if isinstance(said, dict) else ""
    except (ValueError, RecursionError):
        words = body[:_WORDS_LIMIT].decode("utf-8", "replace")
    return _printable(words)[:_WORDS_LIMIT] if isinstance(words, str) else ""


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()
