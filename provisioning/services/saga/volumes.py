"""Additional disks, step by step: made by name, plugged in, grown, let go, freed. Every step may run twice.

Each step looks before it asks: a call whose answer was lost is settled by what the storage and the machine
show, never by asking again.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from integrations.proxmox.interface import Drive, DriveState, GuestConfig, TaskRef
from portal.kernel import clock
from portal.kernel.queue import (
    Advance,
    Complete,
    StepContext,
    StepFailed,
    StepResult,
    StepRetry,
)
from portal.kernel.stored_text import stored_text
from provisioning.logic.volumes import FILE_STORAGES, VolumeTag, disk_name, slot_free
from provisioning.models import Volume
from provisioning.services.saga.bench import bench_clear, bench_grow
from provisioning.services.saga.disk import (
    GIB,
    Disk,
    disk_stored,
    drive_give,
    drives_holding,
    remember,
    unplugged_demand,
    volume_step,
)
from provisioning.services.saga.guest import Guest, guest_inspect, guest_prove
from provisioning.services.saga.shelf import shelf_ensure
from provisioning.services.saga.tasks import guest_step, poll, task_run
from provisioning.services.saga.volume_outcome import (
    PLUG_WAITS,
    UNPLUG_WAITS,
    restart_waiters,
    volume_grown,
    volume_released,
    volume_settle,
)
from provisioning.states import DeploymentStatus, VolumeStatus

_S = VolumeStatus
_ENDING = frozenset({DeploymentStatus.DELETING, DeploymentStatus.DELETED})
_LEAVING = frozenset({_S.DELETING, _S.DELETED})


@volume_step
def allocate(ctx: StepContext, disk: Disk) -> StepResult:
    """Makes the disk under its own name, unless it is there already."""
    volume = disk.volume
    if volume.status in _LEAVING:
        return Complete({"canceled": True})
    if waiting := shelf_ensure(ctx, disk):
        return waiting
    stored = disk_stored(disk)
    if stored is None:
        if ctx.state.pop("made", False):
            raise StepRetry(
                stored_text("The storage does not show the disk it has made."), code="disk_unseen"
            )
        _machine(disk)
        disk.hypervisor.volume_make_submit(
            node=disk.node,
            storage=volume.storage_pool,
            vmid=int(volume.owner_vmid or 0),
            name=disk_name(volume.pk, int(volume.owner_vmid or 0)),
            size_gb=volume.size_gb,
            is_file=_is_file(disk),
        )
        ctx.state["made"] = True
        return poll()
    remember(volume, proxmox_volume_id=stored.volume, stored_at=volume.stored_at or clock.now())
    return Advance(stored.volume)


@volume_step
def attach(ctx: StepContext, disk: Disk) -> StepResult:
    """Plugs the disk into a free drive of its machine."""
    volume = disk.volume
    if volume.status in _LEAVING:
        return Complete({"canceled": True})
    if waiting := bench_clear(ctx, disk):
        return waiting
    if str(volume.deployment_id or "") != ctx.payload["deployment_id"]:
        raise StepFailed(stored_text("The volume belongs elsewhere by now."), code="moved_on")
    guest = _machine(disk)
    config = guest_prove(guest)
    held, drives = drives_holding(disk, config)
    if "attach" not in ctx.state:
        if held:
            return _attached(ctx, disk, held[0])
        unplugged_demand(ctx, disk, "attach")

    def submit() -> TaskRef | None:
        key = _slot(volume, guest, drives)
        ctx.state["asked"] = True
        ctx.save()
        return drive_give(disk, config, key)

    return task_run(ctx, disk, "attach", submit) or poll()


def _attached(ctx: StepContext, disk: Disk, drive: Drive) -> StepResult:
    is_new = disk.volume.status == _S.CREATING
    volume_settle(
        disk.volume,
        _S.ATTACHED,
        VolumeTag.CREATED if is_new else VolumeTag.ATTACHED,
        actor=ctx.actor,
        slot=drive.key,
        attention=PLUG_WAITS if drive.state is DriveState.PLUGGING else None,
    )
    return Advance(drive.key)


@volume_step
def detach(ctx: StepContext, disk: Disk) -> StepResult:
    """Takes the disk out of its machine; out of one that is proven absent it is already."""
    volume = disk.volume
    if volume.status == _S.DELETED:
        return Complete()
    config = guest_inspect(disk.guest) if disk.guest else None
    if disk.guest is None or config is None:
        return _detached(ctx, disk)
    held, _drives = drives_holding(disk, config)
    if "detach" not in ctx.state:
        if not held:
            return _detached(ctx, disk)
        if all(drive.state is DriveState.UNPLUGGING for drive in held):
            return _unplug_waits(ctx, disk)
        _demand_no_snapshot(disk, config)
    node, keys = config.node, tuple(drive.key for drive in held)

    def submit() -> TaskRef | None:
        ctx.state["asked"] = True
        ctx.save()
        return disk.hypervisor.drive_detach_submit(
            node=node, vmid=config.vmid, keys=keys, digest=config.digest
        )

    return task_run(ctx, disk, "detach", submit) or poll()


def _detached(ctx: StepContext, disk: Disk) -> StepResult:
    ctx.state.pop("asked", None)
    volume_settle(disk.volume, _S.DETACHED, VolumeTag.DETACHED, actor=ctx.actor, slot="")
    return Advance()


def _unplug_waits(ctx: StepContext, disk: Disk) -> StepResult:
    """A running machine keeps the disk for now: nothing more can be done before its restart."""
    if disk.volume.status == _S.DELETING:
        ctx.state.pop("asked", None)
        raise StepFailed(UNPLUG_WAITS["message"], code=UNPLUG_WAITS["code"])
    volume_settle(
        disk.volume,
        _S.ATTACHED,
        VolumeTag.DETACH_REQUESTED,
        actor=ctx.actor,
        attention=UNPLUG_WAITS,
    )
    return Complete({"waits_for_restart": True})


def _demand_no_snapshot(disk: Disk, config: GuestConfig) -> None:
    """Going back to a snapshot would plug the disk in again, perhaps while another machine uses it."""
    names = disk.hypervisor.drive_snapshots(
        config.node, config.vmid, str(disk.volume.proxmox_volume_id)
    )
    if names:
        raise StepFailed(
            stored_text(
                "The disk is part of the snapshot %(snapshot)s of its machine. Delete that first.",
                snapshot=", ".join(names),
            ),
            code="volume_in_snapshot",
        )


@volume_step
def grow(ctx: StepContext, disk: Disk) -> StepResult:
    """Grows the disk to the wanted size; the size is absolute, so twice is once."""
    volume = disk.volume
    if volume.status == _S.DETACHED and volume.bench_id:
        return bench_grow(ctx, disk)
    guest = _machine(disk)
    config = guest_prove(guest)
    held, _drives = drives_holding(disk, config)
    plugged = [drive for drive in held if drive.state is DriveState.PLUGGED]
    if not plugged:
        raise StepFailed(
            stored_text("The disk is not in its machine. Attach it, then grow it."),
            code="volume_elsewhere",
        )
    size_gb = (plugged[0].size_bytes or 0) // GIB
    wanted = volume.wanted_gb
    if "grow" not in ctx.state and (wanted is None or size_gb >= wanted):
        volume_grown(volume, max(size_gb, volume.size_gb), actor=ctx.actor)
        return Advance(stored_text("%(size)s GiB", size=size_gb))

    def submit() -> TaskRef | None:
        ctx.state["asked"] = True
        ctx.save()
        return disk.hypervisor.resize_submit(
            node=config.node,
            vmid=guest.vmid,
            disk=plugged[0].key,
            size_gb=int(wanted or 0),
            digest=config.digest,
        )

    return task_run(ctx, disk, "grow", submit) or poll()


@volume_step
def free(ctx: StepContext, disk: Disk) -> StepResult:
    """Frees the disk, which was proven to be in no machine, and proves that it is gone."""
    volume = disk.volume
    if volume.status != _S.DELETING:
        return Complete({"canceled": True})
    if waiting := bench_clear(ctx, disk):
        return waiting
    if volume.owner_vmid is None:
        return Advance()
    if "free" in ctx.state:
        return task_run(ctx, disk, "free", lambda: None) or poll("confirming")
    stored = disk_stored(disk)
    if stored is None:
        window = timedelta(seconds=float(settings.PROVISIONING["clone_window_s"]))
        if volume.stored_at is None and clock.now() - volume.updated_at < window:
            return poll("waiting for a disk that was asked for")
        return Advance(stored_text("absent"))

    def submit() -> TaskRef | None:
        ctx.state["freed"] = True
        ctx.save()
        return disk.hypervisor.volume_free_submit(
            node=disk.node, storage=volume.storage_pool, volume=stored.volume
        )

    return task_run(ctx, disk, "free", submit) or poll("confirming")


@volume_step
def release(ctx: StepContext, disk: Disk) -> StepResult:
    """Gives back quota and name."""
    if disk.volume.status == _S.DELETING:
        volume_released(disk.volume, actor=ctx.actor)
    return Advance()


@guest_step
def settle(ctx: StepContext, guest: Guest) -> StepResult:
    """Looks again at the disks whose change waited for a restart of their machine; sends nothing."""
    config = guest_inspect(guest)
    if config is None:
        return Complete()
    drives = guest.hypervisor.drives(config.node, config.vmid)
    with transaction.atomic():
        waiting = list(restart_waiters(guest.deployment.pk))
    for volume in waiting:
        held = [drive for drive in drives if drive.volume == volume.proxmox_volume_id]
        if not held:
            volume_settle(volume, _S.DETACHED, VolumeTag.DETACHED, actor=ctx.actor, slot="")
        elif all(drive.state is DriveState.PLUGGED for drive in held):
            volume_settle(volume, _S.ATTACHED, VolumeTag.ATTACHED, actor=ctx.actor)
    return Complete({"looked_at": len(waiting)})


def _machine(disk: Disk) -> Guest:
    """The machine the disk is for. Raises StepFailed for one that is being deleted."""
    if disk.guest is None or disk.guest.deployment.status in _ENDING:
        raise StepFailed(
            stored_text("The deployment was deleted meanwhile."), code="deployment_gone"
        )
    return disk.guest


def _slot(volume: Volume, guest: Guest, drives: tuple[Drive, ...]) -> str:
    """A drive that is free on the machine and promised to no other volume, written down first."""
    in_use = {drive.key for drive in drives}
    with transaction.atomic():
        others = Volume.objects.filter(deployment_id=guest.deployment.pk).exclude(pk=volume.pk)
        in_use |= set(others.exclude(slot="").values_list("slot", flat=True))
    key = volume.slot if volume.slot and volume.slot not in in_use else slot_free(in_use)
    if key is None:
        raise StepFailed(
            stored_text("The machine has no free drive. Detach another volume first."),
            code="no_slot",
        )
    try:
        remember(volume, slot=key)
    except IntegrityError as error:
        raise StepRetry(stored_text("Another volume took the drive."), code="slot_taken") from error
    return key


def _is_file(disk: Disk) -> bool:
    """Whether the storage keeps disks in files. Raises StepRetry while it is not active."""
    name = disk.volume.storage_pool
    found = next((one for one in disk.hypervisor.storages(disk.node) if one.name == name), None)
    if found is None or not found.is_active:
        raise StepRetry(
            stored_text("Storage %(storage)s is not available now.", storage=name),
            code="storage_away",
        )
    return found.kind in FILE_STORAGES
