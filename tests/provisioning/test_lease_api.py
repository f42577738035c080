"""Leases over HTTP: extension within and beyond the rules, decisions, warnings, filters; and their pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from portal.kernel import clock
from portal.models import User
from provisioning.models import Deployment, ExtensionRequest, Template
from provisioning.services.expiry import expiry_sweep
from tests.conftest import World
from tests.engine import run_until_idle
from tests.factories.provisioning import ClusterFactory, TemplateFactory
from tests.provisioning import paper
from tests.provisioning.scenes import reloaded

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
JSON = "application/json"


@pytest.fixture
def template(world: World) -> Template:
    return TemplateFactory(code="linux-utility", cluster=ClusterFactory())


def client_of(user: User | None) -> Client:
    client = Client(raise_request_exception=False)
    assert user is not None
    client.force_login(user)
    return client


def api(world: World, role: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    user = world.stranger if role == "stranger" else world.people[role]
    act = getattr(client_of(user), method)
    options: dict[str, Any] = {"headers": {"accept": JSON}}
    if method != "get":
        options |= {"data": body or {}, "content_type": JSON}
    answer = act(f"/api/{path}", **options)
    return answer.status_code, answer.json()


def names(answer: tuple[int, Any]) -> list[str]:
    assert answer[0] == 200
    return [row["name"] for row in answer[1]["results"]]


def asked(world: World, row: Deployment) -> str:
    body = {"hours": 400, "reason": "Until May"}
    status, told = api(world, "support", "post", f"deployments/{row.pk}/extend", body)
    assert status == 202
    return str(told["extension_request"]["id"])


def test_an_extension_within_the_rules_is_applied(world: World, template: Template) -> None:
    row = paper.deployment(world, template)
    status, told = api(world, "support", "post", f"deployments/{row.pk}/extend", {"hours": 24})
    assert (status, told["lease_version"]) == (200, 2)
    assert "extension_request" not in told
    status, told = api(world, "support", "post", f"deployments/{row.pk}/extend", {"hours": -24})
    assert (status, told["lease_version"]) == (200, 3)
    assert reloaded(row).expires_at == row.expires_at


def test_beyond_the_rules_the_answer_says_how_to_ask(world: World, template: Template) -> None:
    row = paper.deployment(world, template)
    status, told = api(world, "support", "post", f"deployments/{row.pk}/extend", {"hours": 400})
    assert (status, told["errors"][0]["code"], told["errors"][0]["attr"]) == (
        409,
        "extension_needs_approval",
        "hours",
    )
    assert told["data"]["limit_hours"] == 168
    assert "reason" in told["data"]["how"]


def test_with_a_reason_it_becomes_a_request_that_others_decide(
    world: World, template: Template
) -> None:
    row = paper.deployment(world, template)
    request_id = asked(world, row)
    path = f"extension-requests/{request_id}"
    status, told = api(world, "viewer", "get", path)
    assert (status, told["status"], told["hours"], told["deployment_id"]) == (
        200,
        "pending",
        400,
        str(row.pk),
    )
    assert api(world, "viewer", "post", f"{path}/approve")[0] == 403
    assert api(world, "stranger", "get", path)[0] == 404
    status, told = api(world, "ops", "post", f"{path}/approve", {"reason": "Fine"})
    assert (status, told["status"], told["decision_reason"]) == (200, "approved", "Fine")
    assert told["decided_by"]["username"] == "ops-north"
    status, told = api(world, "ops", "post", f"{path}/deny")
    assert (status, told["errors"][0]["code"]) == (409, "request_closed")


def test_the_requester_gets_self_approval(world: World, template: Template) -> None:
    row = paper.deployment(world, template, role="admin")
    body = {"hours": 400, "reason": "Until May"}
    _, told = api(world, "admin", "post", f"deployments/{row.pk}/extend", body)
    path = f"extension-requests/{told['extension_request']['id']}/approve"
    status, told = api(world, "admin", "post", path)
    assert (status, told["errors"][0]["code"]) == (403, "self_approval")


def test_requests_are_listed_and_filtered(world: World, template: Template) -> None:
    rows = [paper.deployment(world, template) for _ in range(2)]
    ids = [asked(world, row) for row in rows]
    api(world, "support", "post", f"extension-requests/{ids[0]}/withdraw")
    _, told = api(world, "dev", "get", "extension-requests")
    assert [one["id"] for one in told["results"]] == ids[::-1]
    _, told = api(world, "dev", "get", "extension-requests?status=pending")
    assert [one["id"] for one in told["results"]] == ids[1:]
    _, told = api(world, "dev", "get", f"extension-requests?deployment_id={rows[0].pk}")
    assert [one["status"] for one in told["results"]] == ["withdrawn"]
    assert api(world, "stranger", "get", "extension-requests")[1]["results"] == []


def test_warnings_are_read_beside_their_deployment(world: World, template: Template) -> None:
    past = clock.now() - 7 * DAY
    row = paper.deployment(world, template, lease_set_at=past, expires_at=clock.now() + 20 * HOUR)
    expiry_sweep()
    run_until_idle()
    status, told = api(world, "viewer", "get", f"deployments/{row.pk}/lease-warnings")
    warning = told["results"][0]
    assert (status, warning["kind"], warning["offset_hours"]) == (200, "stop", 24)
    assert [one["email"] for one in warning["recipients"]] == ["support-north@uhub.local"]
    assert warning["delivered_at"].endswith("Z")
    assert api(world, "stranger", "get", f"deployments/{row.pk}/lease-warnings")[0] == 404


def test_what_ends_soon_is_found(world: World, template: Template) -> None:
    now = clock.now()
    for name, hours in (("later", 90), ("soon", 5), ("sooner", 2)):
        paper.deployment(world, template, name=name, expires_at=now + timedelta(hours=hours))
    ended = {"expires_at": now - HOUR, "expired_at": now - HOUR, "delete_after": now + DAY}
    paper.deployment(world, template, name="ended", status="stopped", **ended)
    before = (now + 10 * HOUR).strftime("%Y-%m-%dT%H:%M:%SZ")
    listed = api(world, "viewer", "get", f"deployments?expires_before={before}&ordering=expires_at")
    assert names(listed) == ["ended", "sooner", "soon"]
    assert names(api(world, "viewer", "get", "deployments?has_ended=true")) == ["ended"]
    soon = (now + 2 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert names(api(world, "viewer", "get", f"deployments?delete_before={soon}")) == ["ended"]


def test_a_hold_has_a_reason(world: World, template: Template) -> None:
    row = paper.deployment(world, template)
    body = {"hold": True, "hold_reason": "Evidence"}
    status, told = api(world, "ops", "patch", f"deployments/{row.pk}", body)
    assert (status, told["hold"], told["hold_reason"]) == (200, True, "Evidence")
    status, told = api(world, "ops", "delete", f"deployments/{row.pk}")
    assert (status, told["errors"][0]["code"]) == (409, "on_hold")
    assert "Evidence" in told["errors"][0]["detail"]


# --- pages -----------------------------------------------------------------------------------------


def test_the_page_of_a_deployment_tells_its_lease(world: World, template: Template) -> None:
    past = clock.now() - 7 * DAY
    row = paper.deployment(world, template, lease_set_at=past, expires_at=clock.now() + 20 * HOUR)
    expiry_sweep()
    run_until_idle()
    asked(world, row)
    page = client_of(world.people["ops"]).get(f"/deployments/{row.pk}?tab=lease").content.decode()
    for words in ("Support-North PERSON asks for 400 h more", "Until May", "Stop · 24 h"):
        assert words in page
    assert 'id="approve-dialog"' in page
    own = client_of(world.people["support"]).get(f"/deployments/{row.pk}").content.decode()
    assert "Withdraw" in own
    assert 'id="approve-dialog"' not in own


@pytest.mark.parametrize(
    ("verb", "role", "status"),
    [
        ("approve-extension", "ops", "approved"),
        ("deny-extension", "admin", "denied"),
        ("withdraw-extension", "support", "withdrawn"),
    ],
)
def test_requests_are_decided_on_the_page(
    world: World, template: Template, verb: str, role: str, status: str
) -> None:
    row = paper.deployment(world, template)
    request_id = asked(world, row)
    client = client_of(world.people[role])
    answer = client.post(f"/deployments/{row.pk}/{verb}", {"reason": "Because"})
    assert answer.status_code == 303
    assert ExtensionRequest.across_tenants.get(pk=request_id).status == status


NARROWED = {
    "24": ["soon"],
    "168": ["later", "soon"],
    "ended": ["ended"],
    "held": ["held"],
    "": ["ended", "held", "later", "soon"],
    "nonsense": ["ended", "held", "later", "soon"],
}


def test_the_list_is_narrowed_by_lease(world: World, template: Template) -> None:
    now = clock.now()
    paper.deployment(world, template, name="soon", expires_at=now + HOUR)
    paper.deployment(world, template, name="later", expires_at=now + 5 * DAY)
    paper.deployment(world, template, name="held", expires_at=now + HOUR, hold=True)
    ended = {"expires_at": now - HOUR, "expired_at": now - HOUR, "delete_after": now + DAY}
    paper.deployment(world, template, name="ended", status="stopped", **ended)
    client = client_of(world.people["viewer"])
    pages = {lease: client.get(f"/deployments?lease={lease}") for lease in NARROWED}
    assert {
        lease: sorted(row.name for row in page.context["state"].page.rows)
        for lease, page in pages.items()
    } == NARROWED


def test_the_dashboard_shows_what_waits_to_those_who_decide(
    world: World, template: Template
) -> None:
    row = paper.deployment(world, template, name="web-1")
    asked(world, row)
    for role, is_shown in (("ops", True), ("support", False)):
        page = client_of(world.people[role]).get("/").content.decode()
        assert ("Support-North PERSON asks for 400 h more" in page) is is_shown
