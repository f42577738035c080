"""Adds what this process counted to the totals of all processes."""

from __future__ import annotations

import json
import threading
from typing import Any, Final

import orjson
import structlog
from django.db import DatabaseError, connections

from portal.kernel.tallies import TALLIES
from portal.kernel.tenancy import DISPATCH
from portal.services.purges import purge_in_rounds

_log = structlog.get_logger(__name__)
FLUSH_EVERY_S: Final = 10.0
MINUTES_KEPT_H: Final = 24

# Rows are taken in one order by everybody, so that two processes cannot wait for each other.
_ADD: Final = """
  INSERT INTO portal_tally (name, labels, value)
  SELECT name, labels, value FROM jsonb_to_recordset(%(rows)s::jsonb)
    AS r (name text, labels text, value float8) ORDER BY name, labels
  ON CONFLICT (name, labels) DO UPDATE SET value = portal_tally.value + excluded.value"""

_ADD_MINUTES: Final = """
  INSERT INTO portal_queueminute (queue, minute, completed, failed, retried)
  SELECT queue, minute, completed, failed, retried FROM jsonb_to_recordset(%(rows)s::jsonb)
    AS r (queue text, minute timestamptz, completed int, failed int, retried int)
    ORDER BY minute, queue
  ON CONFLICT (minute, queue) DO UPDATE SET
    completed = portal_queueminute.completed + excluded.completed,
    failed = portal_queueminute.failed + excluded.failed,
    retried = portal_queueminute.retried + excluded.retried"""

_PURGE: Final = """
  DELETE FROM portal_queueminute WHERE id IN (
    SELECT id FROM portal_queueminute WHERE minute < now() - make_interval(hours => %(hours)s)
    ORDER BY minute LIMIT %(most)s)"""


def tallies_flush() -> None:
    """Adds the figures in two statements; a database that is away costs nothing but time."""
    totals, minutes = TALLIES.taken()
    rows = [
        {"name": name, "labels": json.dumps(dict(labels)), "value": value}
        for (name, labels), value in totals.items()
    ]
    by_minute = [
        {"queue": queue, "minute": minute.isoformat(), **_words(words)}
        for (queue, minute), words in minutes.items()
    ]
    try:
        with connections[DISPATCH].cursor() as cursor:
            for statement, given in ((_ADD, rows), (_ADD_MINUTES, by_minute)):
                if given:
                    cursor.execute(statement, {"rows": orjson.dumps(given).decode()})
    except DatabaseError:
        TALLIES.give_back(totals, minutes)
        _log.info("tallies.kept_back")


def queue_minutes_purge() -> int:
    """Forgets minutes older than a day; answers how many."""
    return purge_in_rounds(_PURGE, {"hours": MINUTES_KEPT_H})


class TallyClock:
    """The thread that flushes while the process lives."""

    def __init__(self) -> None:
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins once; a second call does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="tallies", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Adds the last figures."""
        if self._thread is not None:
            self._is_over.set()
            self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._is_over.is_set():
            self._is_over.wait(FLUSH_EVERY_S)
            try:
                tallies_flush()
            finally:
                connections.close_all()


CLOCK: Final = TallyClock()


def _words(words: dict[str, int]) -> dict[str, Any]:
    return {word: words.get(word, 0) for word in ("completed", "failed", "retried")}
