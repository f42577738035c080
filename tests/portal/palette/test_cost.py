"""What a line costs does not depend on how much there is."""

from __future__ import annotations

from itertools import cycle

import pytest
from django.core.cache import cache
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

from portal.kernel import clock
from portal.kernel.commands import CANDIDATES, Asking, search_providers
from portal.kernel.models import uuid7
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from provisioning.models import Deployment, Template
from tests.conftest import World
from tests.factories.provisioning import DeploymentFactory
from tests.portal.palette.asking import signed_in, template

FEW, MANY = 10, 300
LINES = ("", "vm", "vm-7", "mv-7xx", "stop ", "extend vm-7 by 24 h", "#vm-7", "@north", "zzzz")
READ_MOST = 200
"""Findings alone are matched in Python: their words are texts of the pages."""


def _fill(world: World, blueprint: Template, numbers: range) -> None:
    owners = cycle([world.people["support"], world.people["ops"]])
    with tenant_scope(world.north.pk), transaction.atomic():
        machines = [
            DeploymentFactory.build(
                name=f"vm-{number}",
                tenant=world.north,
                owner=owner,
                template=blueprint,
                status="running",
                ready_at=clock.now(),
            )
            for number, owner in zip(numbers, owners, strict=False)
        ]
        Deployment.objects.bulk_create(machines)
        Operation.objects.bulk_create(
            Operation(
                id=uuid7(),
                tenant=world.north,
                queue="cloudpods",
                type="pod.stop",
                target_type="deployment",
                target_id=row.pk,
            )
            for row in machines
        )


def _statements(world: World) -> dict[str, int]:
    client = signed_in(world.people["ops"])
    counts = {}
    for line in LINES:
        for _warm in range(2):
            with CaptureQueriesContext(connections["default"]) as captured:
                answer = client.get("/palette", {"q": line}, headers={"HX-Request": "true"})
            assert answer.status_code == 200
        counts[line] = len(captured)
    return counts


@pytest.mark.usefixtures("lasting_memory")
def test_statements_are_as_many_for_hundreds_as_for_ten(world: World) -> None:
    cache.clear()
    blueprint = template()
    _fill(world, blueprint, range(FEW))
    few = _statements(world)
    _fill(world, blueprint, range(FEW, MANY))
    assert _statements(world) == few
    assert max(few.values()) <= 22


def test_a_provider_reads_no_more_than_its_candidates(world: World) -> None:
    _fill(world, template(), range(MANY))
    asking = Asking(world.actor("admin"))
    with tenant_scope(world.north.pk), transaction.atomic():
        for provider in search_providers(asking):
            for words in ((), ("vm",), ("v7",)):
                rows = provider.find(asking, words, CANDIDATES)
                assert len(rows) <= (READ_MOST if provider.kind == "finding" else CANDIDATES)
