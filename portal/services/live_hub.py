"""The live streams of one web process: one look at the database for all who listen, none when nobody does.

Everything here runs in the event loop of the process; only the looks themselves run in a thread, each for
milliseconds. A stream holds neither a thread nor a connection.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Final, TypeVar
from uuid import UUID

import orjson
import structlog
from django.conf import settings
from django.db import connections

from portal.kernel.live import heard
from portal.services.live_access import Listener, listeners_refused
from portal.services.live_events import (
    Change,
    changes_after,
    changes_recent,
    changes_since,
    snapshot_now,
)

_log = structlog.get_logger(__name__)
T = TypeVar("T")
RESET: Final = b"event: reset\ndata: {}\n\n"
CLOSE: Final = b"event: close\ndata: {}\n\n"


class Stream:
    """One browser that listens. What it has not read yet is kept as topics, however much happens."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.last_id = 0
        self.is_closed = False
        self.woken = asyncio.Event()
        self._topics: set[str] = set()

    def hear(self, change: Change) -> None:
        if change.tenant_id != self.listener.tenant_id:
            return
        self.last_id = change.id
        found = heard(change.topics) & self.listener.topics
        if found:
            self._topics |= found
            self.woken.set()

    def close(self) -> None:
        self.is_closed = True
        self.woken.set()

    def news(self) -> bytes:
        """What is to be sent now; without news a comment that keeps the connection open."""
        self.woken.clear()
        number = f"id: {self.last_id}\n".encode() if self.last_id else b""
        if not self._topics:
            return b": still here\n" + number + b"\n"
        data = orjson.dumps({"topics": sorted(self._topics)})
        self._topics = set()
        return number + b"event: change\ndata: " + data + b"\n\n"


class LiveHub:
    """All streams of this process and the one task that looks for them."""

    def __init__(self) -> None:
        self._streams: set[Stream] = set()
        self._seen = ""
        self._has_looked = asyncio.Event()
        self._looker: asyncio.Task[None] | None = None
        self._checked = 0.0

    def has_room(self, user_id: UUID) -> bool:
        """Whether one more stream of this person fits."""
        mine = sum(stream.listener.user_id == user_id for stream in tuple(self._streams))
        limits = settings.LIVE
        return mine < limits["STREAMS_PER_USER"] and len(self._streams) < limits["STREAMS"]

    async def stream(self, listener: Listener, last_id: int | None) -> AsyncIterator[bytes]:
        """What a browser reads: first what it missed, then what happens, until it may not any more."""
        if not self.has_room(listener.user_id):
            yield CLOSE
            return
        stream = Stream(listener)
        await self._join(stream)
        try:
            yield f"retry: {settings.LIVE['RETRY_MS']}\n\n".encode()
            if not await self._catch_up(stream, last_id):
                yield RESET
            while not stream.is_closed:
                yield stream.news()
                await _woken(stream, timeout_s=settings.LIVE["HEARTBEAT_S"])
            yield CLOSE
        finally:
            self._streams.discard(stream)

    async def _join(self, stream: Stream) -> None:
        """From here on the stream hears of everything that the snapshot of this moment does not show."""
        if self._looker is None or self._looker.done() or self._looker.get_loop() is not _loop():
            self._streams, self._has_looked = set(), asyncio.Event()
            self._looker = _loop().create_task(self._look_on())
        self._streams.add(stream)
        await self._has_looked.wait()

    async def _catch_up(self, stream: Stream, last_id: int | None) -> bool:
        """Whether what was missed is known; it is heard then."""
        tenant_id = stream.listener.tenant_id
        if last_id is None:
            missed: list[Change] | None = await _asked(lambda: changes_recent(tenant_id=tenant_id))
        else:
            missed = await _asked(lambda: changes_since(last_id, tenant_id=tenant_id))
        for change in missed or ():
            stream.hear(change)
        return missed is not None

    async def _look_on(self) -> None:
        """Looks as long as somebody listens. A database that is away delays, and loses nothing."""
        self._seen = ""
        while self._streams:
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001 - whatever a lost database raises; the next look tells it all
                _log.warning("live.look_failed", error=type(error).__name__)
            await asyncio.sleep(settings.LIVE["POLL_S"])

    async def _look(self) -> None:
        if not self._seen:
            self._seen = await _asked(snapshot_now)
            self._has_looked.set()
        tenants = {stream.listener.tenant_id for stream in self._streams}
        seen, changes = await _asked(lambda: changes_after(self._seen, tenants))
        streams = tuple(self._streams)
        for change in changes:
            for stream in streams:
                stream.hear(change)
        self._seen = seen
        if time.monotonic() - self._checked >= settings.LIVE["RECHECK_S"]:
            self._checked = time.monotonic()
            refused = await _asked(lambda: listeners_refused({s.listener for s in streams}))
            for stream in streams:
                if stream.listener in refused:
                    stream.close()


def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


async def _woken(stream: Stream, *, timeout_s: float) -> None:
    try:
        await asyncio.wait_for(stream.woken.wait(), timeout_s)
    except TimeoutError:
        return


async def _asked(question: Callable[[], T]) -> T:
    """Asks the database in a thread that gives its connection back at once."""

    def work() -> T:
        try:
            return question()
        finally:
            connections.close_all()

    return await asyncio.to_thread(work)


HUB: Final = LiveHub()
