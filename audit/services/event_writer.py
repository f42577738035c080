"""Stores system events: whoever logs leaves a row in memory, a thread of the process writes it.

Logging never waits for the database and never fails because of it. What is held is bounded, errors have
room of their own that informative lines cannot take, and the same line again and again becomes one row
with a number (ADR system-events-are-written-beside).
"""

from __future__ import annotations

import atexit
import logging
import os
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson
import uuid_utils.compat
from django.db import connections

from audit.logic.event_records import EventRow, event_of
from portal.kernel import clock, context
from portal.kernel.tenancy import DISPATCH

Store = Callable[[Sequence[EventRow]], None]
FLUSH_EVERY_S: Final = 0.5
_ROOM: Final = {"info": 500, "serious": 2_000}
_ALIKE: Final = 20
_LONGEST_PAUSE_S: Final = 10.0
_LAST_WORDS_S: Final = 2.0

_INSERT: Final = """
  INSERT INTO audit_systemevent
    (id, service, level, message, context, request_id, operation_id, process, created_at)
  SELECT id, service, level, message, context, request_id, operation_id, %(process)s, created_at
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (id uuid, service text, level text, message text,
    context jsonb, request_id text, operation_id uuid, created_at timestamptz)"""


class EventWriter:
    """The rows of one process on their way to the table. `put` never blocks and never raises."""

    def __init__(self, store: Store, *, flush_every_s: float = FLUSH_EVERY_S) -> None:
        self._store = store
        self._flush_every_s = flush_every_s
        self._state = threading.Condition()
        self._rows: dict[str, deque[EventRow]] = {kind: deque() for kind in _ROOM}
        self._seen: Counter[tuple[str, str, str]] = Counter()
        self._surplus: dict[tuple[str, str, str], EventRow] = {}
        self._dropped: Counter[str] = Counter()
        self._is_writing = threading.local()
        self._is_closed = False
        self._thread: threading.Thread | None = None

    @property
    def held(self) -> int:
        """How many rows wait in memory."""
        with self._state:
            return sum(len(rows) for rows in self._rows.values()) + len(self._surplus)

    def put(self, row: EventRow) -> None:
        """Leaves a row for the thread, unless this very thread is writing."""
        if getattr(self._is_writing, "now", False) or self._is_closed:
            return
        key = (row.service, row.level, row.message)
        kind = "info" if row.level == "info" else "serious"
        with self._state:
            self._seen[key] += 1
            if self._seen[key] > _ALIKE:
                if key in self._surplus or len(self._surplus) < _ROOM["info"]:
                    self._surplus[key] = row
                return
            if len(self._rows[kind]) >= _ROOM[kind]:
                self._dropped[row.level] += 1
                return
            self._rows[kind].append(row)
            self._begin()
            self._state.notify_all()

    def flush(self) -> bool:
        """Writes what is held now; answers whether the table took it. What it did not take stays held."""
        with self._state:
            rows = self._taken()
        if not rows:
            return True
        self._is_writing.now = True
        try:
            self._store(rows)
        except Exception:  # noqa: BLE001 - a database that is away; the rows are tried again
            with self._state:
                self._give_back(rows)
            return False
        finally:
            self._is_writing.now = False
        return True

    def close(self) -> None:
        """The last rows, and no more."""
        self._is_closed = True
        with self._state:
            self._state.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=_LAST_WORDS_S)

    def _begin(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="system-events", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        pause_s = self._flush_every_s
        while not self._is_closed:
            with self._state:
                self._state.wait_for(lambda: any(self._rows.values()) or self._is_closed)
            is_stored = self.flush()
            pause_s = self._flush_every_s if is_stored else min(pause_s * 2, _LONGEST_PAUSE_S)
            until = time.monotonic() + pause_s
            with self._state:
                self._state.wait_for(lambda: self._is_closed, timeout=until - time.monotonic())
        self.flush()

    def _taken(self) -> list[EventRow]:
        """All rows in the order of their moments, with one for each surplus and one for what was dropped."""
        rows = [row for held in self._rows.values() for row in held]
        for key, last in self._surplus.items():
            repeated = self._seen[key] - _ALIKE
            rows.append(_with(last, repeated=repeated))
        if self._dropped:
            rows.append(_dropped(rows[-1].service if rows else "", self._dropped))
        for held in self._rows.values():
            held.clear()
        self._seen.clear()
        self._surplus.clear()
        self._dropped.clear()
        return sorted(rows, key=lambda row: row.created_at)

    def _give_back(self, rows: Sequence[EventRow]) -> None:
        for row in reversed(rows):
            kind = "info" if row.level == "info" else "serious"
            if len(self._rows[kind]) < _ROOM[kind]:
                self._rows[kind].appendleft(row)
            else:
                self._dropped[row.level] += 1


def rows_store(rows: Sequence[EventRow]) -> None:
    """Inserts rows in one statement and gives the connection back.

    Raises:
        DatabaseError: nothing was written.
    """
    parameters = {"process": process_name(), "rows": orjson.dumps(_json(rows)).decode()}
    try:
        with connections[DISPATCH].cursor() as cursor:
            cursor.execute(_INSERT, parameters)
    finally:
        connections.close_all()


def process_name() -> str:
    """Host and number of this process, as workers report themselves."""
    return f"{socket.gethostname()}/{os.getpid()}"[:120]


class _Process:
    """What this process is called and where its events go; closed until `events_open`."""

    service = ""
    writer: EventWriter | None = None


def events_open(service: str) -> None:
    """From now on this process keeps its system events; once is enough."""
    if _Process.writer is None:
        _Process.service = service
        _Process.writer = EventWriter(rows_store)
        atexit.register(events_close)


def events_close() -> None:
    """Writes the last rows; what comes later goes to the log alone."""
    writer, _Process.writer = _Process.writer, None
    if writer is not None:
        writer.close()


class EventHandler(logging.Handler):
    """Copies what is worth keeping from the log to the system events."""

    def emit(self, record: logging.LogRecord) -> None:
        writer = _Process.writer
        if writer is None:
            return
        try:
            row = event_of(record, service=_service())
            if row is not None:
                writer.put(row)
        except Exception:  # noqa: BLE001 - logging never fails because of what it is told
            self.handleError(record)


def _service() -> str:
    """The API and the pages are one process and two services."""
    is_api = _Process.service == "web" and context.current().channel == "api"
    return "api" if is_api else _Process.service


def _with(row: EventRow, **facts: Any) -> EventRow:
    return EventRow(
        service=row.service,
        level=row.level,
        message=row.message,
        created_at=row.created_at,
        context={**row.context, **facts},
        request_id=row.request_id,
        operation_id=row.operation_id,
    )


def _dropped(service: str, dropped: Counter[str]) -> EventRow:
    return EventRow(
        service=service or _Process.service,
        level="warn",
        message="system_events.dropped",
        created_at=clock.now(),
        context=dict(dropped),
    )


def _json(rows: Sequence[EventRow]) -> list[dict[str, Any]]:
    return [
        {
            "id": str(uuid_utils.compat.uuid7()),
            "service": row.service,
            "level": row.level,
            "message": row.message,
            "context": row.context,
            "request_id": row.request_id,
            "operation_id": str(row.operation_id) if row.operation_id else None,
            "created_at": row.created_at.isoformat(),
        }
        for row in rows
    ]
