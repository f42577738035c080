"""The list of deployments: order and pages, columns, CSV, what an answer to htmx holds."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from audit.models import Entry
from portal.kernel.tenancy import tenant_scope
from portal.kernel.web import exports
from provisioning.models import Deployment
from tests.conftest import World
from tests.factories.provisioning import DeploymentFactory, TemplateFactory

NAMES = ("delta", "alpha", "echo", "bravo", "charlie")
HTMX = {"HX-Request": "true", "HX-Source": "form#filter-deployments"}


@pytest.fixture
def client(world: World) -> Client:
    client = Client()
    client.force_login(world.people["ops"])
    return client


@pytest.fixture
def machines(world: World) -> list[Deployment]:
    template = TemplateFactory()
    with tenant_scope(world.north.pk), transaction.atomic():
        return [
            DeploymentFactory(
                name=name,
                tenant=world.north,
                owner=world.people["ops"],
                template=template,
                cpu_cores=1 + index % 2,
            )
            for index, name in enumerate(NAMES)
        ]


def names(client: Client, path: str) -> list[str]:
    return [row.name for row in client.get(path).context["state"].page.rows]


def lines(answer: Any) -> list[list[str]]:
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def test_the_list_is_in_the_order_asked_for(client: Client, machines: list[Deployment]) -> None:
    orders = {
        "name": sorted(NAMES),
        "-name": sorted(NAMES, reverse=True),
        "": list(reversed(NAMES)),
        "password": list(reversed(NAMES)),
    }
    found = {order: names(client, f"/deployments?ordering={order}") for order in orders}
    assert found == orders


def test_pages_forth_and_back_show_every_row_once(
    client: Client, machines: list[Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.kernel.web.tables.PAGE_SIZE", 2)
    for ordering in ("name", "-cpu_cores", "owner__username", "-created_at"):
        seen, where, back = [], f"?ordering={ordering}", ""
        while where:
            page = client.get(f"/deployments{where}").context["state"].page
            seen += [row.name for row in page.rows]
            where, back = page.next, page.previous or back
        first = client.get(f"/deployments{back}").context["state"].page
        assert sorted(seen) == sorted(NAMES), ordering
        assert [row.name for row in first.rows] == seen[2:4], ordering


def test_a_place_in_another_order_is_the_first_page(
    client: Client, machines: list[Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.kernel.web.tables.PAGE_SIZE", 2)
    place = client.get("/deployments?ordering=name").context["state"].page.next
    moved = place.replace("ordering=name", "ordering=expires_at")
    assert len(names(client, f"/deployments{moved}")) == 2


def test_the_head_tells_the_order(client: Client, machines: list[Deployment]) -> None:
    html = client.get("/deployments?ordering=-name").content.decode()
    assert re.search(r'aria-sort="descending">\s*<a href="\?ordering=name"', html)


def test_columns_are_chosen_and_remembered(client: Client, machines: list[Deployment]) -> None:
    client.get("/deployments?columns=name&columns=tags&size=50")
    choice = client.get("/deployments").context["state"].choice
    assert ([column.key for column in choice.columns], choice.size) == (
        ["name", "status", "tags"],
        50,
    )


def test_the_count_is_told_when_asked_for(client: Client, machines: list[Deployment]) -> None:
    counts = [
        client.get(f"/deployments{query}").context["state"].count for query in ("", "?count=true")
    ]
    assert counts == [None, 5]


def test_htmx_gets_rows_and_the_address_without_empty_fields(
    client: Client, machines: list[Deployment]
) -> None:
    answer = client.get("/deployments?search=al&status=&owner=", headers=HTMX)
    assert b"<html" not in answer.content
    assert answer["HX-Push-Url"] == "/deployments?search=al"
    assert (answer["Cache-Control"], "HX-Request" in answer["Vary"]) == ("no-store", True)


def test_going_back_gets_the_whole_page(client: Client, machines: list[Deployment]) -> None:
    answer = client.get("/deployments", headers={**HTMX, "HX-History-Restore-Request": "true"})
    assert b"<html" in answer.content


def test_the_file_holds_what_is_filtered_in_its_order(
    client: Client, machines: list[Deployment]
) -> None:
    answer = client.get("/deployments?search=a&ordering=-name&columns=owner&export=csv")
    assert lines(answer) == [
        ["Name", "Status", "Owner"],
        *([name, "Provisioning", "ops-north"] for name in ("delta", "charlie", "bravo", "alpha")),
    ]
    assert answer["Content-Disposition"] == 'attachment; filename="deployments.csv"'


def test_the_file_speaks_the_readers_language(
    world: World, client: Client, machines: list[Deployment]
) -> None:
    user = world.people["ops"]
    type(user).objects.using("platform").filter(pk=user.pk).update(language="fr")
    assert lines(client.get("/deployments?columns=owner&export=csv"))[0] == [
        "Nom",
        "État",
        "Propriétaire",
    ]


def test_a_file_that_is_cut_says_so(
    client: Client, machines: list[Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "ROWS_MOST", 3)
    answer = client.get("/deployments?export=csv")
    found = lines(answer)
    assert (len(found), answer["X-Export-Cut"]) == (5, "3")
    assert found[-1] == ["Only the first 3 rows are here: narrow the list with its filters."]


def test_who_took_the_list_away_is_in_the_audit(client: Client, machines: list[Deployment]) -> None:
    lines(client.get("/deployments?search=al&export=csv"))
    entry = Entry.objects.using("platform").get(tag="list.exported")
    assert (entry.actor_label, entry.target_id, entry.detail) == (
        "ops-north",
        "deployments",
        {"filters": {"search": "al", "export": "csv"}, "rows": 1},
    )


def test_a_file_holds_nothing_of_another_organisation(
    world: World, machines: list[Deployment]
) -> None:
    stranger = Client()
    assert world.stranger is not None
    stranger.force_login(world.stranger)
    assert len(lines(stranger.get("/deployments?export=csv"))) == 1


def test_who_may_not_act_has_no_boxes(world: World, machines: list[Deployment]) -> None:
    viewer = Client()
    viewer.force_login(world.people["viewer"])
    assert b'name="ids"' not in viewer.get("/deployments").content
