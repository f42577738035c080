"""Snapshots, backups and restores over the API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from integrations.base.errors import Ambiguous
from integrations.proxmox import mapping
from integrations.proxmox.adapter.calls import PAGE_LIMIT, ProxmoxCalls
from integrations.proxmox.errors import PROVIDER, GuestAbsent, lost_answer
from integrations.proxmox.interface import GuestConfig, TaskRef
from integrations.proxmox.interface.copies import Archive, CopyCalls, Restored, SnapshotFact
from integrations.proxmox.mapping import copies

_CLOCK_MARGIN: Final = timedelta(seconds=120)
_VMID_OF_ARCHIVE: Final = re.compile(r"(?:vzdump-qemu-|vm/)(\d{3,9})(?=[-/])")
# Listing a storage or reading an archive goes to slow disks.
_STORAGE_TIMEOUT_S: Final = 30.0


class ProxmoxCopies(ProxmoxCalls, CopyCalls):
    """Implements `CopyCalls` over one cluster's API."""

    def snapshots(self, node: str, vmid: int) -> tuple[SnapshotFact, ...]:
        return copies.snapshots(self._guest_read(node, vmid, "snapshot"))

    def snapshot_config(self, node: str, vmid: int, name: str) -> GuestConfig:
        data = self._guest_read(node, vmid, "snapshot", name, "config")
        return mapping.guest_config(node, vmid, data)

    def snapshot_submit(
        self, *, node: str, vmid: int, name: str, description: str = "", with_memory: bool = False
    ) -> TaskRef:
        params = {
            "snapname": name,
            "description": description or None,
            "vmstate": True if with_memory else None,
        }
        return self._task_submit("POST", node, vmid, "snapshot", params=params)

    def rollback_submit(
        self, *, node: str, vmid: int, name: str, is_started: bool = False
    ) -> TaskRef:
        params = {"start": True if is_started else None}
        return self._task_submit("POST", node, vmid, "snapshot", name, "rollback", params=params)

    def snapshot_delete_submit(self, *, node: str, vmid: int, name: str) -> TaskRef:
        return self._task_submit("DELETE", node, vmid, "snapshot", name)

    def backup_submit(
        self, *, node: str, vmid: int, storage: str, mode: str, marker: str
    ) -> TaskRef:
        params = {
            "vmid": str(vmid),
            "storage": storage,
            "mode": mode,
            "compress": "zstd",
            "remove": False,
            "notes-template": marker,
        }
        data = self._transport.write("POST", "nodes", node, "vzdump", params=params)
        if data == "OK":
            raise GuestAbsent(node, vmid)
        return _task(data)

    def copy_task_find(self, *, node: str, vmid: int, kind: str, since: datetime) -> TaskRef | None:
        params = {
            "source": "all",
            "typefilter": kind,
            "vmid": vmid,
            "since": int((since - _CLOCK_MARGIN).timestamp()),
            "limit": PAGE_LIMIT,
        }
        tasks = self._transport.read("nodes", node, "tasks", params=params)
        owner = self._transport.endpoint.token_id
        found = (task.ref for task in mapping.listed_tasks(tasks) if task.owner == owner)
        return next(found, None)

    def archives(self, node: str, storage: str) -> tuple[Archive, ...]:
        data = self._transport.read(
            "nodes",
            node,
            "storage",
            storage,
            "content",
            params={"content": "backup"},
            timeout_s=_STORAGE_TIMEOUT_S,
        )
        return copies.archives(storage, data)

    def archive_config(self, node: str, volume: str) -> GuestConfig:
        data = self._transport.read(
            "nodes",
            node,
            "vzdump",
            "extractconfig",
            params={"volume": volume},
            timeout_s=_STORAGE_TIMEOUT_S,
        )
        match = _VMID_OF_ARCHIVE.search(volume)
        return copies.archive_config(node, int(match[1]) if match else 0, data)

    def archive_protect_set(
        self, *, node: str, storage: str, volume: str, is_protected: bool
    ) -> None:
        params = {"protected": is_protected}
        self._transport.write(
            "PUT", "nodes", node, "storage", storage, "content", volume, params=params
        )

    def archive_delete_submit(self, *, node: str, storage: str, volume: str) -> TaskRef:
        path = ("nodes", node, "storage", storage, "content", volume)
        return _task(self._transport.write("DELETE", *path))

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
        params: Mapping[str, Any] = {
            "vmid": vmid,
            "archive": archive,
            "storage": storage,
            "pool": pool,
            "unique": True if is_unique else None,
            "force": True if is_forced else None,
            "name": values.name,
            "description": values.description,
            "cores": values.cores,
            "memory": values.memory_mb,
            "tags": None if values.tags is None else ";".join(values.tags),
        }
        return _task(self._transport.write("POST", "nodes", node, "qemu", params=params))


def _task(data: object) -> TaskRef:
    """The task an answer names. Raises: Ambiguous."""
    if data is None:
        raise lost_answer("the answer names no task", is_write=True)
    try:
        return mapping.task_ref(data)
    except ValueError as error:
        raise Ambiguous(str(error), provider=PROVIDER) from error
