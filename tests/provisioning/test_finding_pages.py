"""Findings in pages and API: what is shown to whom, filters, decisions, the number of questions."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from typing import Any, cast

import pytest
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from provisioning.models import Deployment, Finding
from tests.conftest import World
from tests.factories.accounts import MembershipFactory, TenantFactory, UserFactory
from tests.provisioning.scenes import reloaded
from tests.provisioning.twin import Twin, finding, kinds

ABSENT = (
    "Organisation and owner: Select a valid choice. "
    "north:viewer-north is not one of the available choices."
)
NO_NAME = "Name: Use 1 to 63 lower-case letters, digits and hyphens; start and end with a letter or digit."


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


def adopted(client: Client, **said: str) -> HttpResponse:
    chosen = {"name": "lost-1", "receiver": "north:ops-north", "template": "twin-linux"} | said
    answer: Any = client.post(f"/findings/{finding('orphan').pk}/adopt", chosen)
    return cast("HttpResponse", answer)


def told(answer: Any) -> list[str]:
    return [str(one) for one in answer.wsgi_request._messages]


def test_who_can_own_a_machine_is_offered_and_nobody_else(twin: Twin) -> None:
    drifted(twin)
    page = staff_client(twin).get(f"/findings/{finding('orphan').pk}").content.decode()
    offered = re.findall(r'<option value="(\w+:[^"]+)">([^<]+)<', page)
    mine = {f"north:{role}-north" for role in ("admin", "ops", "support")} | {"north:staff"}
    assert {value for value, _words in offered} == mine | {"south:support-south"}
    assert ("north:ops-north", f"North · {twin.world.people['ops']}") in offered


def test_the_choice_asks_as_much_for_five_organisations_as_for_two(
    twin: Twin, lasting_memory: None
) -> None:
    drifted(twin)
    client, path = staff_client(twin), f"/findings/{finding('orphan').pk}"
    counts = [questions(client, path)]
    for number in range(3):
        MembershipFactory(
            user=UserFactory(username=f"other-{number}"),
            tenant=TenantFactory(name=f"Other {number}"),
            role="support",
        )
    counts.append(questions(client, path))
    assert counts[0] == counts[1]


def test_an_orphan_is_adopted_by_choice(twin: Twin) -> None:
    drifted(twin)
    answer = adopted(staff_client(twin))
    assert (answer.status_code, told(answer)) == (303, ["lost-1 is being adopted."])
    made = Deployment.across_tenants.get(name="lost-1")
    assert (made.tenant_id, made.owner.username) == (twin.world.north.pk, "ops-north")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"receiver": ""}, ["Organisation and owner: This field is required."]),
        (
            {"receiver": "north:viewer-north", "name": ""},
            [
                "Name: This field is required.",
                ABSENT,
            ],
        ),
        (
            {"name": "No name"},
            [NO_NAME],
        ),
    ],
)
def test_every_fault_is_told_at_its_field_and_nothing_is_done(
    twin: Twin, said: dict[str, str], words: list[str]
) -> None:
    drifted(twin)
    assert told(adopted(staff_client(twin), **said)) == words
    assert finding("orphan").status == "open"
    assert not Deployment.across_tenants.filter(name="lost-1").exists()


def questions(client: Client, path: str) -> int:
    client.get(path)
    with ExitStack() as stack:
        found = [
            stack.enter_context(CaptureQueriesContext(connections[alias]))
            for alias in ("default", "platform")
        ]
        client.get(path)
        return sum(len(one) for one in found)


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
