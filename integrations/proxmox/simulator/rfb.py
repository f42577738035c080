"""The remote framebuffer protocol, version 3.8: a handshake, then pictures on request."""

from __future__ import annotations

import asyncio
import secrets
import struct
from collections.abc import Awaitable, Callable

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from integrations.proxmox.simulator import framebuffer

VERSION = b"RFB 003.008\n"
SECURITY_VNC = 2
LOOK_S = 0.2
_FORMAT = struct.pack(">BBBBHHHBBBxxx", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
# client messages by type: bytes behind the type when their length is fixed
_FIXED = {0: 19, 3: 9, 4: 7, 5: 5}
_SET_ENCODINGS, _UPDATE_REQUEST, _CUT_TEXT = 2, 3, 6
_MAX_TEXT = 1 << 20

Send = Callable[[bytes], Awaitable[None]]
Look = Callable[[], str]


class GoneError(Exception):
    """The viewer has left, or speaks another language."""


class Stream:
    """Bytes as they come, read in the pieces the protocol wants."""

    def __init__(self, receive: Callable[[], Awaitable[bytes | None]]) -> None:
        self._receive = receive
        self._held = b""

    async def take(self, count: int) -> bytes:
        while len(self._held) < count:
            more = await self._receive()
            if more is None:
                raise GoneError
            self._held += more
        taken, self._held = self._held[:count], self._held[count:]
        return taken


def response_to(challenge: bytes, password: str) -> bytes:
    """Encrypt with the first eight letters, each with its bits reversed, as VNC does."""
    letters = password.encode("latin-1")[:8].ljust(8, b"\0")
    key = bytes(int(f"{letter:08b}"[::-1], 2) for letter in letters)
    encryptor = Cipher(TripleDES(key * 3), modes.ECB()).encryptor()  # noqa: S305 - VNC's own
    return encryptor.update(challenge) + encryptor.finalize()


class Session:
    """One viewer of one screen; `look` answers the state, which is drawn."""

    def __init__(self, stream: Stream, send: Send, *, name: str, look: Look) -> None:
        self._stream = stream
        self._send = send
        self._name = name
        self._look = look
        self._shown = ""

    async def run(self, password: str) -> None:
        """Serve until the viewer leaves.

        Raises GoneError when it does.
        """
        await self._greet(password)
        while True:
            await self._message()

    async def _greet(self, password: str) -> None:
        await self._send(VERSION)
        if not (await self._stream.take(12)).startswith(b"RFB 003.00"):
            raise GoneError
        await self._send(bytes((1, SECURITY_VNC)))
        if (await self._stream.take(1))[0] != SECURITY_VNC:
            raise GoneError
        challenge = secrets.token_bytes(16)
        await self._send(challenge)
        if await self._stream.take(16) != response_to(challenge, password):
            reason = b"Authentication failed"
            await self._send(struct.pack(">II", 1, len(reason)) + reason)
            raise GoneError
        await self._send(struct.pack(">I", 0))
        await self._stream.take(1)
        title = f"VM {self._name}".encode()
        size = struct.pack(">HH", framebuffer.WIDTH, framebuffer.HEIGHT)
        await self._send(size + _FORMAT + struct.pack(">I", len(title)) + title)

    async def _message(self) -> None:
        kind = (await self._stream.take(1))[0]
        if kind == _SET_ENCODINGS:
            _, count = struct.unpack(">BH", await self._stream.take(3))
            await self._stream.take(4 * count)
        elif kind == _CUT_TEXT:
            (length,) = struct.unpack(">3xI", await self._stream.take(7))
            if length > _MAX_TEXT:
                raise GoneError
            await self._stream.take(length)
        elif kind in _FIXED:
            rest = await self._stream.take(_FIXED[kind])
            if kind == _UPDATE_REQUEST:
                await self._update(is_incremental=bool(rest[0]))
        else:
            raise GoneError

    async def _update(self, *, is_incremental: bool) -> None:
        """Send the whole screen; when only changes are wanted, wait for one."""
        status = self._look()
        while is_incremental and status == self._shown:
            await asyncio.sleep(LOOK_S)
            status = self._look()
        self._shown = status
        area = struct.pack(">HHHHi", 0, 0, framebuffer.WIDTH, framebuffer.HEIGHT, 0)
        pixels = framebuffer.picture(self._name, self._shown)
        await self._send(struct.pack(">BxH", 0, 1) + area + pixels)
