"""Short scripts over services that several tests play."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from billing.logic.quota import DIMENSIONS, Amounts
from billing.selectors.quotas import quota_recomputed, quota_used
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from portal.services.sweeps import sweep
from provisioning.logic.requests import DeploymentRequest
from provisioning.models import Deployment
from provisioning.services import creation, lifecycle
from tests.conftest import Cloud, World
from tests.engine import leases_end, run_until_idle

# The verbs of a life, in their order: the call that carries one out, and the task it starts.
VERBS = ("create", "stop", "start", "resize", "delete")
CALLS = {
    "create": {"method": "POST", "path": "/clone$"},
    "stop": {"method": "POST", "path": "/status/stop$"},
    "start": {"method": "POST", "path": "/status/start$"},
    "resize": {"method": "PUT", "path": "/resize$"},
    "delete": {"method": "DELETE", "path": "/qemu/[0-9]+$"},
}
TASKS = {
    "create": "qmclone",
    "stop": "qmstop",
    "start": "qmstart",
    "resize": "resize",
    "delete": "qmdestroy",
}


def requested(
    cloud: Cloud, name: str = "web-1", *, role: str = "support", **fields: Any
) -> Deployment:
    """Asks for a deployment in `north` and answers its row; no worker has seen it yet."""
    world, actor = cloud.world, cloud.world.actor(role)
    with tenant_scope(world.north.pk):
        deployment, _ = creation.deployment_create(
            actor=actor,
            tenant_id=world.north.pk,
            owner_id=actor.user_id,
            request=DeploymentRequest(template="linux-utility", name=name, **fields),
        )
    return deployment


def running(cloud: Cloud, name: str = "web-1", **fields: Any) -> Deployment:
    """A deployment that was provisioned."""
    deployment = requested(cloud, name, **fields)
    run_until_idle()
    row = reloaded(deployment)
    assert (row.status, row.attention) == ("running", None)
    return row


def acted(cloud: Cloud, deployment: Deployment, verb: str, **more: Any) -> None:
    """Plays start, stop, restart, resize or delete as the ops person."""
    with tenant_scope(deployment.tenant_id):
        action = getattr(lifecycle, f"deployment_{verb}")
        action(actor=cloud.world.actor("ops"), deployment_id=deployment.pk, **more)


def reloaded(deployment: Deployment) -> Deployment:
    return Deployment.across_tenants.get(pk=deployment.pk)


def last_operation(deployment: Deployment) -> Operation:
    return (
        Operation.across_tenants.filter(target_id=deployment.pk)
        .exclude(type="pod.refresh")
        .latest("pk")
    )


def leases_expire() -> None:
    """What a minute of silence after a killed worker does, at once."""
    leases_end()
    sweep()


def quota_is_true(world: World) -> bool:
    """Whether the counters equal the sum of what is held, and that what the live deployments are."""
    with tenant_scope(world.north.pk), transaction.atomic():
        live = [row.amounts for row in Deployment.objects.exclude(status="deleted")]
        total = Amounts(**{name: sum(one.of(name) for one in live) for name in DIMENSIONS})
        return quota_used(world.north.pk) == quota_recomputed(world.north.pk) == total
