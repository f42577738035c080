"""Pages take whatever a browser or a hand sends: never a server error, nothing done by mistake."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Final, TypeVar
from urllib.parse import quote

import pytest
from django.test import Client

from portal.models import Operation
from provisioning.models import Template
from tests.conftest import World
from tests.factories.provisioning import ClusterFactory, TemplateFactory
from tests.provisioning import paper
from tests.snapshot import rows_digest

STRANGE: Final = (
    "",
    "\x00",
    "x" * 5000,
    "é\u202e",
    "-1",
    "1e9",
    "9" * 400,
    "[]",
    "null",
    "<b>",
    "'--",
)
FIELDS: Final = ("name", "hostname", "cpu_cores", "memory_mb", "disk_gb", "ttl_hours", "tags")
LISTS: Final = {
    "/templates": ("search", "kind"),
    "/deployments": ("search", "status", "owner", "after", "before", "tenant"),
    "/operations": ("search", "status", "queue", "type", "after", "before"),
    "/audit": ("actor", "tag", "category", "target", "outcome", "from", "to", "after", "before"),
}
# Every page and field with two values, each value somewhere; `make soak` plays every pair.
EXTENTS: Final = ["some", pytest.param("all", marks=[pytest.mark.soak, pytest.mark.timeout(900)])]
SOME: Final = 2
Place = TypeVar("Place")


def pairs(places: Iterable[Place], extent: str) -> Iterator[tuple[Place, str]]:
    """Places with the values they are sent: all, or the next two of the row for each."""
    if extent == "all":
        yield from product(places, STRANGE)
        return
    for number, place in enumerate(places):
        for step in range(SOME):
            yield place, STRANGE[(number * SOME + step) % len(STRANGE)]


@pytest.fixture
def template(world: World) -> Template:
    options = [{"key": "database", "type": "choice", "choices": ["none"], "default": "none"}]
    return TemplateFactory(code="wordpress", cluster=ClusterFactory(), install_options=options)


@pytest.fixture
def client(world: World) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(world.people["ops"])
    return client


def form(**changed: str) -> dict[str, str]:
    figures = {"cpu_cores": "2", "memory_mb": "2048", "disk_gb": "20", "ttl_hours": "72"}
    return {"template": "wordpress", "name": "web-1", **figures, **changed}


@pytest.mark.parametrize("extent", EXTENTS)
def test_a_form_with_a_strange_value_is_shown_again(
    world: World, template: Template, client: Client, extent: str
) -> None:
    before = rows_digest()
    wrong = {}
    for field, value in pairs((*FIELDS, "parameter_database"), extent):
        is_optional = field in {"hostname", "tags", "parameter_database"} and value == ""
        if is_optional or (field == "tags" and value in {"x" * 5000, "1e9", "null"}):
            continue
        is_figure = field in {"cpu_cores", "memory_mb", "disk_gb"}
        for step in ("resources" if is_figure else "network", "review"):
            answer = client.post(f"/deployments/new/{step}", form(**{field: value}))
            if answer.status_code != 422:
                wrong[step, field, value[:20]] = (answer.status_code, answer.get("Location"))
    assert wrong == {}
    assert rows_digest() == before


@pytest.mark.parametrize("extent", EXTENTS)
def test_a_step_s_address_takes_anything(
    world: World, template: Template, client: Client, extent: str
) -> None:
    before = rows_digest()
    wrong = {}
    fields = (*FIELDS, "parameter_database", "key")
    # The fields one after the other, so that those of each step get other values in the short form.
    places = [(step, field) for field in fields for step in ("resources", "network", "review")]
    for (step, field), value in pairs(places, extent):
        answer = client.get(f"/deployments/new/{step}", form(**{field: value}))
        if answer.status_code != 200:
            wrong[step, field, value[:20]] = answer.status_code
    for value in STRANGE:
        answer = client.get("/deployments/new/resources", form(template=value))
        if (answer.status_code, answer.get("Location")) != (303, "/deployments/new"):
            wrong["template", value[:20]] = answer.status_code
        if value and client.get(f"/deployments/new/{quote(value)}").status_code != 404:
            wrong["step", value[:20]] = "not 404"
    assert wrong == {}
    assert rows_digest() == before


@pytest.mark.parametrize("extent", EXTENTS)
def test_a_live_plan_of_anything_is_an_answer(
    world: World, template: Template, client: Client, extent: str
) -> None:
    before = rows_digest()
    wrong = {}
    for field, value in pairs((*FIELDS, "parameter_database"), extent):
        answer = client.post("/deployments/plan", form(**{field: value}))
        if answer.status_code != 200:
            wrong[field, value[:20]] = answer.status_code
    for value in STRANGE:
        answer = client.post("/deployments/plan", form(template=value))
        if answer.status_code != 404:
            wrong["template", value[:20]] = answer.status_code
    assert wrong == {}
    assert rows_digest() == before


@pytest.mark.parametrize("extent", EXTENTS)
def test_a_list_ignores_what_it_cannot_read(
    world: World, template: Template, client: Client, extent: str
) -> None:
    paper.deployment(world, template)
    wrong = {}
    places = [(path, name) for path, names in LISTS.items() for name in names]
    for (path, name), value in pairs(places, extent):
        answer = client.get(f"{path}?{name}={quote(value)}")
        is_expected = answer.status_code == (404 if name == "tenant" and value else 200)
        if not is_expected:
            wrong[path, name, value[:20]] = answer.status_code
    assert wrong == {}


def test_an_action_with_a_strange_value_does_nothing(
    world: World, template: Template, client: Client
) -> None:
    row = paper.deployment(world, template)
    before = rows_digest()
    wrong = {}
    for action, field in (("extend", "hours"), ("resize", "disk_gb"), ("stop", "mode")):
        for value in STRANGE:
            if (action, value) == ("extend", "-1"):
                continue  # an hour less is a wish like any other
            answer = client.post(f"/deployments/{row.pk}/{action}", {field: value})
            if answer.status_code != 303:
                wrong[action, value[:20]] = answer.status_code
    for action in ("explode", "%00", "x" * 300):
        answer = client.post(f"/deployments/{row.pk}/{action}")
        if answer.status_code != 404:
            wrong[action] = answer.status_code
    for target in ("1", "%00", "00000000-0000-7000-8000-000000000000"):
        if client.post(f"/deployments/{target}/start").status_code != 404:
            wrong["target", target] = "not 404"
    assert wrong == {}
    assert rows_digest() == before
    assert not Operation.across_tenants.exists()


def test_a_form_without_its_token_is_refused(world: World, template: Template) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.people["ops"])
    before = rows_digest()
    assert client.post("/deployments/new/review", form()).status_code == 403
    as_json = client.post("/api/deployments", form(), content_type="application/json")
    assert as_json.status_code == 403
    assert rows_digest() == before
