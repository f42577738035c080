"""The same action on many deployments: each for itself, once, at most a hundred."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from django.db import connections, transaction
from django.test import Client

from audit.models import Entry
from portal.kernel import clock
from portal.kernel.models import uuid7
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from provisioning.models import Deployment
from tests.conftest import World
from tests.factories.provisioning import DeploymentFactory, TemplateFactory

KEY = "01920000-0000-7000-8000-000000000001"
"""Of a form that was shown once."""


@pytest.fixture
def client(world: World) -> Client:
    client = Client()
    client.force_login(world.people["ops"])
    return client


@pytest.fixture
def machines(world: World) -> list[Deployment]:
    """Two that run, one that is stopped, one on hold, one of `south`."""
    template = TemplateFactory()
    made = []
    for tenant, owner, wanted in (
        (world.north, world.people["support"], {"status": "running", "name": "run-1"}),
        (world.north, world.people["ops"], {"status": "running", "name": "run-2"}),
        (world.north, world.people["support"], {"status": "stopped", "name": "off"}),
        (world.north, world.people["ops"], {"status": "stopped", "name": "kept", "hold": True}),
        (world.south, world.stranger, {"status": "running", "name": "foreign"}),
    ):
        with tenant_scope(tenant.pk), transaction.atomic():
            made.append(DeploymentFactory(tenant=tenant, owner=owner, template=template, **wanted))
    return made


def asked(client: Client, **body: Any) -> tuple[int, Any]:
    answer = client.post(
        "/api/deployments/bulk",
        json.dumps(body),
        content_type="application/json",
        headers={"accept": "application/json"},
    )
    return answer.status_code, answer.json()


def outcomes(body: Any) -> list[tuple[str, str]]:
    return [
        (one["outcome"], one["error"]["code"] if one["error"] else "") for one in body["results"]
    ]


def statuses(machines: list[Deployment]) -> list[str]:
    rows = Deployment.objects.using("platform").in_bulk([row.pk for row in machines])
    return [rows[row.pk].status for row in machines]


def operations() -> int:
    return Operation.objects.using("platform").count()


def form(action: str, machines: list[Deployment], **more: Any) -> dict[str, Any]:
    return {"action": action, "ids": [str(row.pk) for row in machines], **more}


def test_each_is_answered_for_itself_in_the_order_asked(
    client: Client, machines: list[Deployment]
) -> None:
    status, body = asked(client, action="stop", ids=[str(row.pk) for row in reversed(machines)])
    assert (status, outcomes(body)) == (
        200,
        [
            ("not_found", "not_found"),
            ("refused", "wrong_state"),
            ("refused", "wrong_state"),
            ("accepted", ""),
            ("accepted", ""),
        ],
    )
    assert statuses(machines) == ["stopping", "stopping", "stopped", "stopped", "running"]


def test_an_accepted_one_names_its_operation(client: Client, machines: list[Deployment]) -> None:
    _, body = asked(client, action="stop", ids=[str(machines[0].pk)])
    brief = body["results"][0]["operation"]
    row = Operation.objects.using("platform").get(pk=brief["id"])
    assert (row.type, row.target_id, brief["href"]) == (
        "pod.stop",
        machines[0].pk,
        f"/api/operations/{row.pk}",
    )


def test_a_hold_keeps_one_and_the_others_go(client: Client, machines: list[Deployment]) -> None:
    _, body = asked(client, action="delete", ids=[str(row.pk) for row in machines[:4]])
    assert outcomes(body) == [("accepted", "")] * 3 + [("refused", "on_hold")]


def test_what_belongs_to_a_colleague_is_refused_and_in_the_audit(
    world: World, machines: list[Deployment]
) -> None:
    client = Client()
    client.force_login(world.people["support"])
    _, body = asked(client, action="stop", ids=[str(machines[0].pk), str(machines[1].pk)])
    assert outcomes(body) == [("accepted", ""), ("refused", "permission_denied")]
    entry = Entry.objects.using("platform").get(outcome="refused")
    assert (entry.tag, entry.target_id, entry.detail["action"]) == (
        "access.refused",
        str(machines[1].pk),
        "stop",
    )


def test_every_deed_has_its_own_entry(client: Client, machines: list[Deployment]) -> None:
    asked(client, action="stop", ids=[str(row.pk) for row in machines[:2]])
    entries = Entry.objects.using("platform").filter(tag="pod.stop_requested")
    assert {entry.target_label for entry in entries} == {"run-1", "run-2"}


def test_a_role_without_the_permission_gets_nothing_done(
    world: World, machines: list[Deployment]
) -> None:
    client = Client()
    client.force_login(world.people["viewer"])
    status, _ = asked(client, action="stop", ids=[str(machines[0].pk)])
    assert (status, statuses(machines)[0]) == (403, "running")


@pytest.mark.parametrize(
    ("body", "attr", "code"),
    [
        ({"action": "stop", "ids": []}, "ids", "empty"),
        ({"action": "stop", "ids": [str(uuid7()) for _ in range(101)]}, "ids", "max_length"),
        ({"action": "melt", "ids": [str(uuid7())]}, "action", "invalid_choice"),
        ({"action": "extend", "ids": [str(uuid7())]}, "hours", "required"),
        ({"action": "stop", "ids": ["x"]}, "ids.0", "invalid"),
    ],
)
def test_a_request_that_is_wrong_names_what(
    client: Client, machines: list[Deployment], body: Any, attr: str, code: str
) -> None:
    status, told = asked(client, **body)
    error = told["errors"][0]
    assert (status, error["attr"], error["code"]) == (400, attr, code)


def test_a_word_that_is_not_known_is_answered_with_those_that_are(
    client: Client, machines: list[Deployment]
) -> None:
    _, told = asked(client, action="stop", ids=[str(machines[0].pk)], mode="hover")
    known = "There are: shutdown, force."
    assert told["errors"][0]["detail"] == f'"hover" is not a valid choice. {known}'


def test_a_parameter_that_is_wrong_for_all_changes_none(
    client: Client, machines: list[Deployment]
) -> None:
    before = [row.expires_at for row in machines]
    ids = [str(row.pk) for row in machines[:2]]
    status, _ = asked(client, action="extend", ids=ids, hours=0)
    rows = Deployment.objects.using("platform").in_bulk([row.pk for row in machines])
    assert (status, [rows[row.pk].expires_at for row in machines]) == (400, before)


def test_the_same_id_twice_is_one_deed(client: Client, machines: list[Deployment]) -> None:
    _, body = asked(client, action="stop", ids=[str(machines[0].pk)] * 2)
    assert outcomes(body) == [("accepted", "")]


def test_leases_are_extended_together(client: Client, machines: list[Deployment]) -> None:
    _, body = asked(client, action="extend", ids=[str(row.pk) for row in machines[:2]], hours=2)
    rows = Deployment.objects.using("platform").in_bulk([row.pk for row in machines])
    gained = [(rows[row.pk].expires_at - row.expires_at).total_seconds() for row in machines[:2]]
    assert (outcomes(body), gained) == ([("accepted", "")] * 2, [7200.0] * 2)


def test_the_page_asks_first(client: Client, machines: list[Deployment]) -> None:
    answer = client.post("/deployments/bulk", form("stop", machines))
    assert (answer.status_code, answer.context["count"], answer.context["left_out"]) == (200, 2, 2)
    assert operations() == 0


def test_a_span_that_nobody_named_is_asked_for(client: Client, machines: list[Deployment]) -> None:
    sent = form("extend", machines[:2], confirmed="1", key=KEY, hours="", reason="")
    answer = client.post("/deployments/bulk", sent)
    rows = Deployment.objects.using("platform").in_bulk([row.pk for row in machines])
    shown = [(field.name, field.is_hidden) for field in answer.context["form"]]
    assert (answer.status_code, shown) == (422, [("hours", False), ("reason", False)])
    assert "Please correct the marked fields." in answer.content.decode()
    assert all(rows[row.pk].expires_at == row.expires_at for row in machines[:2])


def test_who_confirms_sees_what_became_of_each(client: Client, machines: list[Deployment]) -> None:
    more = {"confirmed": "1", "key": KEY, "mode": "shutdown"}
    answer = client.post("/deployments/bulk", form("stop", machines, **more), follow=True)
    found = {one["name"]: one["outcome"] for one in answer.context["results"]}
    assert found == {
        "run-1": "accepted",
        "run-2": "accepted",
        "off": "skipped",
        "kept": "skipped",
        str(machines[4].pk): "refused",
    }


def test_a_second_submit_does_nothing_again(client: Client, machines: list[Deployment]) -> None:
    sent = form("extend", machines[:2], confirmed="1", key=KEY, hours="2", reason="")
    answers = [client.post("/deployments/bulk", sent)["Location"] for _ in range(2)]
    rows = Deployment.objects.using("platform").in_bulk([row.pk for row in machines])
    gained = [(rows[row.pk].expires_at - row.expires_at).total_seconds() for row in machines[:2]]
    assert (answers, gained) == ([f"/deployments/bulk/{KEY}"] * 2, [7200.0] * 2)


def test_two_submits_at_once_are_one_deed(world: World, machines: list[Deployment]) -> None:
    sent = form("extend", machines[:2], confirmed="1", key=KEY, hours="2", reason="")

    def submit(_number: int) -> int:
        client = Client()
        client.force_login(world.people["ops"])
        try:
            return client.post("/deployments/bulk", sent).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(submit, range(2)))
    rows = Deployment.objects.using("platform").in_bulk([row.pk for row in machines])
    gained = [(rows[row.pk].expires_at - row.expires_at).total_seconds() for row in machines[:2]]
    assert (answers, gained) == ([303, 303], [7200.0] * 2)


def test_results_are_nobody_elses(world: World, client: Client, machines: list[Deployment]) -> None:
    client.post("/deployments/bulk", form("start", machines[2:3], confirmed="1", key=KEY))
    other = Client()
    other.force_login(world.people["admin"])
    assert (
        client.get(f"/deployments/bulk/{KEY}").status_code,
        other.get(f"/deployments/bulk/{KEY}").status_code,
    ) == (200, 404)


@pytest.mark.parametrize("typed", ["", "3", "yes"])
def test_a_deletion_wants_the_number_typed(
    client: Client, machines: list[Deployment], typed: str
) -> None:
    sent = form("delete", machines[:2], confirmed="1", key=KEY, typed=typed)
    answer = client.post("/deployments/bulk", sent)
    assert (answer.status_code, statuses(machines[:2])) == (422, ["running", "running"])


def test_a_deletion_that_is_typed_is_done(client: Client, machines: list[Deployment]) -> None:
    sent = form("delete", machines[:2], confirmed="1", key=KEY, typed="2")
    client.post("/deployments/bulk", sent)
    assert statuses(machines[:2]) == ["deleting", "deleting"]


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        ([], "Tick the machines first."),
        (
            [str(UUID(int=n)) for n in range(101)],
            "101 at once are too many: at most 100. Do them in parts.",
        ),
    ],
)
def test_none_and_too_many_go_back_to_the_list(
    client: Client, machines: list[Deployment], ids: list[str], told: str
) -> None:
    answer = client.post("/deployments/bulk", {"action": "stop", "ids": ids}, follow=True)
    assert (answer.redirect_chain, [str(one) for one in answer.context["messages"]]) == (
        [("/deployments", 303)],
        [told],
    )


def tags_of(machines: list[Deployment]) -> list[list[str]]:
    rows = Deployment.objects.using("platform").in_bulk([row.pk for row in machines])
    return [rows[row.pk].tags for row in machines]


def test_tags_are_added_and_removed_for_each(client: Client, machines: list[Deployment]) -> None:
    ids = [str(row.pk) for row in machines[:2]]
    assert asked(client, action="tag", ids=ids, add=["web", "prod"])[0] == 200
    code, body = asked(client, action="tag", ids=ids, add=["web"], remove=["prod"])
    assert (code, outcomes(body)) == (200, [("accepted", ""), ("accepted", "")])
    assert tags_of(machines[:2]) == [["web"], ["web"]]


def test_what_is_no_tag_changes_none(client: Client, machines: list[Deployment]) -> None:
    code, _ = asked(client, action="tag", ids=[str(machines[0].pk)], add=["NOT A TAG"])
    assert (code, tags_of(machines[:1])) == (400, [[]])


def test_one_that_has_too_many_tags_is_left_out(client: Client, machines: list[Deployment]) -> None:
    full = [f"t{number}" for number in range(20)]
    Deployment.objects.using("platform").filter(pk=machines[0].pk).update(tags=full)
    ids = [str(row.pk) for row in machines[:2]]
    code, body = asked(client, action="tag", ids=ids, add=["web"])
    assert (code, [one["outcome"] for one in body["results"]]) == (200, ["refused", "accepted"])
    assert tags_of(machines[:2]) == [full, ["web"]]


def test_all_go_to_one_person_and_that_person_s_own_stays(
    client: Client, machines: list[Deployment], world: World
) -> None:
    ids = [str(row.pk) for row in machines[:2]]
    code, body = asked(client, action="transfer", ids=ids, to_user_id=str(world.people["ops"].pk))
    assert (code, [one["outcome"] for one in body["results"]]) == (200, ["accepted", "refused"])
    owners = Deployment.objects.using("platform").filter(pk__in=ids)
    assert {row.owner_id for row in owners} == {world.people["ops"].pk}


def test_leases_end_now_and_nothing_is_sent(client: Client, machines: list[Deployment]) -> None:
    ids = [str(row.pk) for row in machines[:2]]
    code, body = asked(client, action="expire", ids=ids)
    assert (code, outcomes(body)) == (200, [("accepted", ""), ("accepted", "")])
    rows = Deployment.objects.using("platform").filter(pk__in=ids)
    assert all(row.expires_at <= clock.now() for row in rows)
    assert not Operation.objects.using("platform").exists()
