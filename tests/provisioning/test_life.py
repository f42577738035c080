"""The whole life of a deployment on the real simulator."""

from __future__ import annotations

from django.db import transaction

from billing.logic.quota import Amounts
from billing.selectors.quotas import quota_recomputed, quota_used
from portal.kernel.tenancy import tenant_scope
from provisioning.logic.requests import DeploymentRequest
from provisioning.models import Deployment
from provisioning.services import creation, lifecycle
from tests.conftest import Cloud
from tests.engine import run_until_idle


def create(cloud: Cloud, name: str = "web-1", **fields: object) -> Deployment:
    world = cloud.world
    actor = world.actor("support")
    with tenant_scope(world.north.pk):
        deployment, _ = creation.deployment_create(
            actor=actor,
            tenant_id=world.north.pk,
            owner_id=actor.user_id,
            request=DeploymentRequest(template="linux-utility", name=name, **fields),
        )
    return deployment


def reload(deployment: Deployment) -> Deployment:
    return Deployment.across_tenants.get(pk=deployment.pk)


def test_a_deployment_lives_from_template_to_tombstone(cloud: Cloud) -> None:
    deployment = create(cloud, cpu_cores=2, memory_mb=3072, disk_gb=25)
    run_until_idle()
    row = reload(deployment)
    assert (row.status, row.attention) == ("running", None)
    vm = cloud.simulator.vm(row.vmid)
    assert vm is not None
    assert vm["status"] == "running"
    assert vm["uuid"] == row.guest_uuid
    assert int(vm["config"]["memory"]) == 3072
    assert row.ip_addresses != []

    actor = cloud.world.actor("support")
    with tenant_scope(cloud.world.north.pk):
        lifecycle.deployment_stop(actor=actor, deployment_id=row.pk)
    run_until_idle()
    assert reload(row).status == "stopped"

    with tenant_scope(cloud.world.north.pk):
        lifecycle.deployment_start(actor=actor, deployment_id=row.pk)
    run_until_idle()
    assert reload(row).status == "running"

    with tenant_scope(cloud.world.north.pk):
        lifecycle.deployment_delete(actor=actor, deployment_id=row.pk)
    run_until_idle()
    assert reload(row).status == "deleted"
    assert cloud.simulator.vm(row.vmid) is None
    with tenant_scope(cloud.world.north.pk), transaction.atomic():
        assert quota_used(cloud.world.north.pk) == Amounts()
        assert quota_recomputed(cloud.world.north.pk) == Amounts()
