"""What is out of service, asked before anything is changed."""

from __future__ import annotations

from portal.kernel.stored_text import stored_text
from provisioning.models import Cluster, Deployment, Node


def cluster_maintenance_of(cluster: Cluster) -> str:
    """Why nothing may be changed on the cluster now, or nothing."""
    if not cluster.is_in_maintenance:
        return ""
    return stored_text(
        "waits for the maintenance of the cluster to end: %(reason)s",
        reason=cluster.maintenance_reason,
    )


def maintenance_of(deployment: Deployment) -> str:
    """Why nothing may be changed on the deployment's machine now: its cluster's or its node's reason, or nothing."""
    if reason := cluster_maintenance_of(deployment.cluster):
        return reason
    of_node = (
        Node.objects.filter(
            cluster_id=deployment.cluster_id, name=deployment.node, is_in_maintenance=True
        )
        .values_list("maintenance_reason", flat=True)
        .first()
    )
    if of_node is None:
        return ""
    return stored_text("waits for the maintenance of its node to end: %(reason)s", reason=of_node)
