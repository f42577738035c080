"""The shelf: a machine that never runs and whose number all additional disks of a cluster bear.

It keeps the number: while it exists nobody can make a machine that would own, and take along, our disks.
"""

from __future__ import annotations

import secrets
from typing import Final
from uuid import UUID

from django.db import transaction

from integrations.base.errors import AccessRefused
from integrations.proxmox.errors import NodeUnreachable, VmidTaken
from integrations.proxmox.interface import TaskRef
from integrations.proxmox.mapping import marker_build
from portal.kernel import clock
from portal.kernel.models import uuid7
from portal.kernel.queue import Poll, StepContext, StepNeedsOperator
from portal.kernel.stored_text import stored_text
from provisioning.logic.reconciliation import guest_tags
from provisioning.models import Cluster, ShelfPurpose, Volume, VolumeShelf
from provisioning.services.saga.disk import Disk
from provisioning.services.saga.tasks import poll, task_run
from provisioning.services.vmids import vmid_allocate, vmid_block

_MAKING_LOCK: Final = "create"


@transaction.atomic
def shelf_take(cluster_id: UUID, *, node: str) -> VolumeShelf:
    """The cluster's shelf; the first volume reserves a number for it. Raises NoVmidLeft."""
    cluster = Cluster.objects.select_for_update(of=("self",), no_key=True).get(pk=cluster_id)
    shelf = VolumeShelf.objects.filter(cluster=cluster, purpose=ShelfPurpose.SHELF).first()
    if shelf is not None:
        return shelf
    shelf_id = uuid7()
    return VolumeShelf.objects.create(
        id=shelf_id,
        cluster=cluster,
        node=node,
        vmid=vmid_allocate(cluster_id=cluster.pk, deployment_id=shelf_id),
        marker=marker_build(str(shelf_id), secrets.token_hex(8)),
    )


def shelf_ensure(ctx: StepContext, disk: Disk) -> Poll | None:
    """Makes sure that the shelf's number is ours on the cluster; None once that is proven.

    Raises:
        StepNeedsOperator: a machine that is not ours has the number of disks that exist.
    """
    shelf = VolumeShelf.objects.get(cluster_id=disk.volume.cluster_id, purpose=ShelfPurpose.SHELF)
    if disk.volume.owner_vmid != shelf.vmid and disk.volume.stored_at is None:
        _follow(disk.volume, shelf.vmid)
    return guard_ensure(ctx, disk, shelf)


def guard_ensure(ctx: StepContext, disk: Disk, shelf: VolumeShelf) -> Poll | None:
    """Makes sure that a machine that never runs is there and ours; None once that is proven.

    Raises StepNeedsOperator.
    """
    try:
        if "shelf" in ctx.state:
            return task_run(ctx, disk, "shelf", lambda: _submit(disk, shelf)) or poll()
        node = disk.hypervisor.guest_find(shelf.vmid)
        if node is None:
            return task_run(ctx, disk, "shelf", lambda: _submit(disk, shelf)) or poll()
    except VmidTaken:
        # Another volume's operation, or a stranger: the next look tells.
        ctx.state.pop("shelf", None)
        return poll("shelf")
    except AccessRefused:
        return _elsewhere(disk, shelf)
    return _look(disk, shelf, node)


def _look(disk: Disk, shelf: VolumeShelf, node: str) -> Poll | None:
    try:
        config = disk.hypervisor.guest_config(node, shelf.vmid)
    except NodeUnreachable:
        if shelf.is_made:
            return None
        raise
    if config.lock == _MAKING_LOCK and config.marker is None:
        return poll("shelf")
    if config.marker != shelf.marker:
        return _elsewhere(disk, shelf)
    is_moved = shelf.node != node and shelf.purpose == ShelfPurpose.SHELF
    if not shelf.is_made or is_moved:
        values = {"node": node} if is_moved else {}
        VolumeShelf.objects.filter(pk=shelf.pk).update(
            is_made=True, updated_at=clock.now(), **values
        )
    return None


def _submit(disk: Disk, shelf: VolumeShelf) -> TaskRef:
    return disk.hypervisor.shelf_make_submit(
        node=disk.node if shelf.purpose == ShelfPurpose.SHELF else shelf.node,
        vmid=shelf.vmid,
        name=f"uhub-{shelf.purpose}",
        marker=shelf.marker,
        tags=guest_tags(shelf.pk, ()),
        pool=disk.volume.cluster.pool or None,
        is_protected=shelf.purpose == ShelfPurpose.SHELF,
    )


def guard_foreign(disk: Disk, shelf: VolumeShelf) -> StepNeedsOperator:
    """Another machine has the number that was ours: the error to raise."""
    text = (
        stored_text(
            "Machine %(vmid)s on %(cluster)s, whose number all volumes bear, is not uHub's any "
            "more. Nothing was changed. An operator must find out whose it is.",
            vmid=shelf.vmid,
            cluster=disk.volume.cluster.code,
        )
        if shelf.purpose == ShelfPurpose.SHELF
        else stored_text(
            "Machine %(vmid)s on %(cluster)s, in which detached volumes grow, is not uHub's any "
            "more. Nothing was changed. An operator must find out whose it is.",
            vmid=shelf.vmid,
            cluster=disk.volume.cluster.code,
        )
    )
    return StepNeedsOperator(text, code="shelf_foreign", command=f"qm config {shelf.vmid}")


@transaction.atomic
def _elsewhere(disk: Disk, shelf: VolumeShelf) -> Poll:
    """A stranger has the number: before the first disk another is taken, later only a person can help."""
    if shelf.is_made:
        raise guard_foreign(disk, shelf)
    row = VolumeShelf.objects.select_for_update(of=("self",)).get(pk=shelf.pk)
    if row.vmid == shelf.vmid:
        vmid = vmid_allocate(cluster_id=row.cluster_id, deployment_id=row.pk)
        vmid_block(cluster_id=row.cluster_id, vmid=row.vmid)
        VolumeShelf.objects.filter(pk=row.pk).update(vmid=vmid, updated_at=clock.now())
    return Poll(0.0, stored_text("VMID %(vmid)s was taken", vmid=shelf.vmid))


@transaction.atomic
def _follow(volume: Volume, vmid: int) -> None:
    """The shelf has got another number before this volume's disk was made."""
    Volume.objects.filter(pk=volume.pk, stored_at=None).update(
        owner_vmid=vmid, updated_at=clock.now()
    )
    volume.owner_vmid = vmid
