"""What uHub wants of disks that outlive machines: to be made by name, plugged in, let go, freed.

A disk is made under the number of a machine that never runs, and under a name of our choice: making it
twice is impossible, and the end of the machine it is plugged into does not touch it.

All methods may raise what `CoreCalls` names.
"""

from __future__ import annotations

from typing import Protocol

from integrations.proxmox.interface.facts import Drive, StoredVolume, TaskRef


class VolumeCalls(Protocol):
    """Drives of a guest, now and after its next start; disks on a storage."""

    def drives(self, node: str, vmid: int) -> tuple[Drive, ...]:
        """Return what a guest's drives hold, with what waits for its next start.

        Raises: GuestAbsent, Unavailable, NodeUnreachable.
        """
        ...

    def drive_snapshots(self, node: str, vmid: int, volume: str) -> tuple[str, ...]:
        """Return the guest's snapshots that know of a disk: going back to one plugs it in again.

        Raises: GuestAbsent, Unavailable, NodeUnreachable.
        """
        ...

    def stored_volumes(self, node: str, storage: str, vmid: int) -> tuple[StoredVolume, ...]:
        """Return the disks on a storage that bear a guest's number, whether it exists or not.

        Raises: Unavailable also while the storage is not online: its silence proves nothing.
        """
        ...

    def volume_make_submit(
        self, *, node: str, storage: str, vmid: int, name: str, size_gb: int, is_file: bool
    ) -> None:
        """Make an empty disk called `name` (`vm-<vmid>-…`); returns once it exists.

        Look with `stored_volumes` before and after: making it again fails, and changes nothing.
        Raises: Failed when the name is taken, Permanent without room.
        """
        ...

    def volume_free_submit(self, *, node: str, storage: str, volume: str) -> TaskRef | None:
        """Free a disk for ever; one that is gone already is a success.

        The hypervisor does not ask who uses it: prove before that no drive holds it.
        Raises: AccessRefused without Datastore.Allocate on the storage.
        """
        ...

    def drive_attach_submit(
        self, *, node: str, vmid: int, key: str, volume: str, serial: str, digest: str | None
    ) -> TaskRef | None:
        """Plug an existing disk into a free drive, with a serial number its guest can read.

        Backups of the machine leave it out: a restore would make a second disk of it.

        Raises: ConfigChanged, GuestAbsent, GuestLocked.
        """
        ...

    def drive_detach_submit(
        self, *, node: str, vmid: int, keys: tuple[str, ...], digest: str | None
    ) -> TaskRef | None:
        """Take disks out of their drives; those of another number stay on their storage.

        Raises: ConfigChanged, GuestAbsent, GuestLocked, Permanent when the guest is protected.
        """
        ...

    def shelf_make_submit(
        self,
        *,
        node: str,
        vmid: int,
        name: str,
        marker: str,
        tags: tuple[str, ...],
        pool: str | None,
        is_protected: bool = True,
    ) -> TaskRef:
        """Make a machine without disks that is never started; a protected one keeps its drives.

        Raises: VmidTaken, here or as the task's failure.
        """
        ...
