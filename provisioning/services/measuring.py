"""Figures of machines and nodes, out of the listing that is read anyway: no call of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from integrations.proxmox.interface import ClusterListing, GuestSummary, NodeSummary, PowerState
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID
from portal.services.settings import setting_get
from provisioning.logic.measures import SubjectKind
from provisioning.logic.measures_settings import INTERVAL
from provisioning.models import Cluster, Deployment, Finding, Node
from provisioning.services.readings import Reading, readings_store
from provisioning.states import STANDING, DeploymentStatus, FindingKind

_WITHOUT = (DeploymentStatus.DELETED, DeploymentStatus.PROVISIONING)


def measures_store(cluster: Cluster, listing: ClusterListing, *, at: datetime) -> int:
    """Keeps what a listing tells of use, once per interval; answers of how many it did.

    What does not run uses nothing that would be worth a point: it is a gap, and so is what is unknown.
    """
    interval_s = int(setting_get(INTERVAL))
    with transaction.atomic(using=PLATFORM):
        if not _is_due(cluster, at, interval_s):
            return 0
        readings = [*_guests(cluster, listing.guests), *_nodes(cluster, listing.nodes)]
        return readings_store(readings, at=at, interval_s=interval_s)


def _is_due(cluster: Cluster, at: datetime, interval_s: int) -> bool:
    """Takes the turn of this interval; listings come a little early or late."""
    slack_s = min(float(settings.PROVISIONING["observe_every_s"]), interval_s) / 2
    last = at - timedelta(seconds=interval_s - slack_s)
    rows = Cluster.objects.using(PLATFORM).filter(pk=cluster.pk)
    is_due = Q(measured_at__isnull=True) | Q(measured_at__lte=last)
    return bool(rows.filter(is_due).update(measured_at=at))


def _guests(cluster: Cluster, guests: Iterable[GuestSummary]) -> Iterator[Reading]:
    strangers = Finding.across_tenants.filter(
        cluster=cluster, kind=FindingKind.FOREIGN, status__in=STANDING
    )
    ours = {
        vmid: (pk, tenant_id, name)
        for vmid, pk, tenant_id, name in Deployment.across_tenants.filter(cluster=cluster)
        .exclude(status__in=_WITHOUT)
        .exclude(vmid__in=strangers.values("vmid"))
        .values_list("vmid", "pk", "tenant_id", "name")
    }
    for guest in guests:
        if guest.vmid not in ours or guest.status != PowerState.RUNNING:
            continue
        pk, tenant_id, name = ours[guest.vmid]
        use = guest.usage
        yield Reading(
            subject_id=pk,
            tenant_id=tenant_id,
            kind=SubjectKind.DEPLOYMENT,
            name=name,
            cluster_id=cluster.pk,
            uptime_s=use.uptime_s,
            cpu=_percent(use.cpu_share),
            cpu_cores=guest.cores,
            memory_used=use.memory_bytes,
            memory_size=guest.memory_bytes,
            disk_used=use.disk_bytes,
            disk_size=guest.disk_bytes,
            disk_read_total=use.disk_read_bytes,
            disk_write_total=use.disk_write_bytes,
            net_in_total=use.net_in_bytes,
            net_out_total=use.net_out_bytes,
        )


def _nodes(cluster: Cluster, nodes: Iterable[NodeSummary]) -> Iterator[Reading]:
    rows = Node.objects.using(PLATFORM).filter(cluster=cluster).values_list("name", "pk")
    known = dict(rows)
    for node in nodes:
        if not node.is_online or node.name not in known:
            continue
        use = node.usage
        yield Reading(
            subject_id=known[node.name],
            tenant_id=PLATFORM_TENANT_ID,
            kind=SubjectKind.NODE,
            name=node.name,
            cluster_id=cluster.pk,
            uptime_s=use.uptime_s,
            cpu=_percent(use.cpu_share),
            cpu_cores=node.cores,
            memory_used=node.memory_used_bytes,
            memory_size=node.memory_total_bytes,
            disk_used=use.disk_bytes,
            disk_size=node.disk_total_bytes,
            net_in_total=use.net_in_bytes,
            net_out_total=use.net_out_bytes,
        )


def _percent(share: float | None) -> float | None:
    return None if share is None else share * 100
