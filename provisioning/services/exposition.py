"""What provisioning tells Prometheus: clusters, and the business in a few sums."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.db import connections

from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.exposition import Gauge
from portal.kernel.tenancy import PLATFORM
from provisioning.selectors.overview import ClusterOverview, cluster_overviews
from provisioning.states import DeploymentStatus, FindingKind

_SUMS: Final = """
  SELECT 'status', status, count(*) FROM provisioning_deployment
    WHERE status <> 'deleted' GROUP BY status
  UNION ALL SELECT 'made', '', count(*) FROM provisioning_deployment
  UNION ALL SELECT 'gone', '', count(*) FROM provisioning_deployment WHERE deleted_at IS NOT NULL
  UNION ALL SELECT 'unwell', health, count(*) FROM provisioning_deployment
    WHERE status <> 'deleted' AND health IN ('degraded', 'failed') GROUP BY health
  UNION ALL SELECT 'tenants', '', count(*) FROM billing_tenant WHERE is_active
  UNION ALL SELECT 'quota', q.dimension, q.used FROM (
    SELECT sum(deployments) AS deployments, sum(cpu_cores) AS cpu_cores,
      sum(memory_mb) AS memory_mb, sum(disk_gb) AS disk_gb FROM billing_quotausage) u,
    LATERAL (VALUES ('deployments', u.deployments), ('cpu_cores', u.cpu_cores),
      ('memory_mb', u.memory_mb), ('disk_gb', u.disk_gb)) AS q (dimension, used)
  UNION ALL SELECT 'finding', kind, count(*) FROM provisioning_finding
    WHERE status = 'open' GROUP BY kind
  UNION ALL SELECT 'backup', CASE status WHEN 'failed' THEN 'failed' ELSE 'made' END, count(*)
    FROM provisioning_backup WHERE ended_at > now() - interval '24 hours' GROUP BY 2
  UNION ALL SELECT 'webhook', status, count(*) FROM provisioning_webhookdelivery
    WHERE status IN ('pending', 'dead') GROUP BY status"""
_WHAT: Final = {
    "cpu_cores": ("uhub_cluster_cpu_cores", "Cores of a cluster."),
    "memory_mb": ("uhub_cluster_memory_megabytes", "Memory of a cluster."),
    "disk_gb": ("uhub_cluster_disk_gigabytes", "Disk of a cluster."),
}


def provisioning_gauges() -> Iterator[Gauge]:
    """One statement beside what is known of the clusters, which is kept for some seconds."""
    yield from _business()
    yield from _clusters(cluster_overviews(actor=Actor.system("metrics")))


def _business() -> Iterator[Gauge]:
    with connections[PLATFORM].cursor() as cursor:
        cursor.execute(_SUMS)
        rows = cursor.fetchall()
    live = [status.value for status in DeploymentStatus if status != DeploymentStatus.DELETED]
    yield _by("uhub_deployments", "Machines by status.", "status", rows, "status", live)
    yield _one("uhub_deployments_created", "Machines ever asked for.", rows, "made", is_total=True)
    yield _one("uhub_deployments_destroyed", "Machines deleted.", rows, "gone", is_total=True)
    health = ["degraded", "failed"]
    yield _by("uhub_deployments_unwell", "Machines by health.", "health", rows, "unwell", health)
    yield _one("uhub_tenants", "Active organisations.", rows, "tenants")
    dimensions = ["deployments", "cpu_cores", "memory_mb", "disk_gb"]
    yield _by("uhub_quota_used", "Quota in use.", "dimension", rows, "quota", dimensions)
    kinds = [kind.value for kind in FindingKind]
    yield _by("uhub_findings_open", "Open findings.", "kind", rows, "finding", kinds)
    outcomes = ["made", "failed"]
    yield _by("uhub_backups_24h", "Backups of 24 hours.", "outcome", rows, "backup", outcomes)
    states = ["pending", "dead"]
    name = "uhub_webhook_deliveries"
    yield _by(name, "Webhook messages not delivered.", "status", rows, "webhook", states)


def _clusters(found: list[ClusterOverview]) -> Iterator[Gauge]:
    label, now = ("cluster",), clock.now()
    codes = [(one.cluster.code,) for one in found]
    up = [(code, float(not one.problem)) for code, one in zip(codes, found, strict=True)]
    yield Gauge("uhub_cluster_reachable", "Whether a cluster can be asked.", label, up)
    ages = [
        ((one.cluster.code,), (now - one.cluster.last_seen_at).total_seconds())
        for one in found
        if one.cluster.last_seen_at is not None
    ]
    yield Gauge("uhub_cluster_listing_age_seconds", "Age of the last listing.", label, ages)
    online = [
        ((one.cluster.code, state), float(count))
        for one in found
        for state, count in (("online", one.nodes_online), ("other", one.nodes - one.nodes_online))
    ]
    yield Gauge("uhub_cluster_nodes", "Nodes by state.", ("cluster", "state"), online)
    for field, (name, text) in _WHAT.items():
        samples = [
            ((one.cluster.code, kind), float(value))
            for one in found
            for kind, value in _share(getattr(one, field))
        ]
        yield Gauge(name, text, ("cluster", "kind"), samples)


def _share(share: Any) -> tuple[tuple[str, int], ...]:
    return ("allocated", share.used), ("capacity", share.capacity)


def _by(name: str, text: str, label: str, rows: list[Any], what: str, values: list[str]) -> Gauge:
    """Every value has a sample, also where nothing is: an absent figure would look like no news."""
    found = {value: float(count or 0) for kind, value, count in rows if kind == what}
    return Gauge(name, text, (label,), [((value,), found.get(value, 0.0)) for value in values])


def _one(name: str, text: str, rows: list[Any], what: str, *, is_total: bool = False) -> Gauge:
    count = next((float(row[2]) for row in rows if row[0] == what), 0.0)
    return Gauge(name, text, (), [((), count)], is_total=is_total)
