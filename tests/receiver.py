"""Servers of the outside world as they really are: friendly, silent, slow, endless, redirecting."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Talk = Callable[[socket.socket], None]


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def answer(status: int = 200, body: bytes = b"", **headers: str) -> Talk:
    """Answer a request properly; `retry_after="5"` becomes the header Retry-After."""
    lines = [f"HTTP/1.1 {status} Text", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join(lines) + "\r\n\r\n"

    def talk(connection: socket.socket) -> None:
        connection.sendall(head.encode() + body)

    return talk


@dataclass
class Receiver:
    """Listens on the loopback address and answers every request by `talk`."""

    talk: Talk = field(default_factory=answer)
    tls: ssl.SSLContext | None = None
    received: list[Received] = field(default_factory=list)
    port: int = 0
    _listener: socket.socket | None = None
    _arrived: threading.Condition = field(default_factory=threading.Condition)
    _live: set[socket.socket] = field(default_factory=set)

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/in"

    @contextmanager
    def serving(self, host: str = "127.0.0.1") -> Iterator[Receiver]:
        """Serve until the block ends; every connection is closed then."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, self.port), family=family, backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        try:
            yield self
        finally:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            for connection in list(self._live):
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def wait_for(self, count: int, timeout_s: float = 60.0) -> list[Received]:
        """Return the requests as soon as there are that many."""
        with self._arrived:
            met = self._arrived.wait_for(lambda: len(self.received) >= count, timeout_s)
        assert met, f"{len(self.received)} of {count} requests arrived"
        return list(self.received)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, ValueError), connection:
            self._live.add(connection)
            try:
                stream = connection
                if self.tls is not None:
                    stream = self.tls.wrap_socket(connection, server_side=True)
                request = _request(stream)
                with self._arrived:
                    self.received.append(request)
                    self._arrived.notify_all()
                self.talk(stream)
            finally:
                self._live.discard(connection)


def _request(connection: socket.socket) -> Received:
    reader = connection.makefile("rb")
    method, path, _ = reader.readline().decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while line := reader.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = reader.read(int(headers.get("content-length", 0)))
    return Received(method, path, headers, body)
