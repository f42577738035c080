"""Disks that outlive machines, over the API."""

from __future__ import annotations

from typing import Final

from integrations.proxmox import mapping
from integrations.proxmox.adapter.calls import ProxmoxCalls
from integrations.proxmox.errors import lost_answer
from integrations.proxmox.interface import Drive, StoredVolume, TaskRef, VolumeCalls

SHELF_MEMORY_MB: Final = 16


class ProxmoxVolumes(ProxmoxCalls, VolumeCalls):
    """Implements `VolumeCalls` over one cluster's API."""

    def drives(self, node: str, vmid: int) -> tuple[Drive, ...]:
        return mapping.drives(self._guest_read(node, vmid, "pending"))

    def drive_snapshots(self, node: str, vmid: int, volume: str) -> tuple[str, ...]:
        names = mapping.snapshot_names(self._guest_read(node, vmid, "snapshot"))
        return tuple(name for name in names if self._knows(node, vmid, name, volume))

    def _knows(self, node: str, vmid: int, snapshot: str, volume: str) -> bool:
        config = self._transport.read(
            "nodes", node, "qemu", vmid, "config", params={"snapshot": snapshot}
        )
        return any(disk.volume == volume for disk in mapping.guest_config(node, vmid, config).disks)

    def stored_volumes(self, node: str, storage: str, vmid: int) -> tuple[StoredVolume, ...]:
        data = self._transport.read(
            "nodes",
            node,
            "storage",
            storage,
            "content",
            params={"content": "images", "vmid": vmid},
        )
        return mapping.stored_volumes(data, vmid)

    def volume_make_submit(
        self, *, node: str, storage: str, vmid: int, name: str, size_gb: int, is_file: bool
    ) -> None:
        params = {
            "filename": f"{name}.qcow2" if is_file else name,
            "vmid": vmid,
            "size": f"{size_gb}G",
            "format": "qcow2" if is_file else None,
        }
        self._transport.write("POST", "nodes", node, "storage", storage, "content", params=params)

    def volume_free_submit(self, *, node: str, storage: str, volume: str) -> TaskRef | None:
        data = self._transport.write("DELETE", "nodes", node, "storage", storage, "content", volume)
        return self._task_of(data)

    def drive_attach_submit(
        self, *, node: str, vmid: int, key: str, volume: str, serial: str, digest: str | None
    ) -> TaskRef | None:
        params = {key: f"{volume},serial={serial},backup=0", "digest": digest}
        return self._change_submit("POST", node, vmid, "config", params=params)

    def drive_detach_submit(
        self, *, node: str, vmid: int, keys: tuple[str, ...], digest: str | None
    ) -> TaskRef | None:
        params = {"delete": ",".join(keys), "digest": digest}
        return self._change_submit("POST", node, vmid, "config", params=params)

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
        params = {
            "vmid": vmid,
            "name": name,
            "description": marker,
            "tags": ";".join(tags),
            "pool": pool,
            "memory": SHELF_MEMORY_MB,
            "onboot": False,
            "protection": is_protected,
        }
        data = self._transport.write("POST", "nodes", node, "qemu", params=params)
        ref = self._task_of(data)
        if ref is None:
            raise lost_answer("the answer names no task", is_write=True)
        return ref
