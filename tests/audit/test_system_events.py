"""System events: the table, the writer, what it keeps out and what it never loses."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import structlog
from django.conf import settings
from django.db import DatabaseError, connections

from audit.logic.event_records import EventRow, bounded, event_of
from audit.logic.masking import masked_text
from audit.models import SystemEvent
from audit.services import event_writer
from audit.services.event_writer import EventWriter, rows_store
from portal.kernel.tenancy import DEFAULT, PLATFORM
from tests.engine import wait_until

ROOM = 2_500
ALIKE = 20


def row(message: str = "something", level: str = "error", **more) -> EventRow:
    moment = more.pop("created_at", datetime(2026, 1, 1, tzinfo=UTC))
    return EventRow(service="web", level=level, message=message, created_at=moment, **more)


def record(
    message: object, level: int = logging.WARNING, name: str = "portal.x"
) -> logging.LogRecord:
    return logging.LogRecord(name, level, "x.py", 1, message, (), None)


class Shelf:
    """A store that remembers, and refuses while it is told to."""

    def __init__(self) -> None:
        self.rows: list[EventRow] = []
        self.is_away = False

    def __call__(self, rows: Sequence[EventRow]) -> None:
        if self.is_away:
            raise DatabaseError("away")
        self.rows += rows


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def writer(shelf: Shelf) -> Iterator[EventWriter]:
    built = EventWriter(shelf, flush_every_s=3600)
    built._begin = lambda: None  # type: ignore[method-assign] - these tests flush themselves
    yield built
    built.close()


@pytest.mark.django_db(databases="__all__")
def test_the_runtime_role_holds_nothing_on_system_events() -> None:
    with connections[DEFAULT].cursor() as cursor:
        cursor.execute(
            "SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p "
            "WHERE has_table_privilege(current_user, 'audit_systemevent', p)"
        )
        held = cursor.fetchall()
    assert held == []
    assert SystemEvent.objects.using(PLATFORM).count() == 0


@pytest.mark.parametrize(
    ("level", "name", "kept"),
    [
        (logging.ERROR, "portal.x", "error"),
        (logging.CRITICAL, "portal.x", "error"),
        (logging.WARNING, "uvicorn.error", "warn"),
        (logging.INFO, "portal.x", None),
        (logging.INFO, "system", "info"),
        (logging.DEBUG, "system", None),
    ],
)
def test_what_is_kept(level: int, name: str, kept: str | None) -> None:
    event = event_of(record("said", level, name), service="web")

    assert (event.level if event else None) == kept


def test_a_structured_line_keeps_its_ids_and_fields() -> None:
    operation_id = uuid4()
    said = {
        "event": "operation.lease_lost",
        "level": "warning",
        "timestamp": "2026-01-01T00:00:00Z",
        "request_id": "abcdefgh",
        "operation_id": str(operation_id),
        "tenant_id": "t",
        "worker_queue": "backups",
    }
    event = event_of(record(said), service="worker")

    assert event is not None
    assert (event.service, event.message) == ("backups-worker", "operation.lease_lost")
    assert (event.request_id, event.operation_id) == ("abcdefgh", operation_id)
    assert event.context == {"tenant_id": "t", "logger": "portal.x"}


def test_a_plain_line_takes_the_ids_around_it() -> None:
    with structlog.contextvars.bound_contextvars(request_id="abcdefgh", tenant_id="t"):
        event = event_of(record("plain"), service="web")

    assert event is not None
    assert (event.message, event.request_id, event.context["tenant_id"]) == (
        "plain",
        "abcdefgh",
        "t",
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password=hunter2 and more", "password=*** and more"),
        ("Authorization: Bearer abc.def.ghi", "Authorization: Bearer ***"),
        ("PVEAPIToken=prov@pve!full=2222-2222", "PVEAPIToken=***"),
        ("postgresql://uhub:s3cret@db/uhub", "postgresql://uhub:***@db/uhub"),
        ('{"api_key": "k-12345"}', '{"api_key": "***"}'),
        ("the token of the session", "the token of the session"),
        ("a bearer came", "a bearer ***"),
    ],
)
def test_secrets_in_texts_are_masked(text: str, shown: str) -> None:
    assert masked_text(text) == shown


def test_context_is_masked_and_bounded() -> None:
    facts = {
        "password": "hunter2",
        "long": "x" * 5_000,
        "deep": {"api_key": "k"},
        "nan": float("nan"),
    }

    assert bounded(facts) == {
        "password": "***",
        "long": "x" * 1_000,
        "deep": {"api_key": "***"},
        "nan": None,
    }


def test_a_context_of_many_large_facts_stays_small() -> None:
    kept = bounded({f"f{number}": "ä" * 1_000 for number in range(40)})

    assert len(str(kept).encode()) < 10_000
    assert list(kept) == [f"f{number}" for number in range(40)]


def test_nul_and_broken_surrogates_are_left_out() -> None:
    event = event_of(record("a\x00b\ud800c"), service="web")

    assert event is not None
    assert event.message == "ab?c"


def test_a_trace_is_kept_from_its_end() -> None:
    failed = record("failed", logging.ERROR)
    failed.exc_info = (ValueError, ValueError("the reason"), None)
    event = event_of(failed, service="web")

    assert event is not None
    assert event.context["exception"].endswith("ValueError: the reason\n")


def test_a_storm_of_one_line_becomes_one_row_with_a_number(
    writer: EventWriter, shelf: Shelf
) -> None:
    for _ in range(10_000):
        writer.put(row("storm"))
    held = writer.held
    writer.flush()

    assert held == ALIKE + 1
    assert len(shelf.rows) == ALIKE + 1
    assert shelf.rows[-1].context == {"repeated": 10_000 - ALIKE}


def test_a_storm_of_many_lines_is_bounded_and_counted(writer: EventWriter, shelf: Shelf) -> None:
    for number in range(5_000):
        writer.put(row(f"error {number}"))
        writer.put(row(f"info {number}", level="info"))
    held = writer.held
    writer.flush()
    dropped = [one for one in shelf.rows if one.message == "system_events.dropped"]

    assert held == ROOM
    assert [one.context for one in dropped] == [{"error": 3_000, "info": 4_500}]


def test_informative_lines_take_no_room_from_errors(writer: EventWriter, shelf: Shelf) -> None:
    for number in range(5_000):
        writer.put(row(f"info {number}", level="info"))
    for number in range(100):
        writer.put(row(f"error {number}"))
    writer.flush()

    assert sum(one.level == "error" for one in shelf.rows) == 100


def test_a_database_that_is_away_loses_no_error(writer: EventWriter, shelf: Shelf) -> None:
    shelf.is_away = True
    writer.put(row("first"))
    is_stored = writer.flush()
    writer.put(row("second"))
    shelf.is_away = False
    writer.flush()

    assert is_stored is False
    assert [one.message for one in shelf.rows] == ["first", "second"]


def test_what_the_writer_itself_logs_is_not_written_again(shelf: Shelf) -> None:
    def store(rows: Sequence[EventRow]) -> None:
        built.put(row("about writing"))
        shelf(rows)

    built = EventWriter(store, flush_every_s=3600)
    built._begin = lambda: None  # type: ignore[method-assign]
    built.put(row("one"))
    built.flush()
    built.flush()

    assert [one.message for one in shelf.rows] == ["one"]


def test_putting_never_waits_for_the_table() -> None:
    gate = threading.Event()
    built = EventWriter(lambda _rows: gate.wait() and None, flush_every_s=0.01)
    built.put(row("held up"))
    with ThreadPoolExecutor(1) as pool:
        putting = pool.submit(
            lambda: [built.put(row(f"later {number}")) for number in range(1_000)]
        )
        try:
            putting.result(timeout=60)
        finally:
            gate.set()
    built.close()


@pytest.mark.django_db(transaction=True, databases="__all__")
def test_rows_arrive_in_the_table_with_the_process_that_wrote_them() -> None:
    operation_id = uuid4()
    thread = threading.Thread(
        target=rows_store,
        args=(
            [row("hello", context={"a": [1]}, request_id="abcdefgh", operation_id=operation_id)],
        ),
    )
    thread.start()
    thread.join()
    stored = SystemEvent.objects.using(PLATFORM).get()

    assert (stored.service, stored.level, stored.message) == ("web", "error", "hello")
    assert (stored.context, stored.request_id) == ({"a": [1]}, "abcdefgh")
    assert stored.operation_id == operation_id
    assert stored.process == event_writer.process_name()
    assert stored.created_at == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.django_db(transaction=True, databases="__all__")
def test_a_warning_of_a_running_process_is_stored_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_writer._Process, "service", "web")
    monkeypatch.setattr(
        event_writer._Process, "writer", EventWriter(rows_store, flush_every_s=0.01)
    )
    try:
        logging.getLogger("tests.events").warning("disk is at %s", "91 %")
        wait_until(lambda: SystemEvent.objects.using(PLATFORM).exists())
    finally:
        event_writer.events_close()

    assert SystemEvent.objects.using(PLATFORM).get().message == "disk is at 91 %"


def test_every_logger_that_carries_requests_reaches_the_handler() -> None:
    assert settings.LOGGING["root"]["handlers"] == ["console", "events"]
