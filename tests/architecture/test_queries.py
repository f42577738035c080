"""A list of twenty costs as many questions to the database as a list of one."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from django.core.cache import cache
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.models import Quota
from portal.kernel.tenancy import tenant_scope
from provisioning.models import Template
from provisioning.services import lifecycle
from tests.conftest import World
from tests.factories.provisioning import ClusterFactory, TemplateFactory
from tests.provisioning import paper

ALIASES = ("default", "platform", "dispatch")
OWNERS = ("admin", "ops", "support", "dev", "projets")
EXPECTED = {
    "/api/deployments": 8,
    "/api/operations": 8,
    "/api/audit": 8,
    "/api/templates": 8,
    "/deployments": 9,
    "/operations": 11,
    "/audit": 9,
    "/templates": 9,
    "/": 15,
}


def rows(world: World, templates: list[Template], count: int) -> None:
    """Deployments of several people and templates, each with an operation and audit entries."""
    for number in range(count):
        row = paper.deployment(world, templates[number], role=OWNERS[number % 5], tags=["a", "b"])
        with tenant_scope(world.north.pk):
            lifecycle.deployment_stop(actor=world.actor("ops"), deployment_id=row.pk)


def questions(client: Client, path: str) -> int:
    """How many statements a request needs, on all roles together, once caches are warm."""
    headers = {"accept": "application/json"} if path.startswith("/api") else {}
    client.get(path, headers=headers)
    with ExitStack() as stack:
        captured = [
            stack.enter_context(CaptureQueriesContext(connections[alias])) for alias in ALIASES
        ]
        assert client.get(path, headers=headers).status_code == 200
        return sum(len(one) for one in captured)


@pytest.mark.parametrize("count", [1, 20])
def test_the_cost_of_lists_does_not_depend_on_their_length(world: World, count: int) -> None:
    cache.clear()
    Quota.objects.using("platform").create(tenant=world.north)
    rows(world, [TemplateFactory(cluster=ClusterFactory()) for _ in range(count)], count)
    client = Client()
    client.force_login(world.people["ops"])
    assert {path: questions(client, path) for path in EXPECTED} == EXPECTED
