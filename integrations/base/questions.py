"""One question to a name server, as any client asks it: over UDP, over TCP when it does not fit.

The answer is taken as hostile: it counts only when it comes from the address that was asked, with
the number and the question of ours, and nothing in it can make the reading go on for ever.
"""

from __future__ import annotations

import secrets
import socket
import struct
import time
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from integrations.base.errors import Unavailable

TYPES: Final = {"A": 1, "PTR": 12, "AAAA": 28}
NO_ERROR, NAME_ERROR, REFUSED = 0, 3, 5
_HEADER: Final = struct.Struct("!HHHHHH")
_FIXED: Final = struct.Struct("!HHIH")
_INTERNET: Final = 1
_RECURSION_DESIRED: Final = 0x0100
_IS_ANSWER: Final = 0x8000
_IS_CUT: Final = 0x0200
_UDP_LIMIT: Final = 4096
_JUMPS_MOST: Final = 20
_RECORDS_MOST: Final = 200


class NoAnswer(Unavailable):
    """Nothing came back in time, or nothing that can be read."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What was said: the code of the answer, and the contents of the type that was asked for."""

    code: int
    contents: tuple[str, ...]


def question_ask(
    server: tuple[IPv4Address | IPv6Address, int], name: str, type_: str, *, timeout_s: float
) -> Reply:
    """Ask one question. Raises: NoAnswer."""
    ends_s = time.monotonic() + timeout_s
    number = secrets.randbelow(1 << 16)
    question = question_build(number, name, type_)
    try:
        answer = _over_udp(server, question, ends_s)
        if is_cut(answer):
            answer = _over_tcp(server, question, ends_s)
    except (OSError, TimeoutError) as error:
        address, port = server
        raise NoAnswer(f"{address} port {port} does not answer questions") from error
    return reply_read(answer, question, type_)


def question_build(number: int, name: str, type_: str) -> bytes:
    """Return the packet of a question."""
    labels = [label.encode("ascii") for label in name.split(".")]
    path = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    header = _HEADER.pack(number, _RECURSION_DESIRED, 1, 0, 0, 0)
    return header + path + struct.pack("!HH", TYPES[type_], _INTERNET)


def is_cut(packet: bytes) -> bool:
    """Whether the answer did not fit into its packet."""
    return len(packet) >= _HEADER.size and bool(_HEADER.unpack_from(packet)[1] & _IS_CUT)


def reply_read(packet: bytes, question: bytes, type_: str) -> Reply:
    """Return what a packet says to our question. Raises: NoAnswer."""
    try:
        return _read(packet, question, type_)
    except (struct.error, IndexError, UnicodeDecodeError, ValueError) as error:
        raise NoAnswer("the answer to a question cannot be read") from error


def _read(packet: bytes, question: bytes, type_: str) -> Reply:
    number, flags, questions, answers, _, _ = _HEADER.unpack_from(packet)
    asked = question[_HEADER.size :]
    echoed = packet[_HEADER.size : _HEADER.size + len(asked)]
    is_ours = number == _HEADER.unpack_from(question)[0] and flags & _IS_ANSWER
    if not is_ours or questions != 1 or echoed.lower() != asked.lower():
        raise ValueError("an answer to another question")
    at, contents = _HEADER.size + len(asked), []
    for _ in range(min(answers, _RECORDS_MOST)):
        _name, at = _name_read(packet, at)
        kind, _class, _ttl, length = _FIXED.unpack_from(packet, at)
        at += _FIXED.size
        data = packet[at : at + length]
        if len(data) != length:
            raise ValueError("a record is cut off")
        if kind == TYPES[type_]:
            contents.append(_content(packet, at, data, type_))
        at += length
    return Reply(flags & 0xF, tuple(sorted(set(contents))))


def _content(packet: bytes, at: int, data: bytes, type_: str) -> str:
    match type_:
        case "A":
            return str(IPv4Address(data))
        case "AAAA":
            return str(IPv6Address(data))
        case _:
            return _name_read(packet, at)[0]


def _name_read(packet: bytes, at: int) -> tuple[str, int]:
    """Return the name at a place and where what follows it begins."""
    labels: list[str] = []
    end, jumps = 0, 0
    while length := packet[at]:
        if length & 0xC0 == 0xC0:
            end = end or at + 2
            at = (length & 0x3F) << 8 | packet[at + 1]
            jumps += 1
            if jumps > _JUMPS_MOST:
                raise ValueError("a name that has no end")
            continue
        labels.append(packet[at + 1 : at + 1 + length].decode("ascii").lower())
        at += 1 + length
        if length & 0xC0 or sum(map(len, labels)) > 255:
            raise ValueError("a name that is too long")
    return ".".join(labels), end or at + 1


def _over_udp(
    server: tuple[IPv4Address | IPv6Address, int], question: bytes, ends_s: float
) -> bytes:
    address, port = server
    with socket.socket(_family(address), socket.SOCK_DGRAM) as wire:
        wire.connect((str(address), port))
        wire.settimeout(_left_s(ends_s))
        wire.send(question)
        while True:
            wire.settimeout(_left_s(ends_s))
            packet = wire.recv(_UDP_LIMIT)
            if packet[:2] == question[:2]:
                return packet


def _over_tcp(
    server: tuple[IPv4Address | IPv6Address, int], question: bytes, ends_s: float
) -> bytes:
    address, port = server
    with socket.create_connection((str(address), port), timeout=_left_s(ends_s)) as wire:
        wire.sendall(struct.pack("!H", len(question)) + question)
        (length,) = struct.unpack("!H", _exactly(wire, 2, ends_s))
        return _exactly(wire, length, ends_s)


def _exactly(wire: socket.socket, count: int, ends_s: float) -> bytes:
    found = b""
    while len(found) < count:
        wire.settimeout(_left_s(ends_s))
        more = wire.recv(count - len(found))
        if not more:
            raise ConnectionResetError("the answer ended too early")
        found += more
    return found


def _left_s(ends_s: float) -> float:
    left_s = ends_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s


def _family(address: IPv4Address | IPv6Address) -> socket.AddressFamily:
    return socket.AF_INET if address.version == 4 else socket.AF_INET6
