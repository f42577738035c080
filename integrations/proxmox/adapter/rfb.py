"""The first words of the remote framebuffer protocol (RFC 6143), spoken to a hypervisor."""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Callable
from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from integrations.proxmox.errors import PROVIDER, ScreenGone

VERSION: Final = b"RFB 003.008\n"
SECURITY_NONE: Final = 1
SECURITY_VNC: Final = 2

Receive = Callable[[], Awaitable[bytes]]
Send = Callable[[bytes], Awaitable[None]]


class Reader:
    """Bytes as they come, taken in the pieces the protocol wants."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._held = b""

    async def take(self, count: int) -> bytes:
        """Return exactly so many bytes."""
        while len(self._held) < count:
            self._held += await self._receive()
        taken, self._held = self._held[:count], self._held[count:]
        return taken

    def rest(self) -> bytes:
        """Return what came beyond what was taken."""
        taken, self._held = self._held, b""
        return taken


def response_to(challenge: bytes, password: str) -> bytes:
    """Encrypt with the first eight letters, the bits of each reversed: VNC's own way, and weak.

    It only ever crosses a connection whose TLS was verified, with a password made for it.
    """
    letters = password.encode("latin-1", "replace")[:8].ljust(8, b"\0")
    key = bytes(int(f"{letter:08b}"[::-1], 2) for letter in letters)
    encryptor = Cipher(TripleDES(key * 3), modes.ECB()).encryptor()  # noqa: S305 - VNC's own
    return encryptor.update(challenge) + encryptor.finalize()


async def security_pass(receive: Receive, send: Send, password: str) -> bytes:
    """Speak version and security as the client; return bytes that came early.

    Raises: ScreenGone when the other side is no screen, or does not let us in.
    """
    reader = Reader(receive)
    if not (await reader.take(len(VERSION))).startswith(b"RFB 003.008"):
        raise ScreenGone("it does not speak RFB 3.8", provider=PROVIDER)
    await send(VERSION)
    count = (await reader.take(1))[0]
    kinds = await reader.take(count) if count else b""
    if SECURITY_VNC in kinds:
        await send(bytes((SECURITY_VNC,)))
        await send(response_to(await reader.take(16), password))
    elif SECURITY_NONE in kinds:
        await send(bytes((SECURITY_NONE,)))
    else:
        raise ScreenGone("it wants a kind of security that we do not speak", provider=PROVIDER)
    if struct.unpack(">I", await reader.take(4))[0] != 0:
        raise ScreenGone("it does not let us in", provider=PROVIDER)
    return reader.rest()
