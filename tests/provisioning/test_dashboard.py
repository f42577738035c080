"""The first page over its cards: who is shown what, what is urgent, and what a card answers alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from billing.models import Quota, QuotaUsage
from portal.kernel import clock
from portal.models import Schedule, User, Worker
from portal.services.schedules import SWEEP
from provisioning.models import Cluster, Deployment, Node, Template
from tests.conftest import World
from tests.factories.accounts import UserFactory
from tests.factories.provisioning import ClusterFactory, TemplateFactory
from tests.provisioning.dashboard_scenes import lively, machine, operation

ALL = {"needs", "figures", "bars", "capacity", "recent", "running", "ending"}


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def scene(world: World) -> dict[str, Any]:
    return lively(world)


@pytest.fixture
def template(world: World) -> Template:
    made: Template = TemplateFactory(cluster=ClusterFactory(code="paris-a"))
    return made


def page(user: User, query: str = "") -> str:
    client = Client()
    client.force_login(user)
    return client.get(f"/{query}").content.decode()


def cards(html: str) -> set[str]:
    """The cards that say something."""
    found = re.findall(r'<div class="dash-card" id="card-([a-z]+)"[^>]*>(</div>)?', html)
    return {key for key, end in found if not end}


def needs(html: str) -> list[tuple[str, str]]:
    """Titles of the list with the words of their buttons, in their order."""
    names = re.findall(r'aria-label="([^":]+): ([^"]+)"', html.partition('class="need-list"')[2])
    return [(title, action) for action, title in names[: html.count('class="node ')]]


def serving() -> None:
    """A worker and the scheduler, alive, and for as long as the test takes."""
    later = clock.now() + timedelta(minutes=5)
    Worker.objects.using("platform").create(
        name="w1", queue="uhub", host="here", pid=1, last_heartbeat_at=later
    )
    Schedule.objects.using("platform").create(name=SWEEP, every_s=10, last_due_at=later)


@pytest.mark.usefixtures("scene")
def test_each_role_has_its_cards(world: World) -> None:
    roles = ("admin", "ops", "support", "dev", "viewer")
    assert {role: cards(page(world.people[role])) for role in roles} == {
        "admin": ALL | {"activity"},
        "ops": ALL | {"activity"},
        "support": ALL,
        "dev": ALL - {"needs"},
        "viewer": ALL - {"needs"},
    }


@pytest.mark.usefixtures("scene")
def test_the_cost_is_shown_to_who_may_see_it(world: World) -> None:
    for role, is_shown in (("admin", True), ("projets", True), ("ops", False)):
        html = page(world.people[role])
        assert ("Estimated month cost" in html, "Expiring within 72 h" in html) == (
            is_shown,
            not is_shown,
        ), role


@pytest.mark.usefixtures("scene")
def test_capacity_is_for_who_looks_after_clusters_quota_for_all(world: World) -> None:
    assert "Quota · vCPU" in page(world.people["ops"])
    viewer = page(world.people["viewer"])
    assert ("paris-a" in viewer, "48 / 64" in viewer) == (False, True)


@pytest.mark.usefixtures("scene")
def test_what_needs_somebody_is_one_list_the_most_urgent_first(world: World) -> None:
    serving()
    html = page(world.people["ops"])
    listed = needs(html)
    assert {title for title, _ in listed[:3]} == {"ci-runner-12", "dev-lab-02", "stg-web-07"}
    assert listed[3:6] == [
        ("prod-api-03", "Extend by 24 h"),
        ("prod-api-03", "Decide"),
        ("stg-web-07", "Decide"),
    ]
    assert "What needs you now" in html


@pytest.mark.usefixtures("scene")
def test_nobody_is_told_of_what_is_in_other_hands(world: World) -> None:
    html = page(world.people["support"])
    assert "Nothing needs you now." in html
    assert "What needs you now" not in html


def test_one_click_gives_a_machine_another_day_and_comes_back(
    world: World, template: Template
) -> None:
    ends = clock.now() + timedelta(hours=3)
    row = machine(world, template, role="support", expires_at=ends)
    client = Client()
    client.force_login(world.people["support"])
    assert f'formaction="/deployments/{row.pk}/extend"' in client.get("/").content.decode()
    answer = client.post(f"/deployments/{row.pk}/extend", {"hours": "24", "next": "/"})
    assert (answer.status_code, answer["Location"]) == (303, "/")
    assert Deployment.across_tenants.get(pk=row.pk).expires_at == ends + timedelta(hours=24)


def test_what_was_tried_again_or_went_well_since_is_no_longer_told(
    world: World, template: Template
) -> None:
    row, now = machine(world, template, expires_at=clock.now() + timedelta(days=9)), clock.now()
    person = {"actor_id": world.people["ops"].pk, "actor_label": "ops-north"}
    operation(world, row, status="failed", completed_at=now, **person)
    assert needs(page(world.people["ops"])) == [(row.name, "Try again")]
    operation(world, row, status="completed", completed_at=now)
    assert needs(page(world.people["ops"])) == []


def test_alerts_stand_on_top(world: World, template: Template) -> None:
    machine(world, template)
    Cluster.objects.using("platform").update(last_error="refused")
    Node.objects.using("platform").update(
        is_in_maintenance=True, maintenance_reason="New disks.", maintenance_since=clock.now()
    )
    Quota.objects.using("platform").create(tenant=world.north, cpu_cores=4)
    QuotaUsage.objects.using("platform").create(tenant=world.north, cpu_cores=6)
    html = page(world.people["ops"])
    for text in (
        "paris-a cannot be reached",
        "pve1 of paris-a is in maintenance",
        "1 machine on it · New disks.",
        "The quota is exceeded",
        "No worker is running",
    ):
        assert text in html
    viewer = page(world.people["viewer"])
    assert ("The quota is exceeded" in viewer, "cannot be reached" in viewer) == (True, False)


def test_a_node_in_maintenance_without_machines_alarms_nobody(world: World) -> None:
    serving()
    ClusterFactory(code="empty")
    Node.objects.using("platform").update(is_in_maintenance=True, maintenance_since=clock.now())
    assert "Nothing needs you now." in page(world.people["ops"])


def test_a_silent_scheduler_is_told_while_workers_live(world: World) -> None:
    serving()
    Schedule.objects.using("platform").update(last_due_at=clock.now() - timedelta(minutes=1))
    assert "The scheduler is silent" in page(world.people["ops"])


@pytest.mark.parametrize(("role", "button"), [("support", True), ("viewer", False)])
def test_an_empty_organisation_is_shown_its_first_steps(
    world: World, role: str, button: bool
) -> None:
    html = page(world.people[role])
    assert cards(html) - {"needs"} == {"start", "capacity"}
    assert ('href="/deployments/new"' in html.partition("first machine")[2]) is button


def test_staff_without_an_organisation_see_the_platform(world: World) -> None:
    ClusterFactory(code="paris-a", name="paris-a")
    staff = UserFactory(username="staff", is_staff=True, is_platform_admin=True)
    html = page(staff)
    assert cards(html) == {"needs", "performance", "activity"}
    assert "data-live" not in html.partition('id="card-needs"')[2]
    assert 'href="/infrastructure"' not in html


@pytest.mark.usefixtures("scene")
def test_a_card_answers_alone_and_only_what_is_new(world: World) -> None:
    client = Client()
    client.force_login(world.people["viewer"])
    address = re.search(r'hx-get="(/\?card=recent[^"]+)"', client.get("/").content.decode())
    assert address is not None
    path = address[1].replace("&amp;", "&")
    assert client.get(path).status_code == 204
    stale = client.get(re.sub("version=.*", "version=old", path))
    assert stale.status_code == 200
    assert cards(stale.content.decode()) == {"recent"}
    assert stale["Cache-Control"] == "no-store"


def test_a_card_that_is_not_ones_own_is_not_there(world: World) -> None:
    client = Client()
    client.force_login(world.people["viewer"])
    for card in ("activity", "none", "performance"):
        assert client.get(f"/?card={card}").status_code == 404, card


@pytest.mark.usefixtures("scene")
def test_the_period_is_remembered(world: World) -> None:
    client = Client()
    client.force_login(world.people["viewer"])
    assert "The last 7 days" in client.get("/").content.decode()
    assert "The last 24 hours" in client.get("/?period=24h").content.decode()
    assert "The last 24 hours" in client.get("/").content.decode()
    assert "The last 24 hours" in client.get("/?period=nonsense").content.decode()


@pytest.mark.usefixtures("scene")
def test_the_sentence_says_what_matters(world: World) -> None:
    html = page(world.people["viewer"])
    assert "1 deployment in progress, 2 need a person, next expiry in 3 h 19 min." in html
