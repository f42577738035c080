"""What the platform itself tells Prometheus: queues, workers, signs of life, and this process."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import psutil

from audit.services.event_writer import process_name
from portal.kernel.exposition import COUNTED, Counted, Gauge
from portal.kernel.tallies import BUCKETS
from portal.kernel.tenancy import PLATFORM
from portal.models import Tally
from portal.selectors.liveness import liveness
from portal.selectors.queues import queue_figures
from portal.selectors.workers import worker_rows
from portal.services.tallies import tallies_flush
from portal.states import WorkerStatus

Labelled = dict[tuple[str, ...], float]


def platform_gauges() -> Iterator[Gauge]:
    """Three statements."""
    queues = queue_figures()
    for name, text, figure in (
        ("uhub_queue_due", "Operations that could run now.", "due"),
        ("uhub_queue_later", "Operations that wait for their moment.", "later"),
        ("uhub_queue_running", "Operations at a step at this moment.", "running"),
        ("uhub_queue_oldest_due_seconds", "Age of the oldest due operation.", "oldest_due_s"),
    ):
        samples = [((one.queue,), float(getattr(one, figure))) for one in queues]
        yield Gauge(name, text, ("queue",), samples)
    counts = Counter(str(getattr(row, "shown", row.status)) for row in worker_rows())
    by_status = [((status.value,), float(counts[status.value])) for status in WorkerStatus]
    yield Gauge("uhub_workers", "Worker processes by status.", ("status",), by_status)
    seen = liveness()
    signs = (("workers", seen.worker_s), ("scheduler", seen.scheduler_s))
    ages = [((part,), age) for part, age in signs if age is not None]
    yield Gauge("uhub_silence_seconds", "Since the last sign of life.", ("part",), ages)
    yield from _this_process()


def counted_totals() -> dict[str, dict[tuple[str, ...], float]]:
    """Totals of all processes by key of `COUNTED`, in one statement; what this one counted comes first.

    Buckets of histograms are found under `<key>_bucket` with the bound as their last label.
    """
    tallies_flush()
    found: dict[str, dict[tuple[str, ...], float]] = {}
    order = {name: labels for one in COUNTED for name, labels in _stored(one)}
    for name, text, value in Tally.objects.using(PLATFORM).values_list("name", "labels", "value"):
        if name in order:
            labels = json.loads(text)
            key = tuple(str(labels.get(label, "")) for label in order[name])
            found.setdefault(name, {})[key] = value
    return found


def buckets_of(
    totals: dict[str, Labelled], one: Counted
) -> Iterator[tuple[tuple[str, ...], list[tuple[str, float]], float]]:
    """Labels, rising buckets and sum of each row of a histogram."""
    counts: dict[tuple[str, ...], dict[str, float]] = {}
    for key, value in totals.get(f"{one.key}_bucket", {}).items():
        counts.setdefault(key[:-1], {})[key[-1]] = value
    bounds = [*(f"{bound:g}" for bound in BUCKETS), "+Inf"]
    for labels, held in sorted(counts.items()):
        rising, buckets = 0.0, []
        for bound in bounds:
            rising += held.get(bound, 0.0)
            buckets.append((bound, rising))
        yield labels, buckets, totals.get(f"{one.key}_sum", {}).get(labels, 0.0)


def _stored(one: Counted) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not one.is_histogram:
        return ((one.key, one.labels),)
    return (f"{one.key}_bucket", (*one.labels, "le")), (f"{one.key}_sum", one.labels)


def _this_process() -> Iterator[Gauge]:
    """What only the process that answers knows; it says which one that is."""
    process, name = psutil.Process(), (process_name(),)
    with process.oneshot():
        memory, threads = float(process.memory_info().rss), float(process.num_threads())
    label = ("process",)
    yield Gauge(
        "uhub_web_resident_memory_bytes", "Memory of this process.", label, [(name, memory)]
    )
    yield Gauge("uhub_web_threads", "Threads of this process.", label, [(name, threads)])
