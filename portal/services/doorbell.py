"""The doorbell: tells workers that a queue has work. Best effort; the ledger is the truth.

A ring never delays whoever rings: a thread of this process carries it to the broker, rings of one queue
that come within milliseconds become one, and a broker that is away only costs a log line. Workers look for due work
themselves every few seconds, so a lost ring costs that much and nothing else.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog
from django.db import transaction

from portal.kernel import scope

_log = structlog.get_logger(__name__)

Carrier = Callable[[str], None]
"""Takes a queue's ring to the workers; may raise whatever its transport raises."""
_APART_S: Final = 0.02
"""Between two rings of a process; a lone one leaves at once. Each costs the broker's client 0.2 ms."""
Listener = Callable[[str], bool]
"""A worker in this very process: answers whether it takes the ring itself."""


class Doorbell:
    """Collects rings and hands them to the carrier, one thread per process, started when first needed."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._waiting: dict[str, None] = {}
        self._is_carrying = False
        self._thread: threading.Thread | None = None
        self._carrier: Carrier | None = None
        self._listener: Listener | None = None

    def connect(self, carrier: Carrier | None) -> None:
        """Says how rings travel; without a carrier they are dropped."""
        self._carrier = carrier

    def listen(self, listener: Listener | None) -> None:
        """Offers rings of this process to a worker inside it first."""
        self._listener = listener

    def ring(self, queue: str) -> None:
        """Rings now; never blocks, never raises."""
        if self._listener is not None and self._listener(queue):
            return
        with self._lock:
            self._waiting[queue] = None
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._carry, name="doorbell", daemon=True)
                self._thread.start()
            self._lock.notify_all()

    def flush(self, timeout_s: float) -> bool:
        """Waits until every ring was carried or dropped; answers whether that was so in time."""
        with self._lock:
            return self._lock.wait_for(
                lambda: not self._waiting and not self._is_carrying, timeout=timeout_s
            )

    def _carry(self) -> None:
        while True:
            with self._lock:
                self._lock.wait_for(lambda: bool(self._waiting))
                queues, self._waiting = list(self._waiting), {}
                self._is_carrying = True
            for queue in queues:
                self._carry_one(queue)
            with self._lock:
                self._is_carrying = False
                self._lock.notify_all()
            time.sleep(_APART_S)

    def _carry_one(self, queue: str) -> None:
        if self._carrier is None:
            return
        try:
            self._carrier(queue)
        except Exception as error:  # noqa: BLE001 - the broker's libraries raise anything; the ledger has the work
            _log.warning("doorbell.broker_away", queue=queue, error=type(error).__name__)


DOORBELL: Final = Doorbell()


def ring_on_commit(queue: str) -> None:
    """Rings when the open transaction commits; at once when there is none."""
    transaction.on_commit(lambda: DOORBELL.ring(queue), using=scope.alias.get())
