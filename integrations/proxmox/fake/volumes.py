"""Disks that outlive machines, in memory."""

from __future__ import annotations

import uuid
from typing import Any

from integrations.base.errors import Failed
from integrations.proxmox.errors import PROVIDER, VmidTaken
from integrations.proxmox.fake.calls import FakeCalls
from integrations.proxmox.fake.inventory import GIB
from integrations.proxmox.interface import (
    Disk,
    Drive,
    StoredVolume,
    TaskRef,
    VolumeCalls,
)


class FakeVolumes(FakeCalls, VolumeCalls):
    """Implements `VolumeCalls` in memory; every change of a drive is hot-plugged."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self._stored: dict[str, StoredVolume] = {}
        self._serials: dict[str, str] = {}

    def drives(self, node: str, vmid: int) -> tuple[Drive, ...]:
        with self._call("drives", node=node, vmid=vmid):
            return tuple(
                Drive(disk.key, disk.volume, disk.size_bytes, self._serials.get(disk.volume, ""))
                for disk in self._guest(node, vmid).config.disks
            )

    def drive_snapshots(self, node: str, vmid: int, volume: str) -> tuple[str, ...]:
        with self._call("drive_snapshots", node=node, vmid=vmid, volume=volume):
            self._guest(node, vmid)
            return ()

    def stored_volumes(self, node: str, storage: str, vmid: int) -> tuple[StoredVolume, ...]:
        with self._call("stored_volumes", node=node, storage=storage, vmid=vmid):
            return tuple(
                stored
                for stored in self._stored.values()
                if stored.vmid == vmid and stored.volume.startswith(f"{storage}:")
            )

    def volume_make_submit(
        self, *, node: str, storage: str, vmid: int, name: str, size_gb: int, is_file: bool
    ) -> None:
        volume = f"{storage}:{vmid}/{name}.qcow2" if is_file else f"{storage}:{name}"
        with self._call("volume_make_submit", storage=storage, name=name, size_gb=size_gb):
            if volume in self._stored:
                words = f"unable to create image: volume '{volume}' already exists"
                raise Failed(words, provider=PROVIDER)
            self._stored[volume] = StoredVolume(volume, vmid, size_gb * GIB)

    def volume_free_submit(self, *, node: str, storage: str, volume: str) -> TaskRef | None:
        def finish() -> str:
            self._stored.pop(volume, None)
            return "OK"

        with self._call("volume_free_submit", storage=storage, volume=volume):
            return self._task_start("imgdel", node, 0, finish)

    def drive_attach_submit(
        self, *, node: str, vmid: int, key: str, volume: str, serial: str, digest: str | None
    ) -> TaskRef | None:
        def finish() -> str:
            disk = Disk(key, volume.partition(":")[0], volume, self._stored[volume].size_bytes)
            self._serials[volume] = serial
            kept = (one for one in self._guests[vmid].config.disks if one.key != key)
            return self._change(vmid, disks=(*kept, disk), digest=uuid.uuid4().hex)

        with self._call("drive_attach_submit", vmid=vmid, key=key, volume=volume):
            self._changeable(node, vmid, digest)
            return self._task_start("qmconfig", node, vmid, finish)

    def drive_detach_submit(
        self, *, node: str, vmid: int, keys: tuple[str, ...], digest: str | None
    ) -> TaskRef | None:
        def finish() -> str:
            kept = tuple(one for one in self._guests[vmid].config.disks if one.key not in keys)
            return self._change(vmid, disks=kept, digest=uuid.uuid4().hex)

        with self._call("drive_detach_submit", vmid=vmid, keys=keys):
            self._changeable(node, vmid, digest)
            return self._task_start("qmconfig", node, vmid, finish)

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
        def finish() -> str:
            facts: dict[str, Any] = {
                "marker": marker,
                "description": marker,
                "tags": tags,
                "disks": (),
            }
            self.guest_add(
                vmid, node=node, name=name, pool=pool, is_protected=is_protected, **facts
            )
            return "OK"

        with self._call("shelf_make_submit", vmid=vmid, name=name, marker=marker):
            if vmid in self._guests:
                words = f"unable to create VM {vmid} - VM {vmid} already exists on node '{node}'"
                raise VmidTaken(words, provider=PROVIDER)
            return self._task_start("qmcreate", node, vmid, finish)
