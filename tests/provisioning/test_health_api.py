"""Health and consoles over HTTP, and their pages: what is shown, who may, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from audit.models import Entry
from portal.kernel import clock
from portal.services.tokens import tokens_issue
from provisioning.models import ConsoleSession, Deployment, HealAttempt
from tests.conftest import World
from tests.provisioning.scenes import reloaded
from tests.provisioning.test_lease_api import api, client_of
from tests.provisioning.ward import Ward


@pytest.fixture
def ward(world: World) -> Ward:
    return Ward(world)


def path(row: Deployment, part: str = "") -> str:
    return f"deployments/{row.pk}{part}"


def test_health_tells_verdict_checks_and_healings(ward: Ward) -> None:
    row = ward.deployment()
    ward.fails(row)
    ward.look(3)
    status, body = api(ward.world, "dev", "get", path(row, "/health"))
    assert status == 200
    assert (body["health"], body["failures"], body["failure_threshold"]) == ("failed", 0, 3)
    assert body["healing"] == {
        "is_enabled": True,
        "auto_heal": True,
        "obstacle": "patience",
        "message": "It is not known to be unwell often enough in a row.",
        "attempts": 1,
        "max_attempts": 3,
        "window_hours": 6,
    }
    assert [one["verdict"] for one in body["observations"]] == ["bad"]
    assert [one["status"] for one in body["heals"]] == ["done"]
    assert body["checks"][0]["kind"] == "power"


def test_health_needs_its_permission_and_the_organisation(ward: Ward) -> None:
    row = ward.deployment()
    assert api(ward.world, "viewer", "get", path(row, "/health"))[0] == 403
    assert api(ward.world, "stranger", "get", path(row, "/health"))[0] == 404


def test_the_switch_and_the_probe_are_changed_in_place(ward: Ward) -> None:
    row = ward.deployment()
    probe = {"kind": "http", "port": 8080, "path": "/healthz"}
    status, body = api(
        ward.world, "support", "patch", path(row), {"auto_heal": False, "health_probe": probe}
    )
    assert (status, body["auto_heal"], body["health_probe"]) == (200, False, probe)
    tags = Entry.objects.using("platform").filter(target_id=str(row.pk), category="health")
    assert set(tags.values_list("tag", flat=True)) == {
        "pod.auto_heal_set",
        "pod.health_probe_set",
    }
    assert api(ward.world, "support", "patch", path(row), {"health_probe": None})[0] == 200
    assert reloaded(row).health_probe is None


def test_a_probe_that_is_none_is_refused(ward: Ward) -> None:
    row = ward.deployment()
    for probe, field in (
        ({"kind": "icmp", "port": 80}, "health_probe.kind"),
        ({"kind": "tcp"}, "health_probe.port"),
        ({"kind": "tcp", "port": 0}, "health_probe.port"),
        ({"kind": "tcp", "port": True}, "health_probe.port"),
        ({"kind": "http", "port": 80, "path": "x"}, "health_probe.path"),
        ({"kind": "http", "port": 80, "path": "/a b"}, "health_probe.path"),
        ({"kind": "http", "port": 80, "path": "/\r\nHost: x"}, "health_probe.path"),
        ({"kind": "tcp", "port": 80, "timeout_s": 99}, "health_probe.timeout_s"),
        ({"kind": "tcp", "port": 80, "interval_s": 1}, "health_probe.interval_s"),
        ({"kind": "tcp", "port": 80, "host": "10.0.0.1"}, "health_probe.host"),
    ):
        status, body = api(ward.world, "support", "patch", path(row), {"health_probe": probe})
        assert (status, [one["attr"] for one in body["errors"]]) == (400, [field]), probe
    assert reloaded(row).health_probe is None


def test_a_ticket_over_http(ward: Ward) -> None:
    row = ward.deployment()
    status, body = api(ward.world, "support", "post", path(row, "/console"), {})
    assert status == 201
    assert body["url"].startswith(f"ws://testserver/deployments/{row.pk}/console/socket?ticket=")
    session = ConsoleSession.across_tenants.get()
    assert session.expires_at - session.created_at <= timedelta(seconds=30)


def test_a_program_gets_no_ticket(ward: Ward) -> None:
    row = ward.deployment()
    token = tokens_issue(user=ward.world.people["support"]).access_token
    answer = Client().post(
        f"/api/{path(row, '/console')}",
        "{}",
        content_type="application/json",
        headers={"authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 403
    assert not ConsoleSession.across_tenants.exists()


@pytest.mark.parametrize(
    ("role", "expected"), [("viewer", 403), ("dev", 403), ("stranger", 404), ("ops", 201)]
)
def test_who_gets_a_ticket(ward: Ward, role: str, expected: int) -> None:
    row = ward.deployment()
    status, _body = api(ward.world, role, "post", path(row, "/console"), {})
    assert status == expected
    assert ConsoleSession.across_tenants.exists() is (expected == 201)
    assert ward.fake.calls == []


def test_a_console_says_why_it_cannot_be_had(ward: Ward) -> None:
    row = ward.deployment(status="stopped")
    _status, body = api(ward.world, "support", "get", path(row, "/console"))
    assert body == {
        "is_available": False,
        "reason": "It is not running: start it first.",
        "page": f"/deployments/{row.pk}/console",
    }
    status, body = api(ward.world, "support", "post", path(row, "/console"), {})
    assert (status, body["errors"][0]["code"]) == (409, "console_unavailable")


def test_the_tab_shows_what_was_seen_and_done(ward: Ward) -> None:
    row = ward.deployment()
    ward.fails(row)
    ward.look(3)
    page = client_of(ward.world.people["support"]).get(f"/deployments/{row.pk}?tab=health")
    text = page.content.decode()
    assert page.status_code == 200
    for words in ("It is off, but it is to run.", "Start: Done", "1 / 3", "Switch healing off"):
        assert words in text


def test_the_tab_is_absent_for_roles_without(ward: Ward) -> None:
    row = ward.deployment()
    page = client_of(ward.world.people["viewer"]).get(f"/deployments/{row.pk}?tab=health")
    assert 'href="?tab=health"' not in page.content.decode()
    assert 'id="healing"' not in page.content.decode()


def test_the_page_switches_healing_and_asks_otherwise(ward: Ward) -> None:
    row = ward.deployment()
    client = client_of(ward.world.people["support"])
    assert client.post(f"/deployments/{row.pk}/auto-heal", {"is_on": "0"}).status_code == 303
    form = {"kind": "http", "port": "8080", "path": "/up", "timeout_s": "5"}
    assert client.post(f"/deployments/{row.pk}/probe", form).status_code == 303
    now = reloaded(row)
    wanted = {"kind": "http", "port": 8080, "path": "/up", "timeout_s": 5}
    assert (now.auto_heal, now.health_probe) == (False, wanted)
    assert client.post(f"/deployments/{row.pk}/probe", {"kind": "none"}).status_code == 303
    assert reloaded(row).health_probe == {}


def test_the_window_of_a_console_and_who_may_see_it(ward: Ward) -> None:
    row = ward.deployment()
    address = f"/deployments/{row.pk}/console"
    assert client_of(ward.world.people["support"]).get(address).status_code == 200
    assert client_of(ward.world.people["viewer"]).get(address).status_code == 403
    assert client_of(ward.world.stranger).get(address).status_code == 404


def test_healings_of_long_ago_are_shown_but_do_not_count(ward: Ward) -> None:
    row = ward.deployment()
    ward.fails(row)
    ward.look(3)
    HealAttempt.objects.using("platform").update(created_at=clock.now() - timedelta(days=2))
    _status, body = api(ward.world, "ops", "get", path(row, "/health"))
    assert (body["healing"]["attempts"], len(body["heals"])) == (0, 1)


def test_the_first_page_names_machines_that_are_unwell(ward: Ward) -> None:
    row = ward.deployment("shop-1", health="failed")
    other = ward.deployment("shop-2", health="ok")
    page = client_of(ward.world.people["support"]).get("/").content.decode()
    assert f"/deployments/{row.pk}?tab=health" in page
    assert "It is unwell." in page
    assert f"/deployments/{other.pk}?tab=health" not in page
