"""Drives of a guest with what waits for its next start, and disks on a storage."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from integrations.proxmox.interface import Drive, DriveState, StoredVolume
from integrations.proxmox.mapping.values import (
    entries,
    flag,
    integer,
    properties,
    required,
    size_bytes,
    text,
    vmid_of,
)

_DRIVE: Final = re.compile(r"(?:scsi|virtio|sata|ide|unused)\d{1,3}")
CURRENT: Final = "current"


def drives(data: object) -> tuple[Drive, ...]:
    """Return the drives of a guest's configuration and its pending part. Raises: MalformedAnswer.

    Another disk that waits for the place of one is told as two drives of one key.
    """
    return tuple(_drives(data))


def snapshot_names(data: object) -> tuple[str, ...]:
    """Return the names of a guest's snapshots, without the present. Raises: MalformedAnswer."""
    names = (required(entry, "name") for entry in entries(data))
    return tuple(name for name in names if name != CURRENT)


def stored_volumes(data: object, vmid: int) -> tuple[StoredVolume, ...]:
    """Return the disks of a storage's list that bear the number. Raises: MalformedAnswer."""
    found = (
        StoredVolume(
            volume=required(entry, "volid"),
            vmid=vmid_of(entry.get("vmid")),
            size_bytes=integer(entry.get("size")) or 0,
        )
        for entry in entries(data)
    )
    return tuple(volume for volume in found if volume.vmid == vmid)


def _drives(data: object) -> Iterator[Drive]:
    for entry in entries(data):
        key = text(entry.get("key")) or ""
        if not _DRIVE.fullmatch(key):
            continue
        now, later = entry.get("value"), entry.get("pending")
        if later is not None and _volume(later) == _volume(now):
            later = None
        is_leaving = flag(entry.get("delete")) or entry.get("delete") in (2, "2")
        if now is not None:
            is_leaving = is_leaving or later is not None
            yield _drive(key, now, DriveState.UNPLUGGING if is_leaving else DriveState.PLUGGED)
        if later is not None:
            yield _drive(key, later, DriveState.PLUGGING)


def _volume(value: object) -> str:
    parts = properties(value)
    return parts.get("") or parts.get("file", "")


def _drive(key: str, value: object, state: DriveState) -> Drive:
    parts = properties(value)
    return Drive(
        key=key,
        volume=_volume(value),
        size_bytes=size_bytes(parts.get("size")),
        serial=parts.get("serial", ""),
        state=state,
    )
