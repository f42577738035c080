"""The search page: grouped, paged per kind, plans with a button, hints when there is nothing."""

from __future__ import annotations

import re

from django.db import transaction

from portal.kernel.tenancy import tenant_scope
from provisioning.models import Deployment
from tests.conftest import World
from tests.factories.provisioning import DeploymentFactory
from tests.portal.palette.asking import machine, signed_in, template

MANY = 60


def _shown(html: str) -> list[str]:
    return re.findall(r'<a class="search-row" href="/deployments/[^"]+">', html)


def test_more_of_a_kind_is_paged(world: World) -> None:
    blueprint = template()
    with tenant_scope(world.north.pk), transaction.atomic():
        rows = [
            DeploymentFactory.build(
                name=f"vm-{number}",
                template=blueprint,
                owner=world.people["ops"],
                tenant=world.north,
            )
            for number in range(MANY)
        ]
        Deployment.objects.bulk_create(rows)
    client = signed_in(world.people["viewer"])
    grouped = client.get("/search", {"q": "vm"}).content.decode()
    assert len(_shown(grouped)) == 10
    assert "?q=vm&amp;kind=deployment" in grouped
    sizes = [
        len(
            _shown(
                client.get(
                    "/search", {"q": "vm", "kind": "deployment", "page": page}
                ).content.decode()
            )
        )
        for page in ("1", "2", "3", "x", "-1")
    ]
    assert sizes == [25, 25, 10, 25, 25]
    last = client.get("/search?q=vm&kind=deployment&page=3").content.decode()
    assert "page=2" in last
    assert "page=4" not in last


def test_a_line_has_its_plan_and_its_button(world: World) -> None:
    row = machine(world, "web-04")
    page = signed_in(world.people["support"]).get("/search", {"q": "stop web-04"}).content.decode()
    assert f'action="/deployments/{row.pk}/stop"' in page
    assert '<input type="hidden" name="next" value="/search?q=stop+web-04">' in page
    assert "csrfmiddlewaretoken" in page.split(f'action="/deployments/{row.pk}/stop"')[1]


def test_a_beginning_of_a_line_leads_on(world: World) -> None:
    machine(world, "web-04")
    page = signed_in(world.people["support"]).get("/search", {"q": "extend web"}).content.decode()
    assert 'href="/search?q=extend%20web-04%20by%20"' in page


def test_nothing_found_and_nothing_asked_give_hints(world: World) -> None:
    client = signed_in(world.people["support"])
    assert "Nothing fits" in client.get("/search", {"q": "zzzzqq"}).content.decode()
    assert "What you can type" in client.get("/search").content.decode()
    assert client.get("/search", {"q": "x\x00y", "kind": "setting"}).status_code == 200
