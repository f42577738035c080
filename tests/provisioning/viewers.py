"""A viewer of a console without a browser: it shakes hands as one does, and speaks the screen's language."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from django.conf import settings
from django.test import Client

from portal.models import User
from provisioning.web.console_socket import console_socket
from tests.provisioning.ward import Ward

HOST = "testserver"
KEY = struct.pack(">BBxxI", 4, 1, 0x61)
ASK = struct.pack(">BBHHHH", 3, 0, 0, 0, 64, 32)


def signed_in(user: User) -> str:
    """The key of a fresh web session."""
    client = Client()
    client.force_login(user)
    return str(client.cookies[settings.SESSION_COOKIE_NAME].value)


class Viewer:
    """One websocket: what the server sent, in the order it came."""

    def __init__(self) -> None:
        self.to_server: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.from_server: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        self.is_accepted = False
        self.code = 0
        self._held = b""

    async def send(self, data: bytes) -> None:
        await self.to_server.put({"type": "websocket.receive", "bytes": data})

    async def leave(self, code: int = 1001) -> None:
        await self.to_server.put({"type": "websocket.disconnect", "code": code})

    async def event(self) -> Mapping[str, Any]:
        """The next thing that the server says."""
        event = await asyncio.wait_for(self.from_server.get(), 10)
        if event["type"] == "websocket.close":
            self.code = event["code"]
        self.is_accepted = self.is_accepted or event["type"] == "websocket.accept"
        return event

    async def take(self, count: int) -> bytes:
        while len(self._held) < count:
            event = await self.event()
            assert event["type"] == "websocket.send", event
            self._held += event["bytes"]
        taken, self._held = self._held[:count], self._held[count:]
        return taken

    async def greet(self) -> str:
        """Passes version and security, and answers the screen's title."""
        assert await self.take(12) == b"RFB 003.008\n"
        await self.send(b"RFB 003.008\n")
        assert await self.take(2) == b"\x01\x01"
        await self.send(b"\x01")
        assert await self.take(4) == b"\0\0\0\0"
        await self.send(b"\x01")
        await self.take(20)
        (length,) = struct.unpack(">I", await self.take(4))
        return (await self.take(length)).decode()

    async def picture(self) -> bytes:
        await self.send(ASK)
        return await self.take(16 + 64 * 32 * 4)

    async def closed(self) -> int:
        """Reads on until the server closes; answers the code."""
        while not self.code:
            await self.event()
        return self.code


@asynccontextmanager
async def viewer(
    deployment_id: object, token: str, session_key: str, **headers: str
) -> AsyncIterator[Viewer]:
    """Comes with a ticket and a session, from a page of ours unless `origin` says otherwise."""
    wanted = {
        "host": HOST,
        "origin": f"http://{HOST}",
        "cookie": f"{settings.SESSION_COOKIE_NAME}={session_key}",
    } | headers
    scope = {
        "type": "websocket",
        "scheme": "ws",
        "path": f"/deployments/{deployment_id}/console/socket",
        "query_string": f"ticket={token}".encode(),
        "headers": [(name.encode(), value.encode()) for name, value in wanted.items() if value],
        "subprotocols": ["binary"],
    }
    one = Viewer()
    await one.to_server.put({"type": "websocket.connect"})
    task = asyncio.create_task(console_socket(scope, one.to_server.get, one.from_server.put))
    try:
        await one.event()
        yield one
    finally:
        await one.leave()
        await asyncio.wait_for(task, 20)


def person(ward: Ward, role: str = "support") -> User:
    return ward.world.people[role]
