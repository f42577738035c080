"""How a cluster is reached."""

from __future__ import annotations

from integrations.services.hypervisors import ClusterConnection
from provisioning.models import Cluster


def cluster_connection(cluster: Cluster) -> ClusterConnection:
    """What the provider needs to know of a cluster; the token stays a reference."""
    return ClusterConnection(
        code=cluster.code,
        hosts=tuple(cluster.hosts),
        port=cluster.port,
        token_id=cluster.token_id,
        token_ref=cluster.token_ref,
        ca_pem=cluster.ca_pem,
        fingerprints=tuple(cluster.fingerprints),
    )
