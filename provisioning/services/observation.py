"""One listing per cluster and interval: what was seen, and which deployments changed outside uHub.

Seen is not proven: what a listing is worth is decided in `reconciliation`.
"""

from __future__ import annotations

from uuid import UUID

import structlog
from django.db import transaction

from audit.logic.event_records import SYSTEM
from integrations.base.errors import ProviderError
from integrations.services.hypervisors import hypervisor_for
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.queue import Advance, StepContext, StepResult
from portal.kernel.stored_text import translated
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID, tenant_scope
from portal.models import Operation
from portal.services.operations import operation_enqueue
from portal.states import OPEN_STATUSES
from provisioning.models import Cluster
from provisioning.services.alerting import alerts_tell
from provisioning.services.clusters import cluster_connection
from provisioning.services.listing import hosts_store, listing_store
from provisioning.services.measuring import measures_store
from provisioning.services.operations import OperationType
from provisioning.services.reconciliation import sweep
from provisioning.services.saga.tasks import step_error

_system = structlog.get_logger(SYSTEM)


def observation_schedule() -> None:
    """Asks for one listing of every active cluster; one that is still being listed is left out."""
    actor = Actor.system("observation", tenant_id=PLATFORM_TENANT_ID)
    active = Cluster.objects.using(PLATFORM).filter(is_active=True)
    for cluster_id in list(active.values_list("pk", flat=True)):
        with tenant_scope(PLATFORM_TENANT_ID), transaction.atomic():
            under_way = Operation.objects.filter(
                target_id=cluster_id, type=OperationType.OBSERVE, status__in=OPEN_STATUSES
            )
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
        return Advance(cluster_look(cluster))
    except ProviderError as error:
        raise step_error(error) from error


def cluster_look(cluster: Cluster) -> str:
    """Lists a cluster now and stores what was seen; answers what there is to say about it.

    Raises:
        ProviderError: it cannot be listed, which is noted on the cluster.
    """
    asked_at = clock.now()
    try:
        hypervisor = hypervisor_for(cluster_connection(cluster))
        hosts_store(cluster, hypervisor.hosts())
        listing = hypervisor.listing()
    except ProviderError as error:
        _error_store(cluster, error.message)
        raise
    report = sweep(cluster, listing, hypervisor, asked_at=asked_at)
    if report.doubt:
        _error_store(cluster, report.doubt)
        return report.doubt
    listing_store(cluster, listing)
    if cluster.last_error:
        _system.info("cluster.back", cluster=cluster.code)
    if measures_store(cluster, listing, at=asked_at):
        alerts_tell()
    return f"{len(listing.guests)} machines"


def _error_store(cluster: Cluster, message: str) -> None:
    """Told once per outage, not with every look."""
    if not cluster.last_error:
        _system.warning("cluster.unreachable", cluster=cluster.code, error=translated(message))
    Cluster.objects.using(PLATFORM).filter(pk=cluster.pk).update(last_error=message[:500])
