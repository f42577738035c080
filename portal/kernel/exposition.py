"""Figures for Prometheus: apps say what they know now, the page of figures writes it down.

Labels have few values that everybody may read: kinds, states, clusters; never organisations or people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gauge:
    """One figure as it is now: `labels` are names, each sample has as many values and its number."""

    name: str
    text: str
    labels: tuple[str, ...]
    samples: Sequence[tuple[tuple[str, ...], float]]
    is_total: bool = False


@dataclass(frozen=True, slots=True)
class Counted:
    """A total that processes count under `key` (`kernel.tallies`), with the name it is shown under."""

    key: str
    name: str
    text: str
    labels: tuple[str, ...]
    is_histogram: bool = False


Source = Callable[[], Iterable[Gauge]]
_sources: dict[str, Source] = {}
COUNTED = (
    Counted(
        "operations_ended",
        "uhub_operations_ended",
        "Tries of operations that ended, by outcome.",
        ("type", "queue", "outcome"),
    ),
    Counted("leases_lost", "uhub_leases_lost", "Leases another worker took over.", ("queue",)),
    Counted("leases_expired", "uhub_leases_expired", "Leases of workers lost.", ("queue",)),
    Counted(
        "http_requests",
        "uhub_http_requests",
        "Requests by the pattern of their route.",
        ("channel", "route", "method", "status"),
    ),
    Counted(
        "step_seconds",
        "uhub_step_duration_seconds",
        "How long steps of operations ran.",
        ("type",),
        is_histogram=True,
    ),
    Counted(
        "http_request_seconds",
        "uhub_http_request_duration_seconds",
        "How long requests took.",
        ("channel", "method"),
        is_histogram=True,
    ),
)
"""What processes count themselves; totals of all processes that ever ran."""


def register_exposition(key: str, source: Source) -> None:
    """Adds or replaces a source of figures; it asks a constant number of statements."""
    _sources[key] = source


def gauges() -> list[Gauge]:
    """All figures of all sources, in the order of their names."""
    found = [gauge for source in _sources.values() for gauge in source()]
    return sorted(found, key=lambda gauge: gauge.name)
