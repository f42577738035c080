"""Snapshots, backups and restores in memory."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from integrations.base.errors import Failed, Permanent, Unavailable
from integrations.proxmox.errors import PROVIDER, VmidTaken
from integrations.proxmox.fake.calls import FakeCalls
from integrations.proxmox.interface import GuestConfig, PowerState, TaskRef
from integrations.proxmox.interface.copies import Archive, CopyCalls, Restored, SnapshotFact
from integrations.proxmox.mapping import marker_parse


@dataclass(slots=True)
class KeptCopies:
    """What is kept beside the guests: snapshots with their configurations, archives with theirs."""

    snapshots: dict[int, dict[str, tuple[SnapshotFact, GuestConfig]]] = field(default_factory=dict)
    archives: dict[str, tuple[Archive, GuestConfig]] = field(default_factory=dict)


class FakeCopies(FakeCalls, CopyCalls):
    """Implements `CopyCalls` in memory."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._kept = KeptCopies()

    def snapshots(self, node: str, vmid: int) -> tuple[SnapshotFact, ...]:
        with self._call("snapshots", node=node, vmid=vmid):
            self._guest(node, vmid)
            return tuple(fact for fact, _ in self._kept.snapshots.get(vmid, {}).values())

    def snapshot_config(self, node: str, vmid: int, name: str) -> GuestConfig:
        with self._call("snapshot_config", node=node, vmid=vmid, name=name):
            self._guest(node, vmid)
            kept = self._kept.snapshots.get(vmid, {})
            if name not in kept:
                raise Permanent(f"snapshot '{name}' does not exist", provider=PROVIDER)
            fact, config = kept[name]
            return replace(config, description=fact.description, marker=None)

    def snapshot_submit(
        self, *, node: str, vmid: int, name: str, description: str = "", with_memory: bool = False
    ) -> TaskRef:
        def finish() -> str:
            kept = self._kept.snapshots.setdefault(vmid, {})
            if name in kept:
                return f"snapshot name '{name}' already used"
            guest = self._guests[vmid]
            has_memory = with_memory and guest.power is PowerState.RUNNING
            fact = SnapshotFact(name, datetime.now(UTC), description, has_memory)
            kept[name] = (fact, guest.config)
            return "OK"

        with self._call("snapshot_submit", vmid=vmid, name=name, with_memory=with_memory):
            self._changeable(node, vmid, None)
            return self._task_start("qmsnapshot", node, vmid, finish)

    def rollback_submit(
        self, *, node: str, vmid: int, name: str, is_started: bool = False
    ) -> TaskRef:
        def finish() -> str:
            kept = self._kept.snapshots.get(vmid, {})
            if name not in kept:
                return f"snapshot '{name}' does not exist"
            fact, config = kept[name]
            now = self._guests[vmid].config
            self._guests[vmid].config = replace(
                config,
                digest=uuid.uuid4().hex,
                lock=None,
                description=now.description,
                marker=now.marker,
            )
            runs = fact.with_memory or is_started
            return self._power(vmid, PowerState.RUNNING if runs else PowerState.STOPPED)

        with self._call("rollback_submit", vmid=vmid, name=name, is_started=is_started):
            self._changeable(node, vmid, None)
            return self._task_start("qmrollback", node, vmid, finish)

    def snapshot_delete_submit(self, *, node: str, vmid: int, name: str) -> TaskRef:
        def finish() -> str:
            if self._kept.snapshots.get(vmid, {}).pop(name, None) is None:
                return f"snapshot '{name}' does not exist"
            return "OK"

        with self._call("snapshot_delete_submit", vmid=vmid, name=name):
            self._changeable(node, vmid, None)
            return self._task_start("qmdelsnapshot", node, vmid, finish)

    def backup_submit(
        self, *, node: str, vmid: int, storage: str, mode: str, marker: str
    ) -> TaskRef:
        def finish() -> str:
            made_at = datetime.now(UTC)
            stamp = f"{made_at:%Y_%m_%d-%H_%M_%S}-{len(self._kept.archives)}"
            volume = f"{storage}:backup/vzdump-qemu-{vmid}-{stamp}.vma.zst"
            archive = Archive(volume, vmid, made_at, 2**30, marker_parse(marker))
            self._kept.archives[volume] = (archive, replace(self._guests[vmid].config, lock=None))
            return "OK"

        with self._call("backup_submit", vmid=vmid, storage=storage, mode=mode, marker=marker):
            self._guest(node, vmid)
            return self._task_start("vzdump", node, vmid, finish)

    def copy_task_find(self, *, node: str, vmid: int, kind: str, since: datetime) -> TaskRef | None:
        with self._call("copy_task_find", node=node, vmid=vmid, kind=kind):
            for task in reversed(self._tasks.values()):
                is_kind = f":{kind}:" in task.ref.upid and task.started_at >= since
                if is_kind and (task.ref.node, task.vmid) == (node, vmid):
                    return task.ref
            return None

    def archives(self, node: str, storage: str) -> tuple[Archive, ...]:
        with self._call("archives", node=node, storage=storage):
            found = (archive for archive, _ in self._kept.archives.values())
            return tuple(one for one in found if one.volume.startswith(f"{storage}:"))

    def archive_config(self, node: str, volume: str) -> GuestConfig:
        with self._call("archive_config", node=node, volume=volume):
            if volume not in self._kept.archives:
                raise Unavailable(f"volume '{volume}' does not exist", provider=PROVIDER)
            return self._kept.archives[volume][1]

    def archive_protect_set(
        self, *, node: str, storage: str, volume: str, is_protected: bool
    ) -> None:
        with self._call("archive_protect_set", volume=volume, is_protected=is_protected):
            archive, config = self._kept.archives[volume]
            self._kept.archives[volume] = (replace(archive, is_protected=is_protected), config)

    def archive_delete_submit(self, *, node: str, storage: str, volume: str) -> TaskRef:
        def finish() -> str:
            kept = self._kept.archives.get(volume)
            if kept is not None and kept[0].is_protected:
                return f"cannot remove protected volume '{volume}' on '{storage}'"
            self._kept.archives.pop(volume, None)
            return "OK"

        with self._call("archive_delete_submit", storage=storage, volume=volume):
            return self._task_start("imgdel", node, 0, finish)

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
        with self._call("restore_submit", vmid=vmid, archive=archive, is_forced=is_forced):
            self._demand_place(vmid, is_forced=is_forced)
            if archive not in self._kept.archives:
                raise Permanent(f"volume '{archive}' does not exist", provider=PROVIDER)
            content = self._kept.archives[archive][1]
            if vmid in self._guests:
                self._change(vmid, lock="create")
            else:
                self.guest_add(vmid, node=node, lock="create", uuid=None, disks=(), nets=())

            def finish() -> str:
                self._guests[vmid].config = _merged(content, values, node, vmid, storage)
                if is_unique:
                    self._change(vmid, uuid=str(uuid.uuid4()))
                self._guests[vmid].pool = pool or self._guests[vmid].pool
                self._kept.snapshots.pop(vmid, None)
                return "OK"

            return self._task_start("qmrestore", node, vmid, finish)

    def _demand_place(self, vmid: int, *, is_forced: bool) -> None:
        taken = self._guests.get(vmid)
        if taken is None:
            return
        if not is_forced:
            raise VmidTaken(f"VM {vmid} already exists on node", provider=PROVIDER)
        if taken.config.is_protected:
            raise Permanent(f"VM {vmid} - protection mode enabled", provider=PROVIDER)
        if taken.power is PowerState.RUNNING:
            raise Failed(f"unable to restore VM {vmid} - vm is running", provider=PROVIDER)
        self._changeable(taken.config.node, vmid, None)


def _merged(
    content: GuestConfig, values: Restored, node: str, vmid: int, storage: str | None
) -> GuestConfig:
    """The archive's configuration, with what was asked for instead."""
    changes: dict[str, Any] = {
        "name": values.name,
        "cores": values.cores,
        "memory_mb": values.memory_mb,
        "tags": values.tags,
        "description": values.description,
    }
    if values.description is not None:
        changes["marker"] = marker_parse(values.description)
    disks = tuple(replace(d, storage=storage or d.storage) for d in content.disks)
    return replace(
        content,
        node=node,
        vmid=vmid,
        disks=disks,
        lock=None,
        digest=uuid.uuid4().hex,
        **{name: value for name, value in changes.items() if value is not None},
    )
