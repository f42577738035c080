"""Two changes at once that need the same rows: one waits for the other, and neither is broken off.

All other tests here watch the order itself (`tests/locks.py`); these show what it is for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import transaction
from django.db.models import Model, QuerySet

from billing.models import QuotaUsage
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from portal.services.operations import operation_cancel
from provisioning.models import Deployment
from tests.conftest import Cloud, World
from tests.factories.provisioning import ClusterFactory, TemplateFactory, VolumeFactory
from tests.locks import behind
from tests.provisioning import paper, scenes, volume_scenes
from tests.provisioning.test_lease_api import client_of


@contextmanager
def locked(tenant_id: UUID, rows: QuerySet[Model]) -> Iterator[None]:
    """Somebody else is at these rows."""
    with tenant_scope(tenant_id), transaction.atomic():
        list(rows.select_for_update(of=("self",)))
        yield


def test_a_creation_and_a_growth_in_a_bench_wait_for_the_quota_alone(cloud: Cloud) -> None:
    volume = volume_scenes.attached(cloud, scenes.running(cloud))
    volume_scenes.acted(cloud, volume, "detach")
    results = behind(
        locked(cloud.world.north.pk, QuotaUsage.objects.filter(tenant_id=cloud.world.north.pk)),
        lambda: scenes.requested(cloud, "web-2"),
        lambda: volume_scenes.asked(cloud, volume, "resize", size_gb=9),
    )
    assert results == ["ok", "ok"]


def test_a_deletion_and_a_cancel_wait_for_the_machine_alone(cloud: Cloud) -> None:
    deployment = scenes.running(cloud)
    scenes.acted(cloud, deployment, "stop")
    operation = Operation.across_tenants.get(type="pod.stop")

    def cancel() -> None:
        with tenant_scope(deployment.tenant_id):
            operation_cancel(actor=cloud.world.actor("ops"), operation_id=operation.pk)

    results = behind(
        locked(deployment.tenant_id, Deployment.objects.filter(pk=deployment.pk)),
        lambda: scenes.acted(cloud, deployment, "delete"),
        cancel,
    )
    assert results == ["ok", "Conflict"]
    operation.refresh_from_db(using="platform")
    assert operation.status == "canceled"
    assert scenes.reloaded(deployment).status == "deleting"


def test_a_condition_on_a_volume_is_looked_at_behind_its_machine(world: World) -> None:
    """The guard of all tests here tells of it where the volume is locked first."""
    machine = paper.deployment(world, TemplateFactory(cluster=ClusterFactory()), guest_uuid="known")
    with tenant_scope(machine.tenant_id), transaction.atomic():
        volume = VolumeFactory(deployment=machine, status="detached")
    answer = client_of(world.people["ops"]).post(
        f"/api/volumes/{volume.pk}/attach",
        data={},
        content_type="application/json",
        headers={"accept": "application/json", "If-Match": "*"},
    )
    assert answer.status_code == 202
