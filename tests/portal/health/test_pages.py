"""System health and workers: what the pages and their API show, and to whom."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta

import pytest
from django.db import connections
from django.test import Client

from portal.kernel import clock
from portal.kernel.models import uuid7
from portal.kernel.tallies import Tallies
from portal.models import QueueMinute, Tally
from portal.services import tallies
from portal.services.cleanup import expired_remove
from tests.conftest import World
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.portal.health.scenes import alive, event_reported, worker_reported


@pytest.fixture
def staff(world: World, client: Client) -> Client:
    person = UserFactory(username="root", is_platform_admin=True)
    MembershipFactory(user=person, tenant=world.north, role="admin")
    client.force_login(person)
    return client


def found(client: Client, query: str = "") -> list[str]:
    answer = client.get(f"/api/admin/system-events{query}")
    assert answer.status_code == 200, answer.content
    return [row["message"] for row in answer.json()["results"]]


def test_an_event_has_exactly_these_keys(staff: Client) -> None:
    operation_id = uuid7()
    event = event_reported(request_id="abcdefgh", operation_id=operation_id)

    row = staff.get("/api/admin/system-events").json()["results"][0]

    moment = event.created_at.isoformat().replace("+00:00", "Z")
    assert row == {
        "id": str(event.pk),
        "service": "worker",
        "level": "warn",
        "message": "operation.lease_lost",
        "context": {"worker": "host-1/4711"},
        "request_id": "abcdefgh",
        "operation_id": str(operation_id),
        "process": "host-1/4711",
        "created_at": moment,
        "updated_at": moment,
    }


NARROWED = {
    "": ["third", "second", "first"],
    "?service=scheduler": ["third"],
    "?level=error": ["second"],
    "?search=IRS": ["first"],
    "?search=request-2": ["second"],
    "?from=2026-01-01T00:00:02Z": ["third", "second"],
    "?to=2026-01-01T00:00:02Z": ["first"],
    "?from=2026-01-01T00:00:02Z&to=2026-01-01T00:00:03Z&level=error": ["second"],
}


def test_events_are_narrowed_as_the_seed_says(staff: Client) -> None:
    for number, (message, level, service) in enumerate(
        [("first", "info", "web"), ("second", "error", "api"), ("third", "warn", "scheduler")], 1
    ):
        event_reported(
            message,
            level=level,
            service=service,
            request_id=f"request-{number}",
            created_at=datetime.fromisoformat(f"2026-01-01T00:00:0{number}+00:00"),
        )

    assert {query: found(staff, query) for query in NARROWED} == NARROWED


@pytest.mark.parametrize(
    ("query", "field"), [("level=bad", "level"), ("service=x", "service"), ("from=x", "from")]
)
def test_a_filter_that_means_nothing_is_named(staff: Client, query: str, field: str) -> None:
    answer = staff.get(f"/api/admin/system-events?{query}")

    assert answer.status_code == 400
    assert [fault["attr"] for fault in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(
    "path",
    [
        "/api/admin/system-events?from=2026-13-01",
        "/api/admin/system-events?to=yesterday",
        "/api/audit?from=1767225600",
        "/api/deployments?expires_before=soon",
    ],
)
def test_a_moment_that_cannot_be_read_names_the_format(staff: Client, path: str) -> None:
    answer = staff.get(path)

    assert answer.status_code == 400
    (fault,) = answer.json()["errors"]
    assert fault["detail"] == (
        "Datetime has wrong format. Use one of these formats instead: "
        "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
    )


def test_events_come_in_pages(staff: Client) -> None:
    for number in range(5):
        event_reported(f"m{number}")

    first = staff.get("/api/admin/system-events?limit=3").json()
    second = staff.get(first["next"]).json()

    assert [row["message"] for row in first["results"]] == ["m4", "m3", "m2"]
    assert [row["message"] for row in second["results"]] == ["m1", "m0"]


@pytest.mark.parametrize("path", ["/api/admin/system-events", "/system-health"])
def test_system_events_are_for_platform_administrators(
    world: World, client: Client, path: str
) -> None:
    event_reported("not for you")
    for role in ("admin", "ops", "support", "dev", "projets", "viewer"):
        client.force_login(world.people[role])

        answer = client.get(path)

        assert answer.status_code == 403, role
        assert b"not for you" not in answer.content


def test_the_page_shows_parts_and_events(staff: Client) -> None:
    alive()
    event_reported(context={"worker": "<b>host</b>"})

    page = staff.get("/system-health").content.decode()

    assert "A worker lost an operation to another one" in page
    assert page.count(">OK<") == 6
    assert "<b>host</b>" not in page
    assert 'hx-trigger="every 5s"' in page


def test_a_stopped_tail_and_older_pages_do_not_move(staff: Client) -> None:
    assert 'hx-trigger="every 5s"' not in staff.get("/system-health?tail=off").content.decode()


def test_one_event_shows_its_trace_and_masks_nothing_twice(staff: Client) -> None:
    event = event_reported(
        "operation.step_crashed", level="error", context={"exception": "Traceback\nBoom"}
    )

    page = staff.get(f"/system-health/events/{event.pk}").content.decode()

    assert "A step failed in a way nobody foresaw" in page
    assert "<span>Boom</span>" in page


def test_an_unknown_event_is_absent(staff: Client) -> None:
    assert staff.get("/system-health/events/nonsense").status_code == 404
    assert staff.get(f"/system-health/events/{uuid7()}").status_code == 404


def test_events_leave_as_csv(staff: Client) -> None:
    event_reported("=cmd()")

    answer = staff.get("/system-health?export=csv")
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))

    assert rows[0][0] == "Message"
    assert rows[1][0] == "'=cmd()"


def test_old_events_are_forgotten(world: World) -> None:
    event_reported("old", created_at=clock.now() - timedelta(days=31))
    event_reported("young", created_at=clock.now() - timedelta(days=29))

    assert expired_remove()["system_events"] == 1


def test_what_a_process_counted_is_added_up(world: World) -> None:
    counted = Tallies()
    for _ in range(3):
        counted.count("http_requests", route="api/me", method="GET")
    counted.observe("http_request_seconds", 0.02, channel="api")
    counted.ended("cloudpods", "completed")
    totals, minutes = counted.taken()
    for _ in range(2):
        tallies.TALLIES.taken()
        tallies.TALLIES.give_back(dict(totals), {key: dict(one) for key, one in minutes.items()})
        tallies.tallies_flush()

    stored = dict(Tally.objects.using("platform").values_list("name", "value"))
    assert stored["http_requests"] == 6
    assert stored["http_request_seconds_bucket"] == 2
    assert stored["http_request_seconds_sum"] == pytest.approx(0.04)
    assert QueueMinute.objects.using("platform").get().completed == 2


def minute(queue: str, minutes_ago: int, **words: int) -> None:
    now = clock.now().replace(second=0, microsecond=0) - timedelta(minutes=minutes_ago)
    QueueMinute.objects.using("dispatch").create(queue=queue, minute=now, **words)


def due(world: World, count: int, *, seconds_ago: int, queue: str = "backups") -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE portal_operation NO FORCE ROW LEVEL SECURITY")
        cursor.executemany(
            "INSERT INTO portal_operation (id, created_at, updated_at, tenant_id, queue, type, "
            "payload, payload_schema, status, priority, attempts, max_attempts, step, steps, "
            "state, log, fence, worker, is_continued, concurrency_key, cancel_requested, "
            "target_type, actor_label, request_id, scheduled_at) VALUES (%s, now(), now(), %s, "
            "%s, 'x', '{}', 1, 'pending', 0, 0, 5, '', '[]', '{}', '[]', 0, '', false, '', false, "
            "'', '', '', now() - make_interval(secs => %s))",
            [(uuid7(), world.north.pk, queue, seconds_ago) for _ in range(count)],
        )
        cursor.execute("ALTER TABLE portal_operation FORCE ROW LEVEL SECURITY")


def test_queues_say_what_waits_and_how_fast_it_goes(staff: Client, world: World) -> None:
    due(world, 3, seconds_ago=90)
    minute("backups", 1, completed=9, failed=1)
    minute("backups", 10, completed=5, retried=2)
    minute("backups", 20, completed=1_000)

    rows = {row["queue"]: row for row in staff.get("/api/queues").json()["results"]}

    assert list(rows) == [
        "cloudpods",
        "metrics",
        "health",
        "backups",
        "webhooks",
        "runs",
        "billing",
    ]
    oldest = rows["backups"].pop("oldest_due_at")
    assert 85 < (clock.now() - datetime.fromisoformat(oldest)).total_seconds() < 150
    assert rows["backups"] == {
        "queue": "backups",
        "due": 3,
        "later": 0,
        "running": 0,
        "ended_per_minute_5": 2.0,
        "ended_per_minute_15": 1.0,
        "failed_15_min": 1,
        "retried_15_min": 2,
    }


def test_the_page_of_workers_shows_queues_and_processes(staff: Client, world: World) -> None:
    alive()
    due(world, 2, seconds_ago=120)
    worker_reported("host-2/12", seconds_ago=500)

    page = staff.get("/workers").content.decode()

    assert "host-1/4711" in page
    assert "host-2/12" in page
    assert "2 min" in page


@pytest.mark.parametrize("path", ["/workers", "/api/queues"])
def test_roles_that_may_not_see_workers_are_refused(
    world: World, client: Client, path: str
) -> None:
    client.force_login(world.people["viewer"])

    assert client.get(path).status_code == 403
