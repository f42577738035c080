"""Saved filters: whose they are, who sees them, what a list understands, how they open it."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test import Client

from audit.models import Entry
from portal.kernel.tenancy import tenant_scope
from portal.models import SavedFilter
from portal.services import saved_filters
from tests.conftest import World
from tests.factories.accounts import MembershipFactory, UserFactory

QUERY = "status=running&ordering=name"


@pytest.fixture
def clients(world: World) -> dict[str, Client]:
    """Browsers of two people of `north` and of the stranger of `south`."""
    found = {}
    people = {"ops": world.people["ops"], "dev": world.people["dev"], "south": world.stranger}
    for name, person in people.items():
        assert person is not None
        found[name] = Client()
        found[name].force_login(person)
    return found


def call(client: Client, method: str, path: str = "", **body: Any) -> tuple[int, Any]:
    answer = getattr(client, method)(
        f"/api/saved-filters{path}",
        json.dumps(body) if method != "get" else None,
        **({"content_type": "application/json"} if method != "get" else {}),
        headers={"accept": "application/json"},
    )
    return answer.status_code, json.loads(answer.content) if answer.content else None


def kept(client: Client, **more: Any) -> str:
    body = {"table": "deployments", "name": "Running", "query": QUERY, **more}
    status, made = call(client, "post", **body)
    assert status == 201, made
    return str(made["id"])


def row(key: str) -> SavedFilter:
    return SavedFilter.objects.using("platform").get(pk=UUID(key))


def test_a_filter_is_kept_in_one_spelling(clients: dict[str, Client]) -> None:
    _, made = call(
        clients["ops"],
        "post",
        table="deployments",
        name=" Running ",
        query="?status=running&after=x&ordering=name&search=",
    )
    assert (made["name"], made["query"], made["is_shared"], made["is_default"]) == (
        "Running",
        "ordering=name&status=running",
        False,
        False,
    )


def test_what_a_person_keeps_to_himself_does_not_exist_for_others(
    clients: dict[str, Client],
) -> None:
    path = f"/{kept(clients['ops'])}"
    found = [
        call(clients["dev"], "get", path)[0],
        call(clients["dev"], "patch", path, name="x")[0],
        call(clients["dev"], "delete", path)[0],
        len(call(clients["dev"], "get")[1]["results"]),
    ]
    assert found == [404, 404, 404, 0]


def test_what_is_shared_is_seen_and_left_alone(clients: dict[str, Client]) -> None:
    path = f"/{kept(clients['ops'], is_shared=True)}"
    found = [
        call(clients["dev"], "get", path)[0],
        call(clients["dev"], "patch", path, name="x")[0],
        call(clients["dev"], "delete", path)[0],
        [one["name"] for one in call(clients["dev"], "get")[1]["results"]],
    ]
    assert found == [200, 403, 403, ["Running"]]


def test_what_is_shared_stays_in_its_organisation(clients: dict[str, Client]) -> None:
    path = f"/{kept(clients['ops'], is_shared=True)}"
    assert (
        call(clients["south"], "get", path)[0],
        call(clients["south"], "get")[1]["results"],
    ) == (404, [])


def test_the_database_keeps_organisations_apart(world: World, clients: dict[str, Client]) -> None:
    kept(clients["ops"], is_shared=True)
    with tenant_scope(world.south.pk), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM portal_savedfilter")
        assert cursor.fetchone() == (0,)


def test_it_can_be_renamed_shared_and_deleted(clients: dict[str, Client]) -> None:
    key = kept(clients["ops"])
    _, changed = call(clients["ops"], "patch", f"/{key}", name="Up", is_shared=True)
    assert (changed["name"], changed["is_shared"]) == ("Up", True)
    assert call(clients["ops"], "delete", f"/{key}")[0] == 204
    tags = Entry.objects.using("platform").filter(target_id=key).values_list("tag", flat=True)
    assert set(tags) == {"saved_filter.created", "saved_filter.changed", "saved_filter.deleted"}


def test_what_the_list_does_not_know_is_refused(clients: dict[str, Client]) -> None:
    for body, attr, code in (
        ({"table": "secrets"}, "table", "invalid_choice"),
        ({"query": "owner_id=7"}, "query", "invalid"),
        ({"query": "status=melted"}, "query", "invalid"),
        ({"query": "ordering=-password"}, "query", "invalid"),
        ({"name": ""}, "name", "blank"),
        ({"name": "x" * 61}, "name", "max_length"),
    ):
        wanted = {"table": "deployments", "name": "Running", "query": QUERY, **body}
        status, told = call(clients["ops"], "post", **wanted)
        error = told["errors"][0]
        assert (status, error["attr"], error["code"]) == (400, attr, code), body


def test_a_name_is_taken_once(clients: dict[str, Client]) -> None:
    kept(clients["ops"])
    wanted = {"table": "deployments", "name": "Running"}
    status, told = call(clients["ops"], "post", **wanted)
    assert (status, told["errors"][0]["code"]) == (400, "name_taken")


def test_two_people_may_use_one_name(clients: dict[str, Client]) -> None:
    assert kept(clients["ops"]) != kept(clients["dev"])


def test_there_is_a_limit_that_is_named(
    clients: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_filters, "FILTERS_MOST", 1)
    kept(clients["ops"])
    status, told = call(clients["ops"], "post", table="deployments", name="Second")
    assert (status, told["errors"][0]["detail"]) == (
        400,
        "A person keeps at most 1 filters per list: delete one first.",
    )


def test_a_new_default_takes_the_place_of_the_old(clients: dict[str, Client]) -> None:
    first = kept(clients["ops"], is_default=True)
    second = kept(clients["ops"], name="Second", is_default=True)
    assert (row(first).is_default, row(second).is_default) == (False, True)


def test_the_list_opens_with_the_default_and_shows_all_when_asked(
    clients: dict[str, Client],
) -> None:
    kept(clients["ops"], is_default=True)
    opened = clients["ops"].get("/deployments")
    everything = clients["ops"].get("/deployments?view=all")
    assert (opened.status_code, opened["Location"], everything.status_code) == (
        302,
        "?ordering=name&status=running",
        200,
    )


def test_a_default_of_another_person_changes_nothing(clients: dict[str, Client]) -> None:
    kept(clients["ops"], is_default=True, is_shared=True)
    assert clients["dev"].get("/deployments").status_code == 200


def test_tabs_stand_above_the_list(clients: dict[str, Client]) -> None:
    kept(clients["ops"], is_shared=True)
    state = clients["dev"].get(f"/deployments?{QUERY}").context["state"]
    assert [(tab.label, tab.is_current) for tab in state.tabs()] == [
        ("All", False),
        ("Running", True),
    ]


def test_a_form_keeps_what_the_list_shows(clients: dict[str, Client]) -> None:
    answer = clients["ops"].post(
        "/saved-filters", {"table": "deployments", "name": "Mine", "query": "?owner=me"}
    )
    assert (answer.status_code, answer["Location"]) == (303, "/deployments?owner=me")


def test_the_page_of_saved_filters_changes_and_deletes(clients: dict[str, Client]) -> None:
    key = kept(clients["ops"])
    page = clients["ops"].get("/saved-filters?table=deployments")
    changed = {"name": "Up", "is_shared": "on"}
    clients["ops"].post(f"/saved-filters/{key}/change", changed)
    found = (row(key).name, row(key).is_shared, row(key).query)
    clients["ops"].post(f"/saved-filters/{key}/delete")
    assert (page.status_code, found) == (200, ("Up", True, "ordering=name&status=running"))
    assert not SavedFilter.objects.using("platform").exists()


def test_a_list_of_another_role_has_no_saved_filters(
    world: World, clients: dict[str, Client]
) -> None:
    viewer = Client()
    viewer.force_login(world.people["viewer"])
    status, _ = call(viewer, "post", table="findings", name="x")
    assert status == 403


@pytest.fixture
def curator(world: World) -> Client:
    """Who manages the members of `north`."""
    client = Client()
    client.force_login(world.people["admin"])
    return client


def test_a_curator_renames_what_is_shared_and_nothing_else(
    clients: dict[str, Client], curator: Client
) -> None:
    shared = kept(clients["ops"], is_shared=True)
    changes = {"name": "Up and running", "is_default": True}
    status, seen = call(curator, "patch", f"/{shared}", **changes)
    assert (status, seen["name"]) == (200, "Up and running")
    # With which of them the list opens stays the owner's.
    assert (row(shared).is_default, row(shared).owner.username) == (False, "ops-north")
    entry = Entry.across_tenants.get(tag="saved_filter.changed")
    assert entry.actor_label == "admin-north"


def test_a_curator_deletes_what_is_shared(clients: dict[str, Client], curator: Client) -> None:
    shared = kept(clients["ops"], is_shared=True)
    assert call(curator, "delete", f"/{shared}")[0] == 204
    assert not SavedFilter.objects.using("platform").exists()
    assert Entry.across_tenants.get(tag="saved_filter.deleted").actor_label == "admin-north"


def test_a_curator_does_not_see_what_a_person_keeps_to_himself(
    clients: dict[str, Client], curator: Client
) -> None:
    private = kept(clients["ops"])
    assert call(curator, "patch", f"/{private}", name="Mine")[0] == 404
    assert call(curator, "delete", f"/{private}")[0] == 404
    assert row(private).name == "Running"


def test_nobody_else_and_no_curator_of_another_organisation_changes_what_is_shared(
    world: World, clients: dict[str, Client]
) -> None:
    shared = kept(clients["ops"], is_shared=True)
    stranger = Client()
    person = UserFactory(username="admin-south")
    MembershipFactory(user=person, tenant=world.south, role="admin")
    stranger.force_login(person)
    for client, refused in ((clients["dev"], 403), (stranger, 404)):
        assert call(client, "patch", f"/{shared}", name="Other")[0] == refused
        assert call(client, "delete", f"/{shared}")[0] == refused
    assert row(shared).name == "Running"
    assert not Entry.across_tenants.filter(tag="saved_filter.changed").exists()
