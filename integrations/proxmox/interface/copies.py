"""Copies of guests: snapshots beside their disks, archives on storages, and guests made out of archives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from integrations.proxmox.interface.facts import GuestConfig, TaskRef


@dataclass(frozen=True, slots=True)
class SnapshotFact:
    """One snapshot in a guest's list; what the disks hold of it is not told."""

    name: str
    taken_at: datetime | None
    description: str
    with_memory: bool
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Archive:
    """One backup on a storage. `marker` is what its notes begin with, when that is a marker.

    Notes are written when the archive is whole, so a marked archive is a complete one.
    `is_verified` is None where the storage verifies nothing, or has not yet.
    """

    volume: str
    vmid: int
    made_at: datetime
    size_bytes: int
    marker: str | None
    is_protected: bool = False
    is_verified: bool | None = None


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restored guest gets instead of what its archive says; None leaves the archive's."""

    name: str | None = None
    description: str | None = None
    cores: int | None = None
    memory_mb: int | None = None
    tags: tuple[str, ...] | None = None


class CopyCalls(Protocol):
    """Snapshots, backups and restores."""

    def snapshots(self, node: str, vmid: int) -> tuple[SnapshotFact, ...]:
        """Return the guest's snapshots, without its current state. Raises: GuestAbsent."""
        ...

    def snapshot_config(self, node: str, vmid: int, name: str) -> GuestConfig:
        """Return the configuration a rollback would bring back.

        A rollback leaves the guest's description alone, and with it the marker: a snapshot has a
        description of its own. Raises: GuestAbsent, Permanent for a snapshot that is not there.
        """
        ...

    def snapshot_submit(
        self, *, node: str, vmid: int, name: str, description: str = "", with_memory: bool = False
    ) -> TaskRef:
        """Take a snapshot. Its task fails as Permanent where a disk's storage has none.

        Raises: GuestAbsent, GuestLocked.
        """
        ...

    def rollback_submit(
        self, *, node: str, vmid: int, name: str, is_started: bool = False
    ) -> TaskRef:
        """Go back to a snapshot; a running guest is cut off first and runs again with `is_started`.

        A rollback that breaks off leaves `lock: rollback`. Raises: GuestAbsent, GuestLocked.
        """
        ...

    def snapshot_delete_submit(self, *, node: str, vmid: int, name: str) -> TaskRef:
        """Delete a snapshot. Raises: GuestAbsent, GuestLocked."""
        ...

    def backup_submit(
        self, *, node: str, vmid: int, storage: str, mode: str, marker: str
    ) -> TaskRef:
        """Write an archive of a guest; `marker` becomes the first line of its notes.

        The guest is locked (`backup`) meanwhile; one backup at a time runs on a node, others wait in
        their task. Raises: GuestAbsent when the guest is not on that node.
        """
        ...

    def copy_task_find(self, *, node: str, vmid: int, kind: str, since: datetime) -> TaskRef | None:
        """Return our token's newest task of that kind about the guest started after `since`.

        None right after an Ambiguous answer is not final, as with `clone_find`.
        """
        ...

    def archives(self, node: str, storage: str) -> tuple[Archive, ...]:
        """Return the backups on a storage as the node sees it; those the token may not see are missing.

        Raises: Unavailable, also while the storage is offline.
        """
        ...

    def archive_config(self, node: str, volume: str) -> GuestConfig:
        """Return the configuration that lies in an archive: what identity a restore would bring back.

        Raises: Unavailable (also for an archive that is gone or cannot be read).
        """
        ...

    def archive_protect_set(
        self, *, node: str, storage: str, volume: str, is_protected: bool
    ) -> None:
        """Let the storage itself refuse to delete the archive, or no longer."""
        ...

    def archive_delete_submit(self, *, node: str, storage: str, volume: str) -> TaskRef:
        """Delete an archive that was just listed. Its task fails for a protected one.

        Raises: AccessRefused, also for one that is gone.
        """
        ...

    def restore_submit(
        self,
        *,
        node: str,
        vmid: int,
        archive: str,
        values: Restored,
        storage: str | None = None,
        pool: str | None = None,
        is_unique: bool = False,
        is_forced: bool = False,
    ) -> TaskRef:
        """Make a guest out of an archive; with `is_forced` over the stopped one that has the VMID.

        A new guest is locked (`create`) and bears no mark until its disks are written. Disks that are
        written over are gone from the beginning on, so are all snapshots; a failure leaves the former
        configuration without them. With `is_unique` uuid and addresses are new.
        Raises: VmidTaken without `is_forced`, Failed for a running guest, Permanent for a protected one.
        """
        ...
