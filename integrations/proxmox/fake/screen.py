"""A small grey screen in memory, past its security, that answers what a viewer asks."""

from __future__ import annotations

import asyncio
import struct
from typing import Final

from integrations.proxmox.errors import PROVIDER, ScreenGone
from integrations.proxmox.interface import Screen

WIDTH: Final = 64
HEIGHT: Final = 32
_FORMAT: Final = struct.pack(">BBBBHHHBBBxxx", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
_UPDATE_REQUEST: Final = 3


class FakeScreen(Screen):
    """What was written stands in `written`; `end` closes it from the machine's side."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.written: list[bytes] = []
        self._answers: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def read(self) -> bytes:
        data = await self._answers.get()
        if data is None:
            raise ScreenGone("the screen was closed", provider=PROVIDER)
        return data

    async def write(self, data: bytes) -> None:
        is_first = not self.written
        self.written.append(data)
        if is_first:
            title = self.name.encode()
            size = struct.pack(">HH", WIDTH, HEIGHT)
            self._answers.put_nowait(size + _FORMAT + struct.pack(">I", len(title)) + title)
        elif data[:1] == bytes((_UPDATE_REQUEST,)):
            head = struct.pack(">BxHHHHHi", 0, 1, 0, 0, WIDTH, HEIGHT, 0)
            self._answers.put_nowait(head + b"\x80\x80\x80\x00" * (WIDTH * HEIGHT))

    async def close(self) -> None:
        self.end()

    def end(self) -> None:
        """Close it."""
        self._answers.put_nowait(None)
