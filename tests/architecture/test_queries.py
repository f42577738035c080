"""A list of a thousand costs as many questions to the database as a list of ten, and how many is known.

A thousand are more than a page shows, so a question for each row would break the figure; ten are asked in the soak.
What answers weighs little.
"""

from __future__ import annotations

import gzip
from contextlib import ExitStack
from itertools import cycle, islice
from typing import Any

import orjson
import pytest
from django.core.cache import cache
from django.db import connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit.services import trail
from billing.models import Quota
from portal.kernel import clock
from portal.kernel.models import uuid7
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation, OperationAttempt
from portal.services.tokens import tokens_issue
from provisioning.models import Deployment, Volume
from provisioning.tags import Tag
from tests.conftest import World
from tests.factories.provisioning import (
    ClusterFactory,
    DeploymentFactory,
    TemplateFactory,
    VolumeFactory,
)

ALIASES = ("default", "platform", "dispatch")
OWNERS = ("admin", "ops", "support", "dev", "projets")
FEW, MANY = 10, 1_000
LIMIT_BYTES = 60_000
# Who asks, the transaction's two ends, and the rows; a browser's session is one more.
API = {
    "/api/deployments": 4,
    "/api/deployments?count=true": 5,
    "/api/deployments?status=running&search=vm": 4,
    "/api/deployments/{deployment}": 4,
    "/api/deployments/{deployment}/health": 10,
    "/api/deployments/{deployment}/console": 4,
    "/api/deployments/{deployment}/volumes": 5,
    "/api/volumes": 4,
    "/api/volumes/{volume}": 4,
    "/api/operations": 4,
    "/api/operations/{operation}": 5,
    "/api/audit": 4,
    "/api/templates": 4,
    "/api/workers": 4,
    "/api/queues": 4,
    "/api/stuck-work": 8,
    "/api/findings": 4,
    "/api/findings/watched": 4,
    "/api/deployments/{deployment}/dns-records": 5,
    "/api/dns-zones": 4,
    "/api/extension-requests": 4,
    "/api/alerts": 4,
    "/api/alert-rules": 4,
    "/api/hosts": 4,
    "/api/deployments/{deployment}/metrics?range=24h": 6,
    "/api/ownership-transfers": 4,
    "/api/maintenance-windows": 4,
    "/api/users": 5,
    "/api/teams": 4,
    "/api/roles": 4,
    "/api/sessions": 8,
    "/api/me": 3,
}
PAGES = {
    "/deployments": 9,
    "/deployments/{deployment}": 15,
    "/operations": 9,
    "/workers": 10,
    "/stuck-work": 12,
    "/operations/{operation}": 10,
    "/audit": 9,
    "/templates": 16,
    "/findings": 11,
    "/transfers": 8,
    "/offboarding": 9,
    "/infrastructure/windows": 8,
    "/deployments/{deployment}/transfer": 10,
    "/deployments/{deployment}?tab=operations": 10,
    "/deployments/{deployment}?tab=metrics": 11,
    "/servers": 11,
    "/alerts": 9,
    "/alerts/rules": 8,
    "/deployments/{deployment}?tab=lease": 12,
    "/deployments/{deployment}?tab=health": 15,
    "/deployments/{deployment}/console": 6,
    "/deployments/{deployment}?tab=volumes": 10,
    "/volumes": 9,
    "/volumes/{volume}": 12,
    "/deployments/{deployment}?tab=costs": 12,
    "/deployments/{deployment}?tab=activity": 11,
    "/deployments/{deployment}?tab=names": 10,
    "/dns": 11,
    "/deployments/new": 16,
    "/deployments/new/resources?template={template}": 20,
    "/deployments/new/network?template={template}": 20,
    "/deployments/new/review?template={template}": 20,
    "/templates/{template}": 17,
    "/": 19,
}

# The API and the page of an operation that was given up: who sees it is told whether it can be tried again.
DEAD = (13, 20)


def rows(world: World, count: int) -> dict[str, Any]:
    """Deployments of several people and templates, operations and audit entries; the ids of one each."""
    templates = [TemplateFactory(cluster=ClusterFactory()) for _ in range(3)]
    owners = [world.people[role] for role in OWNERS]
    with tenant_scope(world.north.pk), transaction.atomic():
        deployments = [
            DeploymentFactory.build(tenant=world.north, owner=owner, template=template, tags=["a"])
            for owner, template in islice(zip(cycle(owners), cycle(templates)), count)
        ]
        Deployment.objects.bulk_create(deployments)
        volumes = [VolumeFactory.build(deployment=row) for row in deployments]
        Volume.objects.bulk_create(volumes)
        operations = [
            Operation(
                tenant=world.north, queue="vm", type="deployment.stop", target_id=row.pk, id=uuid7()
            )
            for row in deployments
        ]
        Operation.objects.bulk_create(operations)
        for row in deployments[:100]:
            trail.record(tag=Tag.STARTED, target=row, actor=world.actor("ops"))
    return {
        "deployment": deployments[-1].pk,
        "volume": volumes[-1].pk,
        "operation": operations[-1].pk,
        "template": templates[0].code,
    }


