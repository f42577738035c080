"""The identity fence of additional disks: which disk is ours is proven before anything is sent.

A disk is ours when its name on the storage is made of the shelf's number and our id; both are chosen by
us and never given twice. What sits in a drive is recognised by that name, never by the drive's number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import UUID

from django.db import transaction

from integrations.proxmox.interface import Drive, GuestConfig, Hypervisor, StoredVolume, TaskRef
from integrations.services.hypervisors import hypervisor_for
from portal.kernel import clock
from portal.kernel.queue import StepContext, StepFailed, StepNeedsOperator, StepResult, StepRetry
from portal.kernel.stored_text import stored_text
from provisioning.logic.volumes import disk_name, disk_serial
from provisioning.models import Node, NodeState, Storage, Volume
from provisioning.selectors.maintenance import cluster_maintenance_of, maintenance_of
from provisioning.services.clusters import cluster_connection
from provisioning.services.saga.guest import Guest
from provisioning.services.saga.tasks import cluster_attempt, guest_attempt

GIB = 2**30


@dataclass(frozen=True, slots=True)
class Disk:
    """A volume and the hypervisor it lives on, for the length of one step; `guest` is where it belongs."""

    volume: Volume
    hypervisor: Hypervisor
    guest: Guest | None

    @property
    def node(self) -> str:
        """A node that reaches the disk: its machine's if that one does, else any that is up."""
        volume = self.volume
        near = self.guest.node if self.guest else volume.node
        reached = reaching_nodes(volume)
        return near if near in reached or not reached else reached[0]


DiskStep = Callable[[StepContext, Disk], StepResult]


def volume_step(step: DiskStep) -> Callable[[StepContext], StepResult]:
    """Opens the volume, with its machine if it has one, and translates what the provider raises."""

    @wraps(step)
    def run(ctx: StepContext) -> StepResult:
        volume = volume_load(ctx)
        home = volume.deployment

        def work() -> StepResult:
            hypervisor = hypervisor_for(cluster_connection(volume.cluster))
            if home is None:
                return step(ctx, Disk(volume, hypervisor, None))
            guest = Guest(home, hypervisor)
            return guest_attempt(ctx, lambda ctx, guest: step(ctx, _disk(volume, guest)), guest)

        def parked() -> str:
            return maintenance_of(home) if home else cluster_maintenance_of(volume.cluster)

        return cluster_attempt(ctx, volume.cluster, parked=parked, work=work)

    return run


def volume_load(ctx: StepContext) -> Volume:
    """The operation's volume as it stands now."""
    with transaction.atomic():
        volume = (
            Volume.objects.select_related(
                "cluster", "owner", "deployment__cluster", "deployment__template"
            )
            .filter(pk=UUID(str(ctx.payload["volume_id"])))
            .first()
        )
    if volume is None:
        raise StepFailed(stored_text("The volume does not exist any more."), code="volume_gone")
    return volume


def _disk(volume: Volume, guest: Guest) -> Disk:
    return Disk(volume, guest.hypervisor, guest)


def reaching_nodes(volume: Volume) -> list[str]:
    """The nodes that reach the volume's storage and are up, as the last listing showed them."""
    rows = Storage.objects.filter(cluster_id=volume.cluster_id, name=volume.storage_pool)
    names: set[str] = set()
    for row in rows.select_related("node"):
        if row.is_shared:
            names.update(row.node_names)
        elif row.node is not None and row.node.name == volume.node:
            names.add(row.node.name)
    down = Node.objects.filter(cluster_id=volume.cluster_id).exclude(state=NodeState.ONLINE)
    return sorted(names - set(down.values_list("name", flat=True)))


def disk_stored(disk: Disk) -> StoredVolume | None:
    """Our disk on its storage, or None when a storage that is online does not have it."""
    volume = disk.volume
    owner = int(volume.owner_vmid or 0)
    name = disk_name(volume.pk, owner)
    stored = disk.hypervisor.stored_volumes(disk.node, volume.storage_pool, owner)
    return next((one for one in stored if one.name == name), None)


def disk_demand(disk: Disk) -> StoredVolume:
    """The same for a disk that has to be there. Raises StepNeedsOperator."""
    stored = disk_stored(disk)
    if stored is not None and stored.volume == disk.volume.proxmox_volume_id:
        return stored
    raise StepNeedsOperator(
        stored_text(
            "The disk %(disk)s is not on storage %(storage)s any more. An operator must find out "
            "where it went; delete the volume to release what it holds.",
            disk=str(disk.volume.proxmox_volume_id),
            storage=disk.volume.storage_pool,
        ),
        code="volume_missing",
        command=f"pvesm list {disk.volume.storage_pool} --vmid {disk.volume.owner_vmid}",
    )


def unplugged_demand(ctx: StepContext, disk: Disk, task: str) -> None:
    """No drive shows the disk: passes while `task` has not given it one, and it is on its storage.

    Raises:
        StepRetry: the task gave it to a drive, and the machine does not show it yet.
        StepNeedsOperator: as `disk_demand`.
    """
    if ctx.state.pop(f"{task}_succeeded", False):
        raise StepRetry(
            stored_text("The machine does not show the disk it was given."), code="disk_unseen"
        )
    disk_demand(disk)


def drive_give(disk: Disk, config: GuestConfig, key: str) -> TaskRef | None:
    """Plugs the disk into a free drive of a proven machine that looks as it did a moment ago."""
    return disk.hypervisor.drive_attach_submit(
        node=config.node,
        vmid=config.vmid,
        key=key,
        volume=str(disk.volume.proxmox_volume_id),
        serial=disk_serial(disk.volume.pk),
        digest=config.digest,
    )


def drives_holding(disk: Disk, config: GuestConfig) -> tuple[list[Drive], tuple[Drive, ...]]:
    """The drives of a proven machine that hold our disk, and all of its drives."""
    drives = disk.hypervisor.drives(config.node, config.vmid)
    name = disk.volume.proxmox_volume_id
    return [drive for drive in drives if name and drive.volume == name], drives


def remember(volume: Volume, **values: Any) -> None:
    """Writes what was found, at once."""
    with transaction.atomic():
        Volume.objects.filter(pk=volume.pk).update(updated_at=clock.now(), **values)
    for name, value in values.items():
        setattr(volume, name, value)
