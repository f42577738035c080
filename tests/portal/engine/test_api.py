from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from portal.models import Operation
from portal.services.workers import WorkerDesk
from tests.engine import run_until_idle

JSON = "application/json"


@pytest.fixture
def client_of(world) -> Callable[[str], Client]:
    def _client(role: str) -> Client:
        client = Client()
        client.force_login(world.people[role])
        return client

    return _client


@pytest.fixture
def ask(world, enqueue) -> Callable[..., Operation]:
    """An operation of `north`, asked for by its support agent."""

    def _ask(type_: str, **more: Any) -> Operation:
        return enqueue(type_, tenant_id=world.north.pk, actor=world.actor("support"), **more)

    return _ask


def get(client, path):
    return client.get(f"/api/{path}", headers={"accept": JSON})


def post(client, path):
    return client.post(f"/api/{path}", data="{}", content_type=JSON, headers={"accept": JSON})


def ids(answer):
    return [row["id"] for row in answer.json()["results"]]


def test_list_is_newest_first_and_filtered(ask, client_of):
    first = ask("test.noop")
    second = ask("test.other")
    client = client_of("viewer")
    assert ids(get(client, "operations")) == [str(second.pk), str(first.pk)]
    assert ids(get(client, "operations?queue=webhooks")) == [str(second.pk)]
    assert ids(get(client, "operations?type=test.noop")) == [str(first.pk)]
    assert ids(get(client, "operations?status=completed")) == []
    assert ids(get(client, "operations?ordering=created_at")) == [str(first.pk), str(second.pk)]
    assert get(client, "operations?ordering=payload").json()["errors"][0]["attr"] == "ordering"


@pytest.mark.parametrize("query", ["status=wrong", "status=pending&status=wrong"])
def test_a_word_that_no_filter_knows_is_answered_with_those_there_are(ask, client_of, query):
    answer = get(client_of("viewer"), f"operations?{query}")
    assert (answer.status_code, answer.json()["errors"]) == (
        400,
        [
            {
                "code": "invalid_choice",
                "detail": '"wrong" is not a valid choice. '
                "There are: pending, running, completed, failed, dead, canceled.",
                "attr": "status",
            }
        ],
    )


def test_cursor_walks_through_all_pages(ask, client_of):
    asked = [str(ask("test.noop").pk) for _ in range(5)]
    client, seen, path = client_of("viewer"), [], "/api/operations?limit=2"
    while path:
        answer = client.get(path, headers={"accept": JSON})
        seen += ids(answer)
        path = answer.json()["next"]
    assert seen == asked[::-1]


def test_detail_shows_steps_log_and_tries(ask, client_of):
    operation = ask("test.poll", payload={"polls": 1})
    run_until_idle()
    shown = get(client_of("viewer"), f"operations/{operation.pk}").json()
    assert (shown["status"], shown["percent"], shown["attempts"]) == ("completed", 100, 1)
    assert [step["status"] for step in shown["steps"]] == ["completed", "completed"]
    assert shown["log"] == ["poll 0"]
    assert [one["outcome"] for one in shown["tries"]] == ["completed"]
    assert shown["started_at"].endswith("Z")


@pytest.mark.parametrize(("role", "is_shown"), [("ops", True), ("viewer", False)])
def test_payload_is_for_operators(ask, client_of, role, is_shown):
    operation = ask("test.noop", payload={"key": "value"})
    client = client_of(role)
    assert ("payload" in get(client, f"operations/{operation.pk}").json()) is is_shown
    assert ("payload" in get(client, "operations").json()["results"][0]) is is_shown


def test_retry_answers_202_with_the_new_operation(ask, client_of):
    failed = ask("test.hopeless")
    run_until_idle()
    answer = post(client_of("support"), f"operations/{failed.pk}/retry")
    again = answer.json()
    assert (answer.status_code, again["status"], again["retry_of"]) == (
        202,
        "pending",
        str(failed.pk),
    )
    assert get(client_of("support"), again["href"].removeprefix("/api/")).status_code == 200


def test_cancel_answers_202_then_409(ask, client_of):
    operation = ask("test.noop")
    answer = post(client_of("ops"), f"operations/{operation.pk}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (202, "canceled")
    again = post(client_of("ops"), f"operations/{operation.pk}/cancel")
    assert again.status_code == 409
    assert again.json()["errors"][0]["code"] == "operation_ended"


def test_viewer_may_not_cancel_what_others_asked(ask, client_of, row):
    operation = ask("test.noop")
    assert post(client_of("viewer"), f"operations/{operation.pk}/cancel").status_code == 403
    assert row(operation).status == "pending"


def test_unknown_body_fields_are_refused(ask, client_of, row):
    operation = ask("test.noop")
    answer = client_of("ops").post(
        f"/api/operations/{operation.pk}/cancel", data={"force": True}, content_type=JSON
    )
    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "force")
    assert row(operation).status == "pending"


