"""Every API request, counted: the proof of what was sent, and of what was not."""

from __future__ import annotations

from collections import deque
from typing import Any

from integrations.proxmox.simulator.clock import Clock

KEPT = 50_000
_SECRET = ("password", "cipassword")


class Journal:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._count = 0

    def open(self, *, method: str, path: str, params: dict[str, Any], token: str) -> dict[str, Any]:
        """Note a request on arrival; the status follows when it is answered, if ever."""
        self._count += 1
        shown = {k: "********" if k in _SECRET else v for k, v in params.items()}
        entry: dict[str, Any] = {
            "n": self._count,
            "time": self._clock.now(),
            "method": method,
            "path": path,
            "params": shown,
            "token": token,
            "status": None,
            "reason": None,
            "fault": None,
            "elapsed": None,
        }
        self._entries.append(entry)
        return entry

    def close(self, entry: dict[str, Any], *, status: int, reason: str) -> None:
        entry["status"], entry["reason"] = status, reason
        entry["elapsed"] = round(self._clock.now() - entry["time"], 4)

    def after(self, number: int) -> list[dict[str, Any]]:
        return [entry for entry in self._entries if entry["n"] > number]

    @property
    def count(self) -> int:
        return self._count

    def clear(self) -> None:
        """Numbers go on: a reader's `after` stays meaningful across a reset."""
        self._entries.clear()
