"""The daemon's limits: requests per connection and per worker, connections, workers behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any
from weakref import WeakKeyDictionary

from aiohttp import web

FAREWELL_S = 0.01


@dataclass(slots=True)
class Limits:
    """`daemon_workers` is how many protected calls a node does at a time; 0 is any number."""

    keep_alive_requests: int = 100
    worker_requests: int = 1000
    workers: int = 3
    max_connections: int = 500
    idle_s: float = 5.0
    daemon_workers: int = 0


class _Connection:
    def __init__(self, worker: int) -> None:
        self.worker = worker
        self.served = 0
        self.is_busy = False


class Connections:
    """Spreads connections over workers; a worker that has done its share goes with all of its."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.recycled = 0
        self.server: web.Server | None = None
        self._known: WeakKeyDictionary[Any, _Connection] = WeakKeyDictionary()
        self._requests: dict[int, int] = {}
        self._next = 0
        self._daemons: dict[str, asyncio.Semaphore] = {}

    def change(self, values: dict[str, Any]) -> dict[str, Any]:
        """Set limits by name.

        Raises ValueError naming what is unknown.
        """
        current = asdict(self.limits)
        unknown = sorted(set(values) - set(current))
        if unknown:
            raise ValueError(f"unknown limits: {', '.join(unknown)}")
        merged = {key: type(old)(values.get(key, old)) for key, old in current.items()}
        self.limits = Limits(**merged)
        self._daemons.clear()
        self._requests.clear()
        return merged

    @property
    def open_count(self) -> int:
        return len(self.server.connections) if self.server else 0

    @property
    def is_full(self) -> bool:
        return self.open_count >= self.limits.max_connections

    def _of(self, request: web.BaseRequest) -> _Connection:
        key = request.transport
        if key not in self._known:
            self._known[key] = _Connection(self._next % self.limits.workers)
            self._next += 1
        return self._known[key]

    def began(self, request: web.BaseRequest) -> None:
        connection = self._of(request)
        connection.is_busy = True
        connection.served += 1
        self._requests[connection.worker] = self._requests.get(connection.worker, 0) + 1

    def settle(self, request: web.BaseRequest, response: web.Response) -> None:
        """Say whether the connection stays: not after an error, nor at the end of a share."""
        connection, limits = self._of(request), self.limits
        connection.is_busy = False
        is_last = connection.served >= limits.keep_alive_requests or not request.keep_alive
        reserve = 20 if limits.max_connections > 100 else 0
        is_crowded = self.open_count >= limits.max_connections - reserve
        is_over = self._requests.get(connection.worker, 0) >= limits.worker_requests
        if is_last or (is_crowded and connection.served == 1) or is_over:
            response.force_close()
        if is_over:
            self._recycle(connection.worker)
        is_closing = response.keep_alive is False
        response.headers["Connection"] = "close" if is_closing else "Keep-Alive"
        if not is_closing and request.transport is not None:
            loop = asyncio.get_running_loop()
            loop.call_later(limits.idle_s, self._close_idle, request.transport, connection.served)

    def _close_idle(self, transport: asyncio.Transport, served: int) -> None:
        """Close a connection on which nothing was asked since."""
        connection = self._known.get(transport)
        if connection is not None and connection.served == served and not connection.is_busy:
            transport.close()

    def _recycle(self, worker: int) -> None:
        """The worker exits: its idle connections are closed without a word."""
        self.recycled += 1
        self._requests[worker] = 0
        for transport, connection in list(self._known.items()):
            if connection.worker == worker and not connection.is_busy:
                del self._known[transport]
                asyncio.get_running_loop().call_later(FAREWELL_S, transport.close)

    @asynccontextmanager
    async def daemon(self, node: str) -> AsyncIterator[None]:
        """Hold one of the workers that do a node's protected calls, one call at a time each."""
        if self.limits.daemon_workers <= 0:
            yield
            return
        if node not in self._daemons:
            self._daemons[node] = asyncio.Semaphore(self.limits.daemon_workers)
        async with self._daemons[node]:
            yield
