"""How many clusters can be asked at present."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Min, Q

from provisioning.models import Cluster
from provisioning.selectors.capacity import cluster_problem


@dataclass(frozen=True, slots=True)
class Reachability:
    """Clusters in use, those without a problem, and the slowest cluster's fastest host."""

    total: int
    reachable: int
    latency_ms: int | None


def reachability() -> Reachability:
    """Read from the stored listings in one question; no cluster is asked."""
    fastest = Min("api_hosts__latency_ms", filter=Q(api_hosts__is_reachable=True))
    clusters = list(Cluster.objects.filter(is_active=True).annotate(fastest_ms=fastest))
    well = [cluster for cluster in clusters if not cluster_problem(cluster)]
    answers = [cluster.fastest_ms for cluster in well if cluster.fastest_ms is not None]
    return Reachability(len(clusters), len(well), max(answers, default=None))