def dead(world: World, target: Deployment, *, many: int) -> Operation:
    """An operation that was given up after so many tries, with as many steps and lines of its log."""
    now = clock.now()
    ended = {"started_at": now, "completed_at": now, "last_error": "it does not answer"}
    step = {"label": "Stop", "status": "completed", "percent": None, "detail": ""}
    with tenant_scope(world.north.pk), transaction.atomic():
        row: Operation = Operation.objects.create(
            tenant=world.north,
            queue="vm",
            type="pod.stop",
            target_type="deployment",
            target_id=target.pk,
            status="dead",
            payload={"deployment_id": str(target.pk)},
            attempts=many,
            steps=[step | {"name": f"stop-{n}"} for n in range(many)],
            log=[f"line {n}" for n in range(2 * many)],
            **ended,
        )
    OperationAttempt.objects.using("dispatch").bulk_create(
        OperationAttempt(
            id=uuid7(),
            tenant=world.north,
            operation=row,
            attempt=n,
            fence=n,
            worker="worker-1",
            started_at=now,
            finished_at=now,
            outcome="retried",
            error="it does not answer",
        )
        for n in range(1, many + 1)
    )
    return row


def questions(client: Client, path: str, headers: dict[str, str]) -> int:
    """How many statements a request needs, on all roles together, once caches are warm."""
    client.get(path, headers=headers)
    with ExitStack() as stack:
        captured = [
            stack.enter_context(CaptureQueriesContext(connections[alias])) for alias in ALIASES
        ]
        answer = client.get(path, headers=headers)
        assert answer.status_code == 200, f"{path}: {answer.content[:200]!r}"
        assert len(gzip.compress(answer.content)) <= LIMIT_BYTES, path
        return sum(len(one) for one in captured)


@pytest.fixture(params=[pytest.param(FEW, marks=pytest.mark.soak), MANY])
def filled(request: pytest.FixtureRequest, world: World, lasting_memory: None) -> dict[str, Any]:
    cache.clear()
    Quota.objects.using("platform").create(tenant=world.north)
    return rows(world, request.param)


def test_the_cost_of_the_api_does_not_depend_on_how_much_there_is(
    world: World, filled: dict[str, Any]
) -> None:
    token = tokens_issue(user=world.people["ops"]).access_token
    headers = {"accept": "application/json", "authorization": f"Bearer {token}"}
    client = Client()
    assert {path: questions(client, path.format(**filled), headers) for path in API} == API


def test_the_cost_of_pages_does_not_depend_on_how_much_there_is(
    world: World, filled: dict[str, Any]
) -> None:
    client = Client()
    client.force_login(world.people["ops"])
    assert {path: questions(client, path.format(**filled), {}) for path in PAGES} == PAGES


@pytest.mark.parametrize("many", [2, 100])
def test_the_cost_of_a_dead_operation_does_not_depend_on_its_tries(
    world: World, lasting_memory: None, many: int
) -> None:
    cache.clear()
    template = TemplateFactory(cluster=ClusterFactory())
    with tenant_scope(world.north.pk), transaction.atomic():
        target = DeploymentFactory(
            tenant=world.north, owner=world.people["support"], template=template
        )
    key = dead(world, target, many=many).pk
    token = tokens_issue(user=world.people["ops"]).access_token
    headers = {"accept": "application/json", "authorization": f"Bearer {token}"}
    browser = Client()
    browser.force_login(world.people["ops"])

    asked = questions(Client(), f"/api/operations/{key}", headers)

    assert (asked, questions(browser, f"/operations/{key}", {})) == DEAD


def test_pages_walk_through_all_rows_once(world: World, filled: dict[str, Any]) -> None:
    token = tokens_issue(user=world.people["ops"]).access_token
    client, seen, where = Client(), [], "/api/deployments?limit=200&ordering=status"
    while where:
        body = orjson.loads(client.get(where, headers={"authorization": f"Bearer {token}"}).content)
        seen += [row["id"] for row in body["results"]]
        where = body["next"]
    with tenant_scope(world.north.pk), transaction.atomic():
        assert len(seen) == len(set(seen)) == Deployment.objects.count()
