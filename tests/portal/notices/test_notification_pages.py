from __future__ import annotations

import json

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.models import NoticeChoice, Notification
from tests.conftest import World
from tests.portal.notices.conftest import Tell

JSON = {"accept": "application/json"}


def client_of(world: World, role: str = "support") -> Client:
    client = Client()
    client.force_login(world.people[role])
    return client


def test_bell_says_how_many_were_not_read(world: World, tell: Tell) -> None:
    client = client_of(world)
    assert 'aria-label="Notifications"' in client.get("/").content.decode()
    tell("support")
    page = client.get("/").content.decode()
    assert 'aria-label="Notifications, 1 unread"' in page
    assert "web-04: “Start” failed" in page


def test_list_is_filtered_by_state_and_kind(world: World, tell: Tell) -> None:
    client = client_of(world)
    tell("support", cause="a")
    tell("support", cause="b", kind="operation.attention")
    first = Notification.objects.using("platform").get(cause="a")
    client.post(f"/notifications/{first.pk}/read")
    shown = {
        query: client.get(f"/notifications?{query}").content.decode().count('class="notice ')
        for query in ("", "state=unread", "kind=operation.failed", "kind=lease.ended")
    }
    in_bell = 2
    assert shown == {
        "": in_bell + 2,
        "state=unread": in_bell + 1,
        "kind=operation.failed": in_bell + 1,
        "kind=lease.ended": in_bell,
    }


def test_reading_goes_back_to_the_list_and_answers_the_bell_to_the_bell(
    world: World, tell: Tell
) -> None:
    client = client_of(world)
    tell("support", cause="a")
    tell("support", cause="b")
    one = Notification.objects.using("platform").get(cause="a")
    answer = client.post(f"/notifications/{one.pk}/read")
    assert (answer.status_code, answer["Location"]) == (303, "/notifications")
    bell = client.post("/notifications/read-all", headers={"hx-request": "true"})
    assert (bell.status_code, "unread" in bell.content.decode()) == (200, False)
    assert Notification.objects.using("platform").filter(read_at=None).count() == 0


def test_other_peoples_notices_are_absent(world: World, tell: Tell) -> None:
    tell("ops")
    theirs = Notification.objects.using("platform").get()
    for path in (f"/notifications/{theirs.pk}/read", f"/api/notifications/{theirs.pk}/read"):
        assert client_of(world).post(path, headers=JSON).status_code == 404
    theirs.refresh_from_db(using="platform")
    assert theirs.read_at is None


def test_choices_are_a_form_without_a_script(world: World, tell: Tell) -> None:
    client = client_of(world)
    answer = client.post("/notifications/settings", {"kinds": ["lease.ended", "operation.failed"]})
    assert (answer.status_code, answer["Location"]) == (303, "/notifications/settings")
    page = client.get("/notifications/settings").content.decode()
    assert page.count("checked") == 2
    mine = NoticeChoice.objects.using("platform").filter(user=world.people["support"])
    assert set(mine.values_list("is_on", flat=True)) == {False}


def test_api_lists_reads_one_and_all(world: World, tell: Tell) -> None:
    client = client_of(world)
    for cause in "abc":
        tell("support", "ops", cause=cause)
    listed = client.get("/api/notifications", headers=JSON).json()["results"]
    assert [
        (row["kind"], row["text"], row["detail"], row["path"], row["read_at"]) for row in listed
    ] == [("operation.failed", "web-04: “Start” failed", "No such node.", "/operations", None)] * 3
    one = client.post(f"/api/notifications/{listed[0]['id']}/read", headers=JSON)
    assert (one.status_code, one.json()["read_at"] is not None) == (200, True)
    unread = client.get("/api/notifications?unread=true", headers=JSON).json()["results"]
    assert len(unread) == 2
    rest = client.post("/api/notifications/read-all", headers=JSON)
    assert (rest.status_code, json.loads(rest.content)) == (200, {"read": 2})
    assert Notification.objects.using("platform").filter(read_at=None).count() == 3


@pytest.mark.parametrize(("whose", "status"), [("support", 204), ("ops", 404), ("", 404)])
def test_only_the_person_listens_to_the_topic(world: World, whose: str, status: int) -> None:
    key = f":{world.people[whose].pk}" if whose else ""
    answer = client_of(world).get("/live", {"topics": f"notification{key}"})
    assert answer.status_code == status


@pytest.mark.usefixtures("lasting_memory")
def test_cost_of_the_bell_does_not_depend_on_how_much_there_is(world: World, tell: Tell) -> None:
    client, costs = client_of(world), []
    for number in range(12):
        tell("support", cause=str(number))
        if number in {0, 11}:
            client.get("/notifications/bell")
            with CaptureQueriesContext(connections["default"]) as captured:
                client.get("/notifications/bell")
            found = [query["sql"] for query in captured if "portal_notification" in query["sql"]]
            costs.append(len(found))
    assert costs == [1, 1]
