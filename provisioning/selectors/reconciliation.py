"""What a sweep over a cluster needs of our rows, of all tenants, in few questions."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import QuerySet

from integrations.proxmox.interface import GuestConfig
from portal.kernel.tenancy import PLATFORM
from portal.models import Operation
from portal.states import OPEN_STATUSES
from provisioning.logic.reconciliation import Wanted
from provisioning.models import (
    Cluster,
    Deployment,
    GuestObservation,
    Node,
    Template,
    TemplateCopy,
    VmidAllocation,
    Volume,
    VolumeShelf,
)
from provisioning.states import DeploymentStatus, VolumeStatus

GIB: Final = 2**30
_NEEDED: Final = (
    "tenant_id",
    "cluster_id",
    "template_id",
    "template__system_disk",
    "template__default_node",
    "template__proxmox_template_vmid",
    "name",
    "node",
    "vmid",
    "marker",
    "guest_uuid",
    "guest_facts",
    "clone_requested_at",
    "status",
    "health",
    "attention",
    "cpu_cores",
    "memory_mb",
    "disk_gb",
    "ready_at",
    "updated_at",
)
# Reading addresses and installing inside a guest change nothing that a cluster knows of a machine.
_RETIRED_MOST: Final = 500
_HARMLESS: Final = ("pod.refresh", "pod.bootstrap")


def live_deployments(cluster: Cluster) -> QuerySet[Deployment]:
    """All that have, or should have, a machine on the cluster."""
    rows = Deployment.across_tenants.filter(cluster=cluster)
    return rows.exclude(status=DeploymentStatus.DELETED).select_related("template").only(*_NEEDED)


def busy_ids(ids: Collection[UUID]) -> set[UUID]:
    """Those of the deployments or volumes that something is under way on."""
    if not ids:
        return set()
    rows = Operation.across_tenants.filter(target_id__in=ids, status__in=OPEN_STATUSES)
    found = rows.exclude(type__in=_HARMLESS).values_list("target_id", flat=True)
    return {target_id for target_id in found if target_id is not None}


def checked_times(cluster: Cluster) -> dict[int, datetime]:
    """When the configuration of each machine was last compared."""
    rows = GuestObservation.objects.using(PLATFORM).filter(cluster=cluster)
    pairs = rows.values_list("vmid", "checked_at")
    return {vmid: checked_at for vmid, checked_at in pairs if checked_at is not None}


def nodes_out_of_service(cluster: Cluster) -> set[str]:
    """Nodes that people have put into maintenance."""
    rows = Node.objects.using(PLATFORM).filter(cluster=cluster, is_in_maintenance=True)
    return set(rows.values_list("name", flat=True))


def tombstones(cluster: Cluster, ids: Collection[UUID]) -> dict[UUID, Deployment]:
    """Deployments that have ended, by id."""
    rows = Deployment.across_tenants.filter(
        cluster=cluster, pk__in=ids, status=DeploymentStatus.DELETED
    )
    return {row.pk: row for row in rows}


def retired_machines(cluster: Cluster, *, before: datetime) -> list[Deployment]:
    """Machines that have ended and whose numbers nobody else has had since, the newest first."""
    resting = VmidAllocation.objects.using(PLATFORM).filter(
        cluster=cluster, is_blocked=False, quarantined_until__isnull=False
    )
    rows = Deployment.across_tenants.filter(
        cluster=cluster,
        status=DeploymentStatus.DELETED,
        deleted_at__lt=before,
        vmid__in=resting.values("vmid"),
    ).select_related("template")
    newest: dict[int, Deployment] = {}
    for row in rows.order_by("-deleted_at")[:_RETIRED_MOST]:
        newest.setdefault(row.vmid, row)
    return list(newest.values())


def template_vmids(cluster: Cluster) -> set[int]:
    """Numbers of the machines that others are cloned from."""
    first = Template.objects.using(PLATFORM).filter(cluster=cluster)
    further = TemplateCopy.objects.using(PLATFORM).filter(cluster=cluster)
    vmids = first.values_list("proxmox_template_vmid", flat=True)
    return {*vmids, *further.values_list("vmid", flat=True)}


def shelf_vmids(cluster: Cluster) -> set[int]:
    """The number of the machine that keeps the volumes' number: ours, without being a deployment."""
    rows = VolumeShelf.objects.using(PLATFORM).filter(cluster=cluster)
    return set(rows.values_list("vmid", flat=True))


def volumes_misplaced(
    deployment: Deployment, config: GuestConfig, *, before: datetime
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Volumes at rest that are not in the machine, or larger in it than by our row: (expected, found)."""
    rows = Volume.across_tenants.filter(
        deployment_id=deployment.pk,
        status=VolumeStatus.ATTACHED,
        action="",
        attention__isnull=True,
        updated_at__lt=before,
    )
    sizes = {disk.volume: (disk.size_bytes or 0) // GIB for disk in config.disks}
    expected, found = [], []
    for row in rows.order_by("name"):
        size = sizes.get(str(row.proxmox_volume_id))
        if size is None or size > row.size_gb:
            expected.append(f"{row.name} {row.size_gb} GiB")
            found.append(f"{row.name} –" if size is None else f"{row.name} {size} GiB")
    return ({"own_volumes": expected}, {"own_volumes": found}) if expected else ({}, {})


def held_numbers(cluster: Cluster) -> QuerySet[VmidAllocation]:
    """Numbers of deployments that are in use or blocked, so not in quarantine."""
    rows = VmidAllocation.objects.using(PLATFORM).filter(cluster=cluster)
    rows = rows.filter(quarantined_until=None).exclude(vmid__in=shelf_vmids(cluster))
    return rows.order_by("vmid")


def wanted_of(deployment: Deployment) -> Wanted:
    """What the machine is to be like by our row."""
    return Wanted(
        cpu_cores=deployment.cpu_cores,
        memory_mb=deployment.memory_mb,
        disk_gb=deployment.disk_gb,
        system_disk=deployment.template.system_disk,
        facts=deployment.guest_facts,
    )
