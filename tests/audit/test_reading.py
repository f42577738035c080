from __future__ import annotations

import csv
import io
import json

import pytest
from django.test import Client

from audit.models import Entry
from portal.models import User
from tests.conftest import World


@pytest.fixture
def admin(world: World, write, client: Client) -> Client:
    for number in range(3):
        write(world.north.id, f"n{number}", actor=world.actor("ops"))
    write(world.south.id, "s0")
    client.force_login(User.objects.get(username="admin-north"))
    return client


def labels(answer) -> list[str]:
    return [entry["target_label"] for entry in answer.json()["results"]]


def test_list_is_newest_first_and_ones_own_tenants(admin: Client) -> None:
    assert labels(admin.get("/api/audit")) == ["n2", "n1", "n0"]


def test_pages_follow_the_cursor(admin: Client) -> None:
    first = admin.get("/api/audit?limit=2")

    assert labels(admin.get(first.json()["next"])) == ["n0"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("actor=ops-north", 3),
        ("actor=nobody", 0),
        ("tag=user", 3),
        ("tag=token", 0),
        ("category=security", 3),
        ("category=billing", 0),
        ("outcome=success", 3),
        ("outcome=refused", 0),
        ("target=n1", 1),
        ("target=test", 3),
        ("from=2020-01-01T00:00:00Z", 3),
        ("to=2020-01-01T00:00:00Z", 0),
    ],
)
def test_filters(admin: Client, query: str, found: int) -> None:
    assert len(labels(admin.get(f"/api/audit?{query}"))) == found


def test_actor_is_found_by_id_too(world: World, admin: Client) -> None:
    assert len(labels(admin.get(f"/api/audit?actor={world.people['ops'].pk}"))) == 3


@pytest.mark.parametrize(
    ("query", "field"),
    [("outcome=maybe", "outcome"), ("category=x", "category"), ("from=soon", "from")],
)
def test_wrong_filter_is_a_400_naming_it(admin: Client, query: str, field: str) -> None:
    answer = admin.get(f"/api/audit?{query}")

    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, field)


def test_one_entry(world: World, admin: Client) -> None:
    mine = Entry.across_tenants.get(target_label="n1")
    theirs = Entry.across_tenants.get(target_label="s0")

    body = admin.get(f"/api/audit/{mine.pk}").json()

    assert (body["row_hash"], body["tag_label"]) == (mine.row_hash, "User changed")
    assert admin.get(f"/api/audit/{theirs.pk}").status_code == 404
    assert admin.get("/api/audit/nonsense").status_code == 404


def test_export_as_csv_is_audited_and_runs_no_formulas(world: World, admin: Client, write) -> None:
    write(world.north.id, "=1+1")

    answer = admin.get("/api/audit?format=csv&target=test")

    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert answer["Content-Disposition"] == 'attachment; filename="audit.csv"'
    assert [row["target_label"] for row in rows] == ["'=1+1", "n2", "n1", "n0"]
    entry = Entry.across_tenants.get(tag="audit.exported")
    assert entry.detail == {"filters": {"format": "csv", "target": "test"}, "entries": 4}


def test_export_as_json_lines(admin: Client) -> None:
    lines = admin.get("/api/audit?format=jsonl").content.splitlines()

    assert [json.loads(line)["target_label"] for line in lines] == ["n2", "n1", "n0"]


def test_ops_reads_and_does_not_export(world: World, admin: Client) -> None:
    client = Client()
    client.force_login(User.objects.get(username="ops-north"))

    assert client.get("/api/audit").status_code == 200
    assert client.get("/api/audit?format=csv").status_code == 403


@pytest.mark.parametrize("role", ["projets", "dev", "support", "viewer"])
def test_other_roles_read_neither_page_nor_api(world: World, client: Client, role: str) -> None:
    client.force_login(User.objects.get(username=f"{role}-north"))

    assert client.get("/audit").status_code == 403
    assert client.get("/api/audit").status_code == 403


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_can_be_written(admin: Client, method: str) -> None:
    assert getattr(admin, method)("/api/audit").status_code == 405


def test_page_lists_and_filters(admin: Client) -> None:
    page = admin.get("/audit?target=n1")

    assert [entry.target_label for entry in page.context["state"].page.rows] == ["n1"]
    assert page.context["may_export"]


@pytest.mark.parametrize(
    ("name", "media_type"), [("csv", "text/csv"), ("jsonl", "application/x-ndjson")]
)
def test_empty_export_has_its_type(admin: Client, name: str, media_type: str) -> None:
    answer = admin.get(f"/api/audit?format={name}&target=nothing")

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["Content-Type"].partition(";")[0] == media_type


def test_error_of_an_export_is_json(admin: Client) -> None:
    answer = admin.get("/api/audit?format=csv&outcome=maybe")

    assert (answer.status_code, answer["Content-Type"]) == (400, "application/json")
