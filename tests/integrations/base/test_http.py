"""The hardened client against real sockets that behave badly."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from integrations.base import addresses
from integrations.base.errors import Permanent
from integrations.base.http import (
    AddressRefused,
    AnswerLost,
    HttpPolicy,
    TooLarge,
    TooSlow,
    Unreachable,
    http_send,
)
from tests.ports import port_hold
from tests.receiver import Receiver, Talk, answer
from tests.simulator import SimulatorProcess

OPEN = HttpPolicy(allowed_networks=(ip_network("127.0.0.1/32"),), timeout_s=5)
SHORT = replace(OPEN, timeout_s=0.4)
CLOSED = HttpPolicy(allowed_networks=(), timeout_s=5)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().serving() as server:
        yield server


def _named(monkeypatch: pytest.MonkeyPatch, *turns: str) -> list[str]:
    """Resolve every name to the next address in turn; returns the names that were asked."""
    asked: list[str] = []

    def lookup(host: str, port: int) -> list[str]:
        asked.append(host)
        return [turns[min(len(asked), len(turns)) - 1]]

    monkeypatch.setattr(addresses, "lookup", lookup)
    return asked


def _endless(head: bytes, drip: bytes) -> Talk:
    def talk(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(drip)
            threading.Event().wait(0.02)

    return talk


def test_a_request_arrives_as_it_was_given_and_its_answer_comes_back(receiver: Receiver) -> None:
    receiver.talk = answer(201, b"thanks", X_Mark="1")

    got = http_send("POST", receiver.url + "?a=1", headers={"X-One": "1"}, body=b"{}", policy=OPEN)

    assert (got.status, got.body, got.headers["x-mark"]) == (201, b"thanks", "1")
    assert got.address == "127.0.0.1"
    [request] = receiver.received
    assert (request.method, request.path, request.body) == ("POST", "/in?a=1", b"{}")
    assert request.headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "user-agent": "uHub",
        "accept": "*/*",
        "accept-encoding": "identity",
        "x-one": "1",
        "connection": "close",
        "content-length": "2",
    }


def test_nothing_is_sent_to_a_private_address(receiver: Receiver) -> None:
    with pytest.raises(AddressRefused, match=r"127\.0\.0\.1 is at 127\.0\.0\.1"):
        http_send("POST", receiver.url, headers={}, body=b"x", policy=CLOSED)

    assert receiver.received == []


def test_a_redirect_is_an_answer_and_is_not_followed(receiver: Receiver) -> None:
    receiver.talk = answer(302, Location="http://169.254.169.254/latest/meta-data/")

    got = http_send("GET", receiver.url, headers={}, body=b"", policy=OPEN)

    assert got.status == 302
    assert len(receiver.received) == 1


def test_the_name_is_resolved_once_and_the_address_that_was_judged_is_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _named(monkeypatch, "127.0.0.1", "169.254.169.254")

    got = http_send(
        "GET", f"http://rebind.test:{receiver.port}/", headers={}, body=b"", policy=OPEN
    )

    assert (got.status, got.address, asked) == (200, "127.0.0.1", ["rebind.test"])
    assert receiver.received[0].headers["host"] == f"rebind.test:{receiver.port}"


def test_a_name_that_turns_inward_is_refused_the_next_time(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    _named(monkeypatch, "127.0.0.1", "169.254.169.254")
    url = f"http://rebind.test:{receiver.port}/"
    http_send("GET", url, headers={}, body=b"", policy=OPEN)

    with pytest.raises(AddressRefused, match=r"169\.254\.169\.254"):
        http_send("GET", url, headers={}, body=b"", policy=OPEN)

    assert len(receiver.received) == 1


def test_a_proxy_of_the_environment_is_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    assert http_send("GET", receiver.url, headers={}, body=b"", policy=OPEN).status == 200


def test_a_closed_port_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        http_send("GET", f"http://127.0.0.1:{port_hold()}/", headers={}, body=b"", policy=OPEN)


def test_the_second_address_is_tried_when_the_first_one_is_closed(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "lookup", lambda host, port: ["127.0.0.2", "127.0.0.1"])
    policy = replace(OPEN, allowed_networks=(ip_network("127.0.0.0/8"),))

    got = http_send("GET", f"http://two.test:{receiver.port}/", headers={}, body=b"", policy=policy)

    assert got.address == "127.0.0.1"


@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(lambda connection: threading.Event().wait(3), id="silent"),
        pytest.param(_endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), id="headers without end"),
        pytest.param(
            _endless(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x"),
            id="a drop at a time",
        ),
        pytest.param(_endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="continue without end"),
    ],
)
def test_one_time_limit_ends_every_kind_of_slowness(receiver: Receiver, talk: Talk) -> None:
    receiver.talk = talk

    with pytest.raises(TooSlow, match=r"did not answer within 0\.4 s"):
        http_send("POST", receiver.url, headers={}, body=b"x", policy=SHORT)


def test_a_handshake_that_never_comes_is_unreachable(receiver: Receiver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises(Unreachable, match="did not answer"):
            http_send("POST", url, headers={}, body=b"x", policy=SHORT)


def test_an_answer_cut_off_may_have_taken_effect(receiver: Receiver) -> None:
    receiver.talk = lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")

    with pytest.raises(AnswerLost):
        http_send("POST", receiver.url, headers={}, body=b"x", policy=OPEN)


def test_a_connection_closed_without_an_answer_may_have_taken_effect(receiver: Receiver) -> None:
    receiver.talk = lambda connection: None

    with pytest.raises(AnswerLost):
        http_send("POST", receiver.url, headers={}, body=b"x", policy=OPEN)


def test_words_that_are_no_answer_may_have_taken_effect(receiver: Receiver) -> None:
    receiver.talk = lambda connection: connection.sendall(b"220 mail.test ESMTP\r\n" * 4)

    with pytest.raises(AnswerLost):
        http_send("POST", receiver.url, headers={}, body=b"x", policy=OPEN)


def test_an_answer_longer_than_allowed_is_cut_and_its_status_known(receiver: Receiver) -> None:
    receiver.talk = answer(200, b"x" * 5000)

    with pytest.raises(TooLarge) as caught:
        http_send("GET", receiver.url, headers={}, body=b"", policy=replace(OPEN, max_bytes=1000))

    assert (caught.value.answer.status, len(caught.value.answer.body)) == (200, 1000)


def test_an_answer_of_exactly_the_allowed_length_is_whole(receiver: Receiver) -> None:
    receiver.talk = answer(200, b"x" * 1000)

    got = http_send("GET", receiver.url, headers={}, body=b"", policy=replace(OPEN, max_bytes=1000))

    assert len(got.body) == 1000


def test_headers_without_bound_are_not_read_to_the_end(receiver: Receiver) -> None:
    receiver.talk = _endless(b"HTTP/1.1 200 OK\r\n", b"X-Fill: " + b"y" * 60_000 + b"\r\n")

    with pytest.raises(AnswerLost):
        http_send("GET", receiver.url, headers={}, body=b"", policy=OPEN)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://example.com/", "begins with https://"),
        ("file:///etc/passwd", "begins with https://"),
        ("https://", "begins with https://"),
        ("https://user:secret@example.com/", "no user name or password"),
        ("https://exa mple.com/", "cannot be"),
        ("https://example.com/" + "x" * 2048, "longer than 2048"),
        ("http://127.0.0.1:65536/", "from 1 to 65535"),
        ("http://127.0.0.1:0/", "from 1 to 65535"),
    ],
)
def test_an_address_that_is_none_is_said_so(url: str, words: str) -> None:
    with pytest.raises((Permanent, Unreachable), match=words):
        http_send("GET", url, headers={}, body=b"", policy=OPEN)


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "Connection"])
def test_headers_of_the_wire_are_not_the_callers(receiver: Receiver, name: str) -> None:
    with pytest.raises(Permanent, match="set by uHub itself"):
        http_send("GET", receiver.url, headers={name: "1"}, body=b"", policy=OPEN)

    assert receiver.received == []


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\x00b"])
def test_a_header_cannot_smuggle_another_one(receiver: Receiver, value: str) -> None:
    with pytest.raises(Permanent):
        http_send("GET", receiver.url, headers={"X-One": value}, body=b"", policy=OPEN)

    assert receiver.received == []


def test_tls_is_verified_against_the_given_ca(simulator_process: SimulatorProcess) -> None:
    url = f"https://{simulator_process.host}:{simulator_process.port}/api2/json/version"

    trusted = replace(OPEN, verify=Path(simulator_process.ca_file))

    assert http_send("GET", url, headers={}, body=b"", policy=trusted).status == 401


def test_tls_of_an_unknown_ca_is_unreachable(simulator_process: SimulatorProcess) -> None:
    url = f"https://{simulator_process.host}:{simulator_process.port}/api2/json/version"

    with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
        http_send("GET", url, headers={}, body=b"", policy=OPEN)


def test_tls_of_another_name_is_unreachable(
    simulator_process: SimulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    _named(monkeypatch, "127.0.0.1")
    url = f"https://other.test:{simulator_process.port}/"
    trusted = replace(OPEN, verify=Path(simulator_process.ca_file))

    with pytest.raises(Unreachable, match="Hostname mismatch"):
        http_send("GET", url, headers={}, body=b"", policy=trusted)


def test_a_file_that_is_no_ca_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")

    with pytest.raises(Permanent, match="CA file"):
        http_send(
            "GET",
            "https://127.0.0.1:1/",
            headers={},
            body=b"",
            policy=replace(OPEN, verify=tmp_path / "ca.pem"),
        )


def test_an_ipv6_address_is_reached_when_excepted() -> None:
    policy = replace(OPEN, allowed_networks=(ip_network("::1/128"),))
    with Receiver().serving("::1") as server:
        got = http_send("GET", f"http://[::1]:{server.port}/", headers={}, body=b"", policy=policy)

    assert (got.status, got.address) == (200, "::1")
