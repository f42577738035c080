"""VMIDs of our own range: allocated under a row lock and a unique constraint, quarantined after release."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from portal.kernel import clock
from provisioning.errors import NoVmidLeft
from provisioning.models import Cluster, VmidAllocation

QUARANTINE = timedelta(days=7)


@transaction.atomic
def vmid_allocate(*, cluster_id: UUID, deployment_id: UUID) -> int:
    """The next VMID of the cluster's range that is neither in use nor in quarantine.

    The counter only moves forward and wraps at the end, so a released number comes back as late as
    possible. Raises NoVmidLeft.
    """
    cluster = Cluster.objects.select_for_update(of=("self",), no_key=True).get(pk=cluster_id)
    VmidAllocation.objects.filter(cluster=cluster, quarantined_until__lte=clock.now()).delete()
    vmid = _next_free(cluster, cluster.vmid_next, cluster.vmid_last)
    if vmid is None:
        vmid = _next_free(cluster, cluster.vmid_first, cluster.vmid_next - 1)
    if vmid is None:
        raise NoVmidLeft
    VmidAllocation.objects.create(cluster=cluster, vmid=vmid, deployment_id=deployment_id)
    following = vmid + 1 if vmid < cluster.vmid_last else cluster.vmid_first
    Cluster.objects.filter(pk=cluster.pk).update(vmid_next=following)
    return vmid


@transaction.atomic
def vmid_block(*, cluster_id: UUID, vmid: int) -> None:
    """A stranger sits on one of our numbers: never hand it out, never touch it."""
    VmidAllocation.objects.filter(cluster_id=cluster_id, vmid=vmid).update(
        is_blocked=True, deployment_id=None, updated_at=clock.now()
    )


@transaction.atomic
def vmid_release(
    *, cluster_id: UUID, vmid: int, deployment_id: UUID, until: datetime | None = None
) -> None:
    """Puts the number in quarantine: a late call for the old machine must not meet a new one."""
    usual = clock.now() + QUARANTINE
    VmidAllocation.objects.filter(
        Q(deployment_id=deployment_id), cluster_id=cluster_id, vmid=vmid
    ).update(quarantined_until=max(usual, until or usual), updated_at=clock.now())


def _next_free(cluster: Cluster, first: int, last: int) -> int | None:
    """The lowest number in [first, last] without an allocation row."""
    taken = VmidAllocation.objects.filter(cluster=cluster, vmid__range=(first, last))
    expected = first
    for vmid in taken.order_by("vmid").values_list("vmid", flat=True).iterator():
        if vmid != expected:
            break
        expected += 1
    return expected if expected <= last else None
