"""One listing per cluster and interval: what was seen, and which deployments changed outside uHub.

Seen is not proven: only a running or stopped state of a guest we know is taken over, absence never is.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from audit.services import trail
from integrations.base.errors import ProviderError
from integrations.proxmox.interface import GuestSummary, PowerState
from integrations.services.hypervisors import hypervisor_for
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.fsm import transition
from portal.kernel.queue import Advance, StepContext, StepResult
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID, tenant_scope
from portal.models import Operation
from portal.services.operations import operation_enqueue
from portal.states import OPEN_STATUSES
from provisioning.models import Cluster, Deployment
from provisioning.services.clusters import cluster_connection
from provisioning.services.listing import hosts_store, listing_store
from provisioning.services.operations import OperationType
from provisioning.services.saga.tasks import step_error
from provisioning.states import DEPLOYMENT_TRANSITIONS, DeploymentStatus
from provisioning.tags import Tag

log = structlog.get_logger(__name__)
_SETTLED = (DeploymentStatus.RUNNING, DeploymentStatus.STOPPED)


def observation_schedule() -> None:
    """Asks for one listing of every active cluster; one that is still being listed is left out."""
    actor = Actor.system("observation", tenant_id=PLATFORM_TENANT_ID)
    active = Cluster.objects.using(PLATFORM).filter(is_active=True)
    for cluster_id in list(active.values_list("pk", flat=True)):
        with tenant_scope(PLATFORM_TENANT_ID), transaction.atomic():
            under_way = Operation.objects.filter(target_id=cluster_id, status__in=OPEN_STATUSES)
            if under_way.exists():
                continue
            operation_enqueue(
                actor=actor,
                type=OperationType.OBSERVE,
                tenant_id=PLATFORM_TENANT_ID,
                target_type="cluster",
                target_id=cluster_id,
                payload={"cluster_id": str(cluster_id)},
                concurrency_key=f"observe:{cluster_id}",
            )


def observe(ctx: StepContext) -> StepResult:
    """Lists a cluster once and stores what was seen."""
    cluster = Cluster.objects.using(PLATFORM).get(pk=UUID(str(ctx.payload["cluster_id"])))
    try:
        hypervisor = hypervisor_for(cluster_connection(cluster))
        hosts_store(cluster, hypervisor.hosts())
        listing = hypervisor.listing()
    except ProviderError as error:
        Cluster.objects.using(PLATFORM).filter(pk=cluster.pk).update(last_error=error.message[:500])
        raise step_error(error) from error
    listing_store(cluster, listing)
    _deployments_follow(cluster, {guest.vmid: guest for guest in listing.guests})
    return Advance(f"{len(listing.guests)} machines")


def _deployments_follow(cluster: Cluster, guests: dict[int, GuestSummary]) -> None:
    settle_s = float(settings.PROVISIONING["observe_settle_s"])
    candidates = Deployment.across_tenants.filter(
        cluster=cluster,
        status__in=_SETTLED,
        updated_at__lt=clock.now() - timedelta(seconds=settle_s),
    )
    for deployment in candidates.only("pk", "tenant_id", "vmid", "status"):
        seen = guests.get(deployment.vmid)
        if seen is None or seen.status is PowerState.UNKNOWN or seen.lock:
            continue
        if str(seen.status) != deployment.status:
            _follow(deployment, DeploymentStatus(str(seen.status)))


def _follow(deployment: Deployment, to: DeploymentStatus) -> None:
    with tenant_scope(deployment.tenant_id), transaction.atomic():
        row = Deployment.objects.select_for_update(of=("self",)).get(pk=deployment.pk)
        if row.status != deployment.status:
            return
        before = row.status
        transition(row, table=DEPLOYMENT_TRANSITIONS, to=to)
        trail.record(
            tag=Tag.OBSERVED,
            target=row,
            actor=Actor.system("observation", tenant_id=row.tenant_id),
            before={"status": before},
            after={"status": str(to)},
        )
