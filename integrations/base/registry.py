"""What the process knows about the hosts it calls: how many calls are in flight, who is down.

The knowledge belongs to the host, not to a client object: every client of the process that talks to
the same host shares one gate, whatever tenant or thread it works for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from integrations.base.errors import Unavailable
from integrations.base.retry import Backoff

log = structlog.get_logger(__name__)


class GateClosed(Unavailable):
    """The host is not called at this moment; nothing was sent."""


@dataclass(frozen=True, slots=True)
class HostLimits:
    """How much one host is asked to bear, and when it counts as down."""

    calls_in_flight: int = 4
    failures_to_open: int = 3
    wait_for_slot_s: float = 20.0
    cooldown: Backoff = field(default_factory=lambda: Backoff(first_s=5.0, limit_s=60.0))


class HostGate:
    """Lets a few calls at a time through to one host and none while the host is known to be down.

    After `failures_to_open` failures in a row the circuit opens; when the cool-down is over one
    probe passes, and its result closes the circuit or opens it for longer.
    """

    def __init__(
        self, host: str, limits: HostLimits, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.host = host
        self._limits = limits
        self._clock = clock
        self._slots = threading.BoundedSemaphore(limits.calls_in_flight)
        self._lock = threading.Lock()
        self._failures = 0
        self._openings = 0
        self._retry_at_s: float | None = None
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether calls are refused at this moment."""
        with self._lock:
            return self._refusal_s() is not None

    @contextmanager
    def call(self) -> Iterator[None]:
        """Hold one of the host's slots for the time of a call.

        Raises: GateClosed when the circuit is open or no slot became free in time; nothing was sent
        then. The caller reports the result with `succeeded()` or `failed()`.
        """
        is_probe = self._circuit_pass()
        try:
            if not self._slots.acquire(timeout=self._limits.wait_for_slot_s):
                raise GateClosed(f"{self.host} is busy with earlier calls", retry_after_s=1.0)
            try:
                yield
            finally:
                self._slots.release()
        finally:
            if is_probe:
                self._probe_return()

    def succeeded(self) -> None:
        """Record an answer of the host, whatever it says."""
        with self._lock:
            was_open = self._retry_at_s is not None
            self._failures = 0
            self._openings = 0
            self._retry_at_s = None
        if was_open:
            log.info("host.answers_again", host=self.host)

    def failed(self) -> None:
        """Record that the host could not be reached or did not answer in time."""
        with self._lock:
            self._failures += 1
            if self._failures < self._limits.failures_to_open and not self._probing:
                return
            self._openings += 1
            is_first = self._openings == 1
            wait_s = self._limits.cooldown.delay_s(self._openings)
            self._retry_at_s = self._clock() + wait_s
        if is_first:
            log.warning("host.does_not_answer", host=self.host, next_try_in_s=round(wait_s, 1))

    def _circuit_pass(self) -> bool:
        with self._lock:
            refusal_s = self._refusal_s()
            if refusal_s is not None:
                raise GateClosed(
                    f"{self.host} does not answer; the next attempt is in {refusal_s:.0f} s",
                    retry_after_s=refusal_s,
                )
            self._probing = self._retry_at_s is not None
            return self._probing

    def _probe_return(self) -> None:
        with self._lock:
            self._probing = False

    def _refusal_s(self) -> float | None:
        if self._retry_at_s is None:
            return None
        left_s = self._retry_at_s - self._clock()
        if left_s > 0:
            return left_s
        return 1.0 if self._probing else None


class HostRegistry:
    """The gates of all hosts called from this process."""

    def __init__(
        self,
        limits: HostLimits | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits or HostLimits()
        self._clock = clock
        self._gates: dict[str, HostGate] = {}
        self._lock = threading.Lock()

    def gate(self, host: str) -> HostGate:
        """Return the gate of `host` ("name:port"), made on first use."""
        with self._lock:
            gate = self._gates.get(host)
            if gate is None:
                gate = self._gates[host] = HostGate(host, self._limits, clock=self._clock)
            return gate


HOSTS = HostRegistry()
