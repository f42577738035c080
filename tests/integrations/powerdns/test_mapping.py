"""What comes from a name server is hostile until it was read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from integrations.base.errors import (
    AccessRefused,
    Ambiguous,
    Permanent,
    ProviderError,
    Unavailable,
)
from integrations.powerdns import mapping
from integrations.powerdns.errors import InvalidName, MalformedAnswer, NameConflict, ZoneMissing
from integrations.powerdns.interface import RecordSet
from integrations.powerdns.transport import NameServerEndpoint

GOOD: dict[str, Any] = {
    "name": "Web.Demo.Test.",
    "type": "a",
    "ttl": 60,
    "records": [
        {"content": "192.0.2.9", "disabled": False},
        {"content": "192.0.2.1", "disabled": False},
        {"content": "192.0.2.66", "disabled": True},
    ],
    "comments": [{"content": "mine", "account": ""}],
}


def read(*sets: object) -> tuple[RecordSet, ...]:
    return mapping.record_sets(json.dumps({"rrsets": sets}).encode())


def test_a_record_set_is_read_in_its_canonical_form() -> None:
    assert read(GOOD) == (
        RecordSet("web.demo.test", "A", 60, ("192.0.2.1", "192.0.2.9"), ("mine",)),
    )


def test_a_strange_content_is_kept_for_people_to_read() -> None:
    (found,) = read(GOOD | {"records": [{"content": "no\naddress"}]})
    assert found.contents == ("no address",)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"rrsets": {}}',
        b'{"rrsets": [1]}',
        json.dumps({"rrsets": [GOOD | {"name": None}]}).encode(),
        json.dumps({"rrsets": [GOOD | {"ttl": "60"}]}).encode(),
        json.dumps({"rrsets": [GOOD | {"ttl": True}]}).encode(),
        json.dumps({"rrsets": [GOOD | {"ttl": -1}]}).encode(),
        json.dumps({"rrsets": [GOOD | {"records": "all"}]}).encode(),
        json.dumps({"rrsets": [GOOD | {"records": [{"content": 1}]}]}).encode(),
        json.dumps({"rrsets": [GOOD | {"comments": [1]}]}).encode(),
    ],
)
def test_an_answer_that_cannot_be_read_means_unknown(body: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        mapping.record_sets(body)


@pytest.mark.parametrize(
    ("status", "is_write", "kind"),
    [
        (401, False, AccessRefused),
        (403, True, AccessRefused),
        (404, False, ZoneMissing),
        (409, True, NameConflict),
        (422, True, NameConflict),
        (503, True, Unavailable),
        (500, False, Unavailable),
        (500, True, Ambiguous),
        (302, False, Permanent),
        (418, True, Permanent),
    ],
)
def test_a_status_says_what_may_be_done(
    status: int, is_write: bool, kind: type[ProviderError]
) -> None:
    assert type(mapping.fault(status, b"", is_write=is_write)) is kind or isinstance(
        mapping.fault(status, b"", is_write=is_write), kind
    )


def test_words_of_the_server_are_one_short_line() -> None:
    said = json.dumps({"error": "first\nsecond\x1b[31m" + "x" * 900}).encode()
    message = mapping.fault(422, said, is_write=True).message
    assert (len(message), "\n" in message, "\x1b" in message) == (300, False, False)


@pytest.mark.parametrize(
    "url", ["http://dns.example.org:8081", "ftp://127.0.0.1", "https://user:word@dns.example.org"]
)
def test_the_key_is_not_sent_in_clear_over_a_network(url: str) -> None:
    with pytest.raises(Permanent):
        NameServerEndpoint(url=url, server_id="localhost", api_key="k")


@pytest.mark.parametrize("resolver", ["ns1.example.org:53", "192.0.2.1", "192.0.2.1:0", "[::1]:x"])
def test_a_resolver_is_an_address_and_a_port(resolver: str) -> None:
    with pytest.raises(InvalidName):
        NameServerEndpoint(
            url="https://dns.example.org", server_id="localhost", api_key="k", resolver=resolver
        )


def test_the_key_is_in_no_representation() -> None:
    endpoint = NameServerEndpoint(
        url="https://dns.example.org", server_id="localhost", api_key="s3cret"
    )
    assert "s3cret" not in repr(endpoint)
