"""What one listing of a cluster tells, stored: machines, nodes, storages, and which API hosts answer.

A shared storage is listed once per node; it becomes one row. What is not listed any more is kept and
called unknown, since people may have said something about it (maintenance, limits).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from integrations.proxmox.interface import (
    ClusterListing,
    GuestSummary,
    HostReport,
    NodeSummary,
    StorageSummary,
)
from portal.kernel import clock
from portal.kernel.tenancy import PLATFORM
from provisioning.models import ApiHost, Cluster, GuestObservation, Node, NodeState, Storage

_GIB, _MIB = 1024**3, 1024**2
_FIGURE_MAX = 2_147_483_647


def listing_store(cluster: Cluster, listing: ClusterListing) -> None:
    """Replaces what is remembered of the cluster by this listing, in a few statements of its own."""
    now = clock.now()
    with transaction.atomic(using=PLATFORM):
        _guests_store(cluster, listing.guests, now)
        _nodes_store(cluster, listing.nodes, now)
        _storages_store(cluster, listing.storages, now)
        Cluster.objects.using(PLATFORM).filter(pk=cluster.pk).update(
            last_seen_at=now, last_error=""
        )


def hosts_store(cluster: Cluster, reports: Iterable[HostReport]) -> None:
    """Remembers which API hosts answer and since when it is so."""
    now = clock.now()
    with transaction.atomic(using=PLATFORM):
        known = {
            row.address: row for row in ApiHost.objects.using(PLATFORM).filter(cluster=cluster)
        }
        rows = [_host(cluster, known.get(report.address), report, now) for report in reports]
        ApiHost.objects.using(PLATFORM).bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["cluster", "address"],
            update_fields=[
                *("is_reachable", "last_error", "latency_ms"),
                *("changed_at", "asked_at", "updated_at"),
            ],
        )
        gone = set(known) - {row.address for row in rows}
        ApiHost.objects.using(PLATFORM).filter(cluster=cluster, address__in=gone).delete()


def _host(cluster: Cluster, known: ApiHost | None, report: HostReport, now: datetime) -> ApiHost:
    is_same = known is not None and known.is_reachable == report.is_reachable
    message = report.message or (known.last_error if known and not report.is_reachable else "")
    return ApiHost(
        cluster=cluster,
        address=report.address,
        is_reachable=report.is_reachable,
        last_error="" if report.is_reachable else message[:500],
        latency_ms=report.latency_ms,
        changed_at=known.changed_at if known and is_same else now,
        asked_at=now,
    )


def _guests_store(cluster: Cluster, guests: Iterable[GuestSummary], now: datetime) -> None:
    rows = [
        GuestObservation(
            cluster=cluster,
            vmid=guest.vmid,
            node=guest.node[:63],
            name=(guest.name or "")[:255],
            power=str(guest.status),
            lock=(guest.lock or "")[:30],
            is_template=guest.is_template,
            cpu_cores=_figure(guest.cores),
            memory_mb=_figure(guest.memory_bytes, _MIB),
            disk_gb=_figure(guest.disk_bytes, _GIB),
            observed_at=now,
        )
        for guest in guests
    ]
    GuestObservation.objects.using(PLATFORM).bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["cluster", "vmid"],
        update_fields=[
            *("node", "name", "power", "lock", "is_template", "cpu_cores", "memory_mb", "disk_gb"),
            *("observed_at", "updated_at"),
        ],
    )
    GuestObservation.objects.using(PLATFORM).filter(cluster=cluster, observed_at__lt=now).delete()


def _nodes_store(cluster: Cluster, nodes: Iterable[NodeSummary], now: datetime) -> None:
    """A node that is down reports no sizes: those it had are kept."""
    known = {row.name: row for row in Node.objects.using(PLATFORM).filter(cluster=cluster)}
    rows = []
    for node in nodes:
        row = known.get(node.name) or Node(cluster=cluster, name=node.name[:63])
        row.state = _STATES[node.is_online]
        row.cpu_cores = _figure(node.cores) or row.cpu_cores
        row.memory_mb = _figure(node.memory_total_bytes, _MIB) or row.memory_mb
        row.seen_at, row.updated_at = now, now
        rows.append(row)
    Node.objects.using(PLATFORM).bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["cluster", "name"],
        update_fields=["state", "cpu_cores", "memory_mb", "seen_at", "updated_at"],
    )
    unlisted = Node.objects.using(PLATFORM).filter(cluster=cluster).exclude(seen_at=now)
    unlisted.update(state=NodeState.UNKNOWN)


def _storages_store(cluster: Cluster, listed: Iterable[StorageSummary], now: datetime) -> None:
    nodes = {row.name: row for row in Node.objects.using(PLATFORM).filter(cluster=cluster)}
    known = {
        (row.name, row.node_id): row
        for row in Storage.objects.using(PLATFORM).filter(cluster=cluster)
    }
    rows: dict[tuple[str, object], Storage] = {}
    for storage in listed:
        node = None if storage.is_shared else nodes.get(storage.node)
        key = (storage.name[:60], node.pk if node else None)
        row = rows.get(key)
        if row is None:
            row = rows[key] = known.get(key) or Storage(cluster=cluster, name=key[0], node=node)
            row.node_names, row.is_active, row.is_shared = [], False, storage.is_shared
            row.seen_at, row.updated_at = now, now
        _storage_fill(row, storage)
    Storage.objects.using(PLATFORM).bulk_create(
        rows.values(),
        update_conflicts=True,
        unique_fields=["cluster", "name", "node"],
        update_fields=[
            *("node_names", "is_shared", "is_active", "total_gb", "used_gb"),
            *("seen_at", "updated_at"),
        ],
    )
    unlisted = Storage.objects.using(PLATFORM).filter(cluster=cluster).exclude(seen_at=now)
    unlisted.update(is_active=False)


def _storage_fill(row: Storage, seen: StorageSummary) -> None:
    if not seen.is_active:
        return
    row.is_active = True
    row.node_names = [*row.node_names, seen.node]
    if seen.total_bytes is not None and seen.available_bytes is not None:
        row.total_gb = _figure(seen.total_bytes, _GIB)
        row.used_gb = _figure(seen.total_bytes - seen.available_bytes, _GIB)


def _figure(value: int | None, unit: int = 1) -> int | None:
    return None if value is None else min(max(0, value // unit), _FIGURE_MAX)


_STATES = {True: NodeState.ONLINE, False: NodeState.OFFLINE, None: NodeState.UNKNOWN}
