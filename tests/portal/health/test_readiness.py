"""Readiness: every part is named, and whoever is silent for longer than the setting turns it red."""

from __future__ import annotations

import pytest
from django.test import Client

from portal.services.settings import setting_change
from tests.conftest import World
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.portal.health.scenes import alive

OK = {
    "database": "ok",
    "migrations": "ok",
    "broker": "ok",
    "storage": "ok",
    "workers": "ok",
    "scheduler": "ok",
}


@pytest.fixture
def staff(world: World, client: Client) -> Client:
    person = UserFactory(username="root", is_platform_admin=True)
    MembershipFactory(user=person, tenant=world.north, role="admin")
    world.people["staff"] = person
    client.force_login(person)
    return client


def test_readiness_names_what_it_looked_at(world: World, client: Client) -> None:
    alive()

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "checks": OK})


@pytest.mark.parametrize(
    ("ages", "part"),
    [({"scheduler_s": 61}, "scheduler"), ({"worker_s": 61}, "workers")],
)
def test_a_silent_part_is_visible_within_two_minutes(
    world: World, client: Client, ages: dict[str, float], part: str
) -> None:
    alive(**ages)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {"status": "unavailable", "checks": {**OK, part: "silent"}}
    assert answer["Retry-After"] == "5"


def test_a_pause_shorter_than_the_setting_is_no_silence(world: World, client: Client) -> None:
    alive(worker_s=55, scheduler_s=55)

    assert client.get("/readyz").status_code == 200


def test_silence_is_what_the_setting_says(staff: Client, world: World) -> None:
    alive(worker_s=90, scheduler_s=90)
    person = world.people["staff"]
    from tests.factories.accounts import actor_of

    setting_change(
        actor=actor_of(person, world.north, "admin"),
        name="platform.health.silence_seconds",
        value=120,
    )

    assert staff.get("/readyz").status_code == 200


def test_a_platform_that_never_had_a_worker_is_not_ready(world: World, client: Client) -> None:
    checks = client.get("/readyz").json()["checks"]

    assert (checks["workers"], checks["scheduler"]) == ("silent", "silent")


def test_a_database_without_answers_says_no_more_than_that(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import DatabaseError

    def away(*_: object) -> None:
        raise DatabaseError("secret words")

    monkeypatch.setattr("portal.services.readiness.liveness", away)

    answer = client.get("/readyz")

    assert answer.json()["checks"]["workers"] == "unknown"
    assert b"secret words" not in answer.content


def test_staff_see_silence_on_every_page(staff: Client) -> None:
    alive(scheduler_s=100)
    page = staff.get("/operations").content.decode()
    alive()
    later = staff.get("/operations").content.decode()

    assert page.count("The scheduler is silent") == 2
    assert "The scheduler is silent" not in later


def test_those_who_may_not_see_workers_see_no_banner(world: World, client: Client) -> None:
    alive(scheduler_s=100)
    client.force_login(world.people["viewer"])

    assert "The scheduler is silent" not in client.get("/operations").content.decode()
