"""The one end of a deployment: what it held is free, what took its number keeps it, why is told once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from audit.models import Entry
from portal.kernel import clock, events
from portal.kernel.errors import InvalidTransition
from portal.kernel.tenancy import tenant_scope
from provisioning.events import DeploymentChanged
from provisioning.models import Deployment, Template, VmidAllocation
from provisioning.services.endings import deployment_end
from provisioning.services.vmids import QUARANTINE
from provisioning.tags import Tag
from tests.conftest import World
from tests.factories.provisioning import ClusterFactory, TemplateFactory
from tests.provisioning import paper
from tests.provisioning.scenes import quota_is_true, reloaded


@pytest.fixture
def row(world: World) -> Deployment:
    template: Template = TemplateFactory(code="linux-utility", cluster=ClusterFactory())
    made = paper.deployment(world, template, ip_addresses=["192.0.2.7"], health="ok")
    VmidAllocation.objects.using("platform").create(
        cluster_id=made.cluster_id, vmid=made.vmid, deployment_id=made.pk
    )
    return made


def end(world: World, row: Deployment, **values: Any) -> VmidAllocation:
    """What is left of its number."""
    with tenant_scope(row.tenant_id), transaction.atomic():
        locked = Deployment.objects.select_for_update(of=("self",)).get(pk=row.pk)
        deployment_end(locked, actor=world.actor("ops"), tag=Tag.FORGOTTEN, **values)
    return VmidAllocation.objects.using("platform").get(vmid=row.vmid)


def test_an_end_gives_back_what_was_held_and_says_why(
    world: World, row: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []
    monkeypatch.setattr(events, "publish", told.append)
    number = end(world, row, detail={"reason": "why"})

    over = reloaded(row)
    assert (over.status, over.ip_addresses, over.health) == ("deleted", [], "unknown")
    assert quota_is_true(world)
    assert number.quarantined_until is not None
    assert Entry.across_tenants.get(tag="pod.forgotten").detail == {"reason": "why"}
    assert told == [DeploymentChanged(row.pk, row.tenant_id, "deleted", "pod.forgotten")]


def test_the_number_of_what_is_watched_waits_as_long(world: World, row: Deployment) -> None:
    until = clock.now() + 2 * QUARANTINE
    number = end(world, row, watched_until=until)
    assert (number.quarantined_until, reloaded(row).watched_until) == (until, until)


def test_a_number_that_another_machine_has_is_blocked(world: World, row: Deployment) -> None:
    number = end(world, row, is_taken=True, watched_until=clock.now() + timedelta(days=1))
    assert (number.is_blocked, number.deployment_id, number.quarantined_until) == (True, None, None)


def test_what_has_ended_does_not_end_again(world: World, row: Deployment) -> None:
    end(world, row)
    with pytest.raises(InvalidTransition):
        end(world, row)
    assert Entry.across_tenants.filter(tag="pod.forgotten").count() == 1
