"""The bench: a machine that owns nothing and never runs, into which a detached disk is plugged to grow.

Sizes are changed through a drive. The shelf is no place for that: what is taken out of the machine whose
number a disk bears stays in its configuration. A bench has a number of its own, so a disk leaves no trace.
"""

from __future__ import annotations

import secrets
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from integrations.proxmox.errors import GuestAbsent
from integrations.proxmox.interface import Drive, GuestConfig, TaskRef
from integrations.proxmox.mapping import marker_build
from portal.kernel.models import uuid7
from portal.kernel.queue import Advance, Poll, StepContext, StepResult, StepRetry
from portal.kernel.stored_text import stored_text
from provisioning.errors import WrongState
from provisioning.logic.volumes import slot_free
from provisioning.models import Cluster, ShelfPurpose, Volume, VolumeShelf
from provisioning.services.saga.disk import (
    GIB,
    Disk,
    disk_demand,
    drive_give,
    reaching_nodes,
    remember,
    unplugged_demand,
    volume_step,
)
from provisioning.services.saga.shelf import guard_ensure, guard_foreign
from provisioning.services.saga.tasks import poll, task_run
from provisioning.services.saga.volume_outcome import volume_grown
from provisioning.services.vmids import vmid_allocate
from provisioning.states import VolumeStatus

_BENCH: Final = ShelfPurpose.BENCH


@transaction.atomic
def bench_take(volume: Volume) -> VolumeShelf:
    """The bench it is in, or one on a node that reaches it; the first growth there reserves a number.

    Raises:
        WrongState: no node that is up reaches the disk.
        NoVmidLeft.
    """
    if volume.bench_id is not None:
        return VolumeShelf.objects.get(pk=volume.bench_id)
    nodes = reaching_nodes(volume)
    if not nodes:
        message = _("No node that is up reaches storage %(storage)s now. Try again later.")
        raise WrongState(message % {"storage": volume.storage_pool})
    cluster = Cluster.objects.select_for_update(of=("self",), no_key=True).get(pk=volume.cluster_id)
    known = VolumeShelf.objects.filter(cluster=cluster, purpose=_BENCH, node__in=nodes)
    bench = known.order_by("-is_made", "node").first()
    if bench is not None:
        return bench
    bench_id = uuid7()
    return VolumeShelf.objects.create(
        id=bench_id,
        cluster=cluster,
        purpose=_BENCH,
        node=nodes[0],
        vmid=vmid_allocate(cluster_id=cluster.pk, deployment_id=bench_id),
        marker=marker_build(str(bench_id), secrets.token_hex(8)),
    )


@volume_step
def plug(ctx: StepContext, disk: Disk) -> StepResult:
    """Puts a detached disk into the bench; an attached one grows where it is."""
    volume = disk.volume
    if volume.status != VolumeStatus.DETACHED or "bench_id" not in ctx.payload:
        return Advance()
    bench = _bench(UUID(str(ctx.payload["bench_id"])))
    if "plug" not in ctx.state and (waiting := guard_ensure(ctx, disk, bench)):
        return waiting
    config, held, drives = _look(disk, bench)
    if "plug" not in ctx.state:
        if held:
            return Advance(held[0].key)
        unplugged_demand(ctx, disk, "plug")

    def submit() -> TaskRef | None:
        key = slot_free([drive.key for drive in drives])
        if key is None:
            raise StepRetry(stored_text("Too many disks grow at once."), code="no_slot")
        remember(volume, bench=bench)
        return drive_give(disk, config, key)

    return task_run(ctx, disk, "plug", submit) or poll()


def bench_grow(ctx: StepContext, disk: Disk) -> StepResult:
    """Grows a disk that sits in the bench; the size is absolute, so twice is once."""
    volume = disk.volume
    assert volume.bench_id is not None
    bench = _bench(volume.bench_id)
    config, held, _drives = _look(disk, bench)
    if not held:
        raise StepRetry(stored_text("The disk is not in its drive."), code="disk_unseen")
    wanted = int(volume.wanted_gb or 0)
    if "grow" not in ctx.state and (held[0].size_bytes or 0) // GIB >= wanted:
        return Advance(stored_text("%(size)s GiB", size=wanted))

    def submit() -> TaskRef | None:
        ctx.state["asked"] = True
        ctx.save()
        return disk.hypervisor.resize_submit(
            node=config.node,
            vmid=bench.vmid,
            disk=held[0].key,
            size_gb=wanted,
            digest=config.digest,
        )

    return task_run(ctx, disk, "grow", submit) or poll()


@volume_step
def unplug(ctx: StepContext, disk: Disk) -> StepResult:
    """Takes the disk out of the bench again and believes the storage about its size."""
    volume = disk.volume
    if volume.action != "resize":
        return Advance()
    if waiting := bench_clear(ctx, disk):
        return waiting
    size_gb = disk_demand(disk).size_bytes // GIB
    volume_grown(volume, max(size_gb, volume.size_gb), actor=ctx.actor)
    return Advance(stored_text("%(size)s GiB", size=size_gb))


def bench_clear(ctx: StepContext, disk: Disk) -> Poll | None:
    """Takes the disk out of the bench it may be in; None once it is proven to be in none."""
    volume = disk.volume
    if volume.bench_id is None:
        return None
    bench = _bench(volume.bench_id)
    try:
        config, held, _drives = _look(disk, bench)
    except GuestAbsent:
        if disk.hypervisor.guest_find(bench.vmid) is not None:
            raise
        remember(volume, bench=None)
        return None
    if not held and "unplug" not in ctx.state:
        remember(volume, bench=None)
        return None
    keys = tuple(drive.key for drive in held)
    waiting = task_run(
        ctx,
        disk,
        "unplug",
        lambda: disk.hypervisor.drive_detach_submit(
            node=config.node, vmid=bench.vmid, keys=keys, digest=config.digest
        ),
    )
    return waiting or poll()


def _bench(bench_id: UUID) -> VolumeShelf:
    with transaction.atomic():
        return VolumeShelf.objects.get(pk=bench_id)


def _look(disk: Disk, bench: VolumeShelf) -> tuple[GuestConfig, list[Drive], tuple[Drive, ...]]:
    """The proven bench, the drives of it that hold our disk, and all of its drives.

    Raises StepNeedsOperator when another machine has its number, and what the provider raises.
    """
    try:
        config = disk.hypervisor.guest_config(bench.node, bench.vmid)
    except GuestAbsent:
        node = disk.hypervisor.guest_find(bench.vmid)
        if node is None:
            raise
        config = disk.hypervisor.guest_config(node, bench.vmid)
    if config.marker != bench.marker:
        raise guard_foreign(disk, bench)
    drives = disk.hypervisor.drives(config.node, bench.vmid)
    name = disk.volume.proxmox_volume_id
    return config, [drive for drive in drives if name and drive.volume == name], drives
