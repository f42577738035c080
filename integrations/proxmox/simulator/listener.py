"""Accepts connections and looks at the first byte: TLS goes on, plain HTTP is sent to HTTPS."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

from aiohttp import web

TLS_HANDSHAKE = 0x16
FIRST_BYTE_S = 10.0
FULL_RETRY_S = 0.02
# how long a closed connection waits for the other side's farewell
FAREWELL_S = 2.0
_PLAIN_BYTES = 8192


class TlsListener:
    """One accepting task; each connection gets a short-lived task until its handshake is done."""

    def __init__(
        self,
        sock: socket.socket,
        server: web.Server,
        context: ssl.SSLContext,
        is_full: Callable[[], bool],
    ) -> None:
        self._sock = sock
        self._server = server
        self._context = context
        self._is_full = is_full
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._keep(asyncio.create_task(self._accept()))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._sock.close()

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(self._sock)
            while self._is_full():  # noqa: ASYNC110 - nobody tells when a connection ends
                await asyncio.sleep(FULL_RETRY_S)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._keep(asyncio.create_task(self._welcome(client)))

    async def _welcome(self, client: socket.socket) -> None:
        try:
            first = await asyncio.wait_for(_peek(client), FIRST_BYTE_S)
            if first and first[0] == TLS_HANDSHAKE:
                await asyncio.get_running_loop().connect_accepted_socket(
                    self._server,
                    client,
                    ssl=self._context,
                    ssl_shutdown_timeout=FAREWELL_S,
                )
                return
            if first:
                await _redirect(client)
        except (OSError, TimeoutError):
            # the client has gone, or never wanted anything: nobody is left to tell
            client.close()
            return
        client.close()


async def _peek(client: socket.socket) -> bytes:
    """Peek at the first byte, and leave it where it is."""
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()

    def notice() -> None:
        if not readable.done():
            readable.set_result(None)

    loop.add_reader(client, notice)
    try:
        await readable
    finally:
        loop.remove_reader(client)
    return client.recv(1, socket.MSG_PEEK)


async def _redirect(client: socket.socket) -> None:
    """301 for a GET, 308 for anything else, always to the same place over HTTPS."""
    loop = asyncio.get_running_loop()
    head = (await loop.sock_recv(client, _PLAIN_BYTES)).decode("latin-1")
    method, _, rest = head.partition(" ")
    path = rest.partition(" ")[0] or "/"
    lines = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:])
    }
    host = lines.get("host", "{}:{}".format(*client.getsockname()[:2]))
    status = "301 Moved Permanently" if method in ("GET", "HEAD") else "308 Permanent Redirect"
    location = f"https://{host}{path}"
    answer = f"HTTP/1.1 {status}\r\nLocation: {location}\r\nContent-Length: 0\r\n"
    await loop.sock_sendall(client, f"{answer}Connection: close\r\n\r\n".encode("latin-1"))
