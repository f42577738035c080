"""What additional disks are called on a storage and in a guest, what they cost, and where they fit; pure."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from billing.logic.pricing import HourlyRates, hourly_price
from portal.kernel.audit_tags import Category, TagSpec

# The first drive belongs to the system disk; a controller has thirty more.
SLOTS: Final = tuple(f"scsi{number}" for number in range(1, 31))
FILE_STORAGES: Final = frozenset({"dir", "nfs", "cifs", "glusterfs", "cephfs", "btrfs"})


class VolumeTag(StrEnum):
    """Audit tags of the life of a volume."""

    REQUESTED = "volume.requested"
    CREATED = "volume.created"
    ATTACH_REQUESTED = "volume.attach_requested"
    ATTACHED = "volume.attached"
    DETACH_REQUESTED = "volume.detach_requested"
    DETACHED = "volume.detached"
    RESIZE_REQUESTED = "volume.resize_requested"
    RESIZED = "volume.resized"
    DELETE_REQUESTED = "volume.delete_requested"
    DELETED = "volume.deleted"
    FAILED = "volume.failed"
    OBSERVED = "volume.observed"


_L = Category.LIFECYCLE
VOLUME_TAGS: Final[dict[str, TagSpec]] = {
    VolumeTag.REQUESTED: TagSpec(_L, _("Volume requested")),
    VolumeTag.CREATED: TagSpec(_L, _("Volume ready")),
    VolumeTag.ATTACH_REQUESTED: TagSpec(_L, _("Attaching a volume requested")),
    VolumeTag.ATTACHED: TagSpec(_L, _("Volume attached")),
    VolumeTag.DETACH_REQUESTED: TagSpec(_L, _("Detaching a volume requested")),
    VolumeTag.DETACHED: TagSpec(_L, _("Volume detached")),
    VolumeTag.RESIZE_REQUESTED: TagSpec(_L, _("Growth of a volume requested")),
    VolumeTag.RESIZED: TagSpec(_L, _("Volume grown")),
    VolumeTag.DELETE_REQUESTED: TagSpec(_L, _("Deletion of a volume requested")),
    VolumeTag.DELETED: TagSpec(_L, _("Volume deleted")),
    VolumeTag.FAILED: TagSpec(_L, _("Action on a volume failed")),
    VolumeTag.OBSERVED: TagSpec(_L, _("Volume changed outside uHub")),
}


def disk_name(volume_id: UUID, owner_vmid: int) -> str:
    """The name on the storage: the number that owns it, and our id."""
    return f"vm-{owner_vmid}-uhub-{volume_id.hex}"


def disk_serial(volume_id: UUID) -> str:
    """What the guest reads as the disk's serial number: at most twenty characters."""
    return f"uhub{volume_id.hex[-16:]}"


def guest_path(volume_id: UUID) -> str:
    """Where a Linux guest finds the disk, whatever slot it sits in."""
    return f"/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_{disk_serial(volume_id)}"


def slot_free(taken: Collection[str]) -> str | None:
    """The lowest drive that nothing sits in and nothing is promised to."""
    return next((slot for slot in SLOTS if slot not in taken), None)


def gb_price(rates: HourlyRates) -> Decimal:
    """One GiB for one hour, by the rates of the template of the machine a disk is made for."""
    bare = HourlyRates(Decimal(0), Decimal(0), Decimal(0), rates.disk_gb)
    return hourly_price(bare, cpu_cores=0, memory_mb=0, disk_gb=1)
