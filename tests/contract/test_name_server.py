"""What every implementation of `NameServer` does: the twin in memory, and a real PowerDNS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integrations.base.errors import AccessRefused, Unavailable
from integrations.base.registry import HostRegistry
from integrations.powerdns.adapter import PowerDns
from integrations.powerdns.errors import InvalidName, NameConflict, ZoneMissing
from integrations.powerdns.fake import FakeNameServer
from integrations.powerdns.interface import (
    AnswerCode,
    NameAnswer,
    NameServer,
    RecordSet,
    RecordType,
)
from integrations.powerdns.transport import NameServerEndpoint, NameServerTransport
from tests.name_server import NameServerProcess

ZONE = "demo.test"
WEB = RecordSet("web.demo.test", "A", 60, ("192.0.2.7",), ("uhub record=1",))


@pytest.fixture(scope="module")
def process() -> Iterator[NameServerProcess]:
    with NameServerProcess() as process:
        yield process


def adapter(process: NameServerProcess, **changes: str) -> PowerDns:
    values = {"url": process.url, "server_id": "localhost", "api_key": process.server.key}
    endpoint = NameServerEndpoint(**values | {"resolver": process.server.resolver} | changes)
    return PowerDns(NameServerTransport(endpoint, registry=HostRegistry()))


@pytest.fixture(params=["fake", "powerdns"])
def server(request: pytest.FixtureRequest) -> NameServer:
    """An implementation with one empty zone."""
    made: NameServer = FakeNameServer()
    if request.param == "powerdns":
        process: NameServerProcess = request.getfixturevalue("process")
        process.reset()
        made = adapter(process)
    assert made.zone_ensure(ZONE, nameservers=("ns1.demo.test",))
    return made


def test_version_names_the_program(server: NameServer) -> None:
    assert server.version() == "PowerDNS 4.7.3"


def test_a_zone_is_made_once(server: NameServer) -> None:
    assert server.zone_ensure(ZONE, nameservers=("ns1.demo.test",)) is False


def test_what_was_written_is_read(server: NameServer) -> None:
    server.record_set_write(ZONE, WEB)
    assert server.record_set(ZONE, "web.demo.test", RecordType.A) == WEB


def test_a_write_replaces_contents_marks_and_time_to_live(server: NameServer) -> None:
    server.record_set_write(ZONE, WEB)
    other = RecordSet("web.demo.test", "A", 90, ("192.0.2.8",), ("uhub record=2",))
    server.record_set_write(ZONE, other)
    assert server.record_set(ZONE, "web.demo.test", RecordType.A) == other


def test_writing_twice_is_writing_once(server: NameServer) -> None:
    server.record_set_write(ZONE, WEB)
    server.record_set_write(ZONE, WEB)
    assert [one for one in server.zone_read(ZONE) if one.type == "A"] == [WEB]


def test_a_name_without_records_has_none(server: NameServer) -> None:
    assert server.record_set(ZONE, "web.demo.test", RecordType.A) is None


def test_types_of_a_name_are_apart(server: NameServer) -> None:
    server.record_set_write(ZONE, WEB)
    assert server.record_set(ZONE, "web.demo.test", RecordType.AAAA) is None


def test_addresses_come_back_in_their_shortest_form(server: NameServer) -> None:
    long = RecordSet("six.demo.test", "AAAA", 60, ("2001:0db8:0:0:0:0:0:0001",))
    server.record_set_write(ZONE, long)
    found = server.record_set(ZONE, "six.demo.test", RecordType.AAAA)
    assert found is not None
    assert found.contents == ("2001:db8::1",)


def test_a_pointer_is_written_and_read_without_its_dot(server: NameServer) -> None:
    server.zone_ensure("2.0.192.in-addr.arpa", nameservers=("ns1.demo.test",))
    pointer = RecordSet("7.2.0.192.in-addr.arpa", "PTR", 60, ("web.demo.test",), ("uhub record=1",))
    server.record_set_write("2.0.192.in-addr.arpa", pointer)
    found = server.record_set("2.0.192.in-addr.arpa", pointer.name, RecordType.PTR)
    assert found == pointer


def test_what_is_removed_is_gone(server: NameServer) -> None:
    server.record_set_write(ZONE, WEB)
    server.record_set_delete(ZONE, "web.demo.test", RecordType.A)
    assert server.record_set(ZONE, "web.demo.test", RecordType.A) is None


def test_removing_what_is_not_there_is_harmless(server: NameServer) -> None:
    server.record_set_delete(ZONE, "web.demo.test", RecordType.A)
    assert server.record_set(ZONE, "web.demo.test", RecordType.A) is None


def test_a_missing_zone_is_named(server: NameServer) -> None:
    with pytest.raises(ZoneMissing):
        server.zone_read("other.test")
    with pytest.raises(ZoneMissing):
        server.record_set_write("other.test", WEB)


@pytest.mark.parametrize("name", ["", "a..b", "-x.demo.test", "a b.demo.test", "x" * 64, "x/../y"])
def test_a_wrong_name_is_refused(server: NameServer, name: str) -> None:
    with pytest.raises(InvalidName):
        server.record_set(ZONE, f"{name}\n" if not name else name + "\n", RecordType.A)


@pytest.mark.parametrize(
    ("type_", "content"),
    [("A", "2001:db8::1"), ("AAAA", "192.0.2.1"), ("A", "192.0.2.1 evil"), ("PTR", "a b")],
)
def test_a_wrong_content_is_refused(server: NameServer, type_: str, content: str) -> None:
    with pytest.raises(InvalidName):
        server.record_set_write(ZONE, RecordSet("web.demo.test", type_, 60, (content,)))


def test_the_resolver_answers_what_was_written(server: NameServer) -> None:
    server.record_set_write(ZONE, WEB)
    found = NameAnswer(AnswerCode.FOUND, ("192.0.2.7",))
    assert server.answer("web.demo.test", RecordType.A) == found
    assert server.answer("web.demo.test", RecordType.AAAA) == NameAnswer(AnswerCode.EMPTY)
    assert server.answer("none.demo.test", RecordType.A) == NameAnswer(AnswerCode.MISSING)


def test_an_address_beside_an_alias_is_a_conflict(process: NameServerProcess) -> None:
    process.reset()
    server = adapter(process)
    server.zone_ensure(ZONE, nameservers=("ns1.demo.test",))
    process.write(ZONE, "web.demo.test", "CNAME", "elsewhere.test.")
    with pytest.raises(NameConflict, match="pre-existing"):
        server.record_set_write(ZONE, WEB)


def test_a_wrong_key_is_refused(process: NameServerProcess) -> None:
    with pytest.raises(AccessRefused):
        adapter(process, api_key="wrong").version()


def test_a_server_that_is_down_is_unavailable(process: NameServerProcess) -> None:
    with pytest.raises(Unavailable):
        adapter(process, url="http://127.0.0.1:9").version()