def test_another_tenants_operation_is_absent(ask, world, row):
    operation = ask("test.noop")
    stranger = Client()
    stranger.force_login(world.stranger)
    assert ids(get(stranger, "operations")) == []
    assert get(stranger, f"operations/{operation.pk}").status_code == 404
    assert post(stranger, f"operations/{operation.pk}/cancel").status_code == 404
    assert row(operation).status == "pending"


def test_nobody_signed_in_sees_nothing(ask):
    assert get(Client(), f"operations/{ask('test.noop').pk}").status_code == 401


def test_workers_are_for_operators_and_silent_ones_are_offline(client_of):
    desk = WorkerDesk(queues=("cloudpods",))
    desk._beat_once()
    assert get(client_of("viewer"), "workers").status_code == 403
    shown = get(client_of("ops"), "workers").json()["results"][0]
    assert (shown["name"], shown["queue"], shown["status"]) == (desk.name, "cloudpods", "online")
    with connections["dispatch"].cursor() as cursor:
        cursor.execute("UPDATE portal_worker SET last_heartbeat_at = now() - interval '1 min'")
    assert (
        get(client_of("ops"), "workers?status=offline").json()["results"][0]["status"] == "offline"
    )


@pytest.mark.usefixtures("lasting_memory")
def test_list_costs_the_same_for_any_number_of_rows(ask, client_of, django_assert_max_num_queries):
    client = client_of("viewer")
    for _ in range(12):
        ask("test.noop")
    with django_assert_max_num_queries(12):
        assert len(ids(get(client, "operations"))) == 12


def test_pages_show_list_progress_and_detail(ask, client_of):
    operation = ask("test.poll", payload={"after_s": 3600})
    run_until_idle(horizon_s=60)
    client = client_of("ops")
    listed = client.get("/operations")
    assert listed.status_code == 200
    assert f"operation-{operation.pk}" in listed.content.decode()
    detail = client.get(f"/operations/{operation.pk}").content.decode()
    assert f'data-live="operation:{operation.pk}"' in detail
    assert "poll 1" in detail
    part = client.get(f"/operations/{operation.pk}", headers={"HX-Request": "true"})
    assert part.status_code == 200
    assert "<html" not in part.content.decode()


def test_log_is_a_file_of_its_own(ask, client_of):
    operation = ask("test.poll", payload={"after_s": 3600})
    run_until_idle(horizon_s=60)
    answer = client_of("viewer").get(f"/operations/{operation.pk}/log")
    assert (answer.content, answer["Content-Type"]) == (b"poll 0\n", "text/plain; charset=utf-8")
    assert answer["Content-Disposition"].startswith("attachment;")


def test_page_says_how_many_come_before_it(ask, client_of):
    ask("test.three")
    second = ask("test.three")
    page = client_of("viewer").get(f"/operations/{second.pk}").content.decode()
    assert "1 operation of your organisation comes before it in this queue." in page


def test_page_shows_what_was_tried_again_in_its_place(ask, client_of):
    first = ask("test.hopeless")
    run_until_idle()
    client = client_of("ops")
    client.post(f"/operations/{first.pk}/retry")
    again = Operation.across_tenants.get(retry_of=first.pk)
    for shown in (first, again):
        page = client.get(f"/operations/{shown.pk}").content.decode()
        tree = page[page.index('class="tree"') :]
        assert f'href="/operations/{first.pk}"' in tree
        assert f'href="/operations/{again.pk}"' in tree


def test_live_part_stops_asking_when_the_operation_ended(ask, client_of):
    operation = ask("test.noop")
    run_until_idle()
    headers = {"HX-Request": "true"}
    part = client_of("viewer").get(f"/operations/{operation.pk}", headers=headers).content.decode()
    assert "hx-trigger" not in part


def test_page_buttons_cancel_and_retry(ask, client_of, row):
    operation, failed = ask("test.three"), ask("test.hopeless")
    client = client_of("ops")
    answer = client.post(f"/operations/{operation.pk}/cancel")
    assert (answer.status_code, answer["Location"]) == (303, f"/operations/{operation.pk}")
    assert row(operation).status == "canceled"
    run_until_idle()
    answer = client.post(f"/operations/{failed.pk}/retry")
    again = Operation.across_tenants.get(retry_of=failed.pk)
    assert (answer.status_code, answer["Location"]) == (303, f"/operations/{again.pk}")


@pytest.mark.parametrize("path", ["operations", "operations/x", "operations/x/log"])
def test_pages_need_a_sign_in(transactional_db, path):
    assert Client().get(f"/{path}")["Location"].startswith("/sign-in")
