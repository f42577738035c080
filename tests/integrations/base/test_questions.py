"""Questions to a name server: the packet we send, and answers of somebody who means no good."""

from __future__ import annotations

import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address

import dns.message
import pytest

from integrations.base.questions import NoAnswer, Reply, question_ask, question_build, reply_read

NAME = "web.demo.test"


def reply(text: str, *, number: int = 7, code: int = 0) -> bytes:
    """The packet of an answer with these records."""
    asked = dns.message.from_wire(question_build(number, NAME, "A"))
    answer = dns.message.make_response(asked)
    answer.set_rcode(code)
    if text:
        answer.answer.append(dns.rrset.from_text(f"{NAME}.", 60, "IN", "A", *text.split()))
    return bytes(answer.to_wire())


def test_the_question_is_one_that_others_read() -> None:
    asked = dns.message.from_wire(question_build(7, NAME, "AAAA"))
    assert (asked.id, str(asked.question[0])) == (7, "web.demo.test. IN AAAA")


def test_contents_are_read_sorted_and_once() -> None:
    packet = reply("192.0.2.9 192.0.2.1")
    found = reply_read(packet, question_build(7, NAME, "A"), "A")
    assert found == Reply(0, ("192.0.2.1", "192.0.2.9"))


def test_a_name_that_does_not_exist_has_its_code() -> None:
    assert reply_read(reply("", code=3), question_build(7, NAME, "A"), "A") == Reply(3, ())


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\x00\x07",
        reply("192.0.2.1", number=8),
        question_build(7, NAME, "A"),
        reply("192.0.2.1")[:-2],
        question_build(7, "evil.test", "A")[:2] + b"\x81\x80" + question_build(7, "a.b", "A")[4:],
    ],
)
def test_what_is_no_answer_to_ours_is_none(packet: bytes) -> None:
    with pytest.raises(NoAnswer):
        reply_read(packet, question_build(7, NAME, "A"), "A")


def test_a_name_that_points_to_itself_ends() -> None:
    question = question_build(7, NAME, "PTR")
    header = struct.pack("!HHHHHH", 7, 0x8180, 1, 1, 0, 0)
    body = question[12:] + b"\xc0" + bytes([len(question)])
    with pytest.raises(NoAnswer):
        reply_read(header + body + b"\x00" * 10, question, "PTR")


def test_random_packets_never_break_the_reader() -> None:
    dice = random.Random(7)
    good, question = reply("192.0.2.1 192.0.2.2"), question_build(7, NAME, "A")
    for _ in range(3000):
        packet = bytearray(good)
        for _ in range(dice.randint(1, 6)):
            packet[dice.randrange(len(packet))] = dice.randrange(256)
        try:
            reply_read(bytes(packet[: dice.randint(0, len(packet))]), question, "A")
        except NoAnswer:
            continue


@contextmanager
def answering(answer: Callable[[bytes], list[bytes]]) -> Iterator[int]:
    """A name server on one port that answers what a test says."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.bind(("127.0.0.1", 0))

        def serve() -> None:
            packet, whom = wire.recvfrom(4096)
            for one in answer(packet):
                wire.sendto(one, whom)

        thread = threading.Thread(target=serve)
        thread.start()
        yield wire.getsockname()[1]
        thread.join(5)


def test_a_guessed_number_is_not_believed() -> None:
    def forged_then_true(packet: bytes) -> list[bytes]:
        number = struct.unpack("!H", packet[:2])[0]
        forged = reply("192.0.2.66", number=(number + 1) % 65536)
        return [forged, reply("192.0.2.1", number=number)]

    with answering(forged_then_true) as port:
        found = question_ask((IPv4Address("127.0.0.1"), port), NAME, "A", timeout_s=5.0)
    assert found.contents == ("192.0.2.1",)


def test_silence_ends_in_time() -> None:
    with (
        answering(lambda _packet: []) as port,
        pytest.raises(NoAnswer, match="does not answer questions"),
    ):
        question_ask((IPv4Address("127.0.0.1"), port), NAME, "A", timeout_s=0.05)
