"""Findings in pages and API: what is shown to whom, filters, decisions, the number of questions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from provisioning.models import Deployment, Finding
from tests.conftest import World
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.provisioning.scenes import reloaded
from tests.provisioning.twin import Twin, finding, kinds


@pytest.fixture
def twin(world: World) -> Twin:
    return Twin(world)


def signed_in(twin: Twin, role: str = "ops") -> Client:
    client = Client()
    client.force_login(twin.world.people[role])
    return client


def staff_client(twin: Twin) -> Client:
    user = UserFactory(username="staff", is_platform_admin=True)
    MembershipFactory(user=user, tenant=twin.world.north, role="admin")
    client = Client()
    client.force_login(user)
    return client


def drifted(twin: Twin) -> Deployment:
    row = twin.deployment()
    twin.fake.guest_change(row.vmid, cores=3)
    twin.fake.guest_add(20_777, name="lost", pool="uhub")
    twin.sweep()
    return row


def post(client: Client, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
    answer = client.post(
        path,
        json.dumps(body or {}),
        content_type="application/json",
        headers={"accept": "application/json"},
    )
    return answer.status_code, answer.json()


def test_the_tenant_sees_its_own_and_staff_sees_all(twin: Twin) -> None:
    drifted(twin)
    mine = signed_in(twin).get("/api/findings").json()["results"]
    all_ = staff_client(twin).get("/api/findings").json()["results"]
    assert [row["kind"] for row in mine] == ["drift"]
    assert sorted((row["kind"], row["tenant_id"]) for row in all_) == [
        ("drift", str(twin.world.north.pk)),
        ("orphan", None),
    ]


def test_suspicions_are_shown_to_nobody(twin: Twin) -> None:
    row = twin.deployment()
    twin.sweep(twin.listing(without=(row.vmid,)))
    assert kinds("suspected") == ["missing"]
    assert staff_client(twin).get("/api/findings").json()["results"] == []


def test_one_finding_tells_both_sides_and_what_can_be_done(twin: Twin) -> None:
    row = drifted(twin)
    body = signed_in(twin).get(f"/api/findings/{finding('drift').pk}").json()
    assert (body["expected"], body["found"], body["vmid"]) == (
        {"cpu_cores": 2},
        {"cpu_cores": 3},
        row.vmid,
    )
    assert body["actions"] == ["reapply", "accept", "close"]
    assert (body["cluster"], body["deployment_id"]) == ("twin", str(row.pk))


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("kind=drift", 1),
        ("kind=missing", 0),
        ("status=open", 1),
        ("cluster=twin", 1),
        ("cluster=no", 0),
    ],
)
def test_the_list_is_filtered(twin: Twin, query: str, count: int) -> None:
    drifted(twin)
    client = signed_in(twin)
    assert len(client.get(f"/api/findings?{query}").json()["results"]) == count


def test_decisions_over_the_api(twin: Twin) -> None:
    row = drifted(twin)
    client, path = signed_in(twin), f"/api/findings/{finding('drift').pk}"
    status, body = post(client, f"{path}/close", {"reason": "x"})
    assert (status, body["errors"][0]["attr"]) == (400, "reason")
    status, body = post(client, f"{path}/accept")
    assert (status, body["status"], body["resolution"]) == (200, "resolved", "accepted")
    assert reloaded(row).cpu_cores == 3
    status, body = post(client, f"{path}/reapply")
    assert (status, body["errors"][0]["code"]) == (409, "finding_ended")


def test_to_set_again_answers_the_operation(twin: Twin) -> None:
    drifted(twin)
    status, body = post(signed_in(twin), f"/api/findings/{finding('drift').pk}/reapply")
    assert (status, body["operation"]["status"], body["status"]) == (202, "pending", "open")


def test_an_orphan_is_adopted_by_staff_alone(twin: Twin) -> None:
    drifted(twin)
    path = f"/api/findings/{finding('orphan').pk}/adopt"
    body = {"tenant": "north", "owner": "ops-north", "template": "twin-linux", "name": "lost-1"}
    assert post(signed_in(twin), path, body)[0] == 403
    status, made = post(staff_client(twin), path, body)
    assert (status, made["name"], made["hold"]) == (202, "lost-1", True)
    assert finding("orphan").resolution == "adopted"


def test_pages_show_list_detail_and_dialogs(twin: Twin) -> None:
    drifted(twin)
    client = signed_in(twin)
    listed = client.get("/findings").content.decode()
    assert "Changed outside" in listed
    assert "vCPU: 3" in listed
    detail = client.get(f"/findings/{finding('drift').pk}").content.decode()
    for dialog in ("reapply-dialog", "accept-dialog", "close-dialog"):
        assert f'id="{dialog}"' in detail
    assert 'id="forget-dialog"' not in detail
    assert "Changed outside" in client.get("/").content.decode()


def test_a_page_without_findings_says_so(twin: Twin) -> None:
    assert "All as it should be" in signed_in(twin).get("/findings").content.decode()


def test_a_button_closes_and_the_page_says_why_it_cannot(twin: Twin) -> None:
    drifted(twin)
    client, path = signed_in(twin), f"/findings/{finding('drift').pk}"
    refused = client.post(f"{path}/close", {"reason": ""}, follow=True).content.decode()
    assert "Say why, in 3 to 500 characters." in refused
    client.post(f"{path}/close", {"reason": "Agreed with Kim."})
    closed = finding("drift")
    assert (closed.status, closed.reason, closed.decided_by) == (
        "closed",
        "Agreed with Kim.",
        "ops-north",
    )


@pytest.mark.parametrize("role", ["viewer", "support", "dev", "projets"])
def test_other_roles_see_neither_page_nor_card(twin: Twin, role: str) -> None:
    drifted(twin)
    client = signed_in(twin, role)
    assert client.get("/findings").status_code == 403
    assert "/findings" not in client.get("/").content.decode()


@pytest.mark.parametrize("path", ["/findings", "/api/findings"])
@pytest.mark.usefixtures("lasting_memory")
def test_the_cost_of_the_list_does_not_depend_on_its_length(twin: Twin, path: str) -> None:
    client = signed_in(twin)
    costs = []
    for number in range(5):
        row = twin.deployment(f"web-{number}")
        twin.fake.guest_change(row.vmid, cores=3)
        if number not in {0, 4}:
            continue
        twin.sweep()
        client.get(path)
        with (
            CaptureQueriesContext(connections["default"]) as runtime,
            CaptureQueriesContext(connections["platform"]) as platform,
        ):
            client.get(path)
        costs.append(len(runtime) + len(platform))
    assert Finding.across_tenants.filter(status="open").count() == 5
    assert costs[0] == costs[1]
