"""An in-memory hypervisor with the same contract, for tests that need no wire.

Tasks take `polls_per_task` polls and take effect at their end, as in reality.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from integrations.base.errors import Failed, Permanent
from integrations.proxmox.errors import (
    PROVIDER,
    GuestNotRunning,
    TaskUnknown,
    VmidTaken,
)
from integrations.proxmox.fake.calls import FakeCalls
from integrations.proxmox.fake.inventory import (
    GIB,
    node_of,
    storage_of,
    summary,
)
from integrations.proxmox.interface import (
    CloudInit,
    ClusterListing,
    CoreCalls,
    GuestConfig,
    GuestStatus,
    GuestSummary,
    HostReport,
    NodeSummary,
    PowerState,
    StorageSummary,
    TaskOutcome,
    TaskPhase,
    TaskRef,
    TaskState,
    Version,
)
from integrations.proxmox.mapping import marker_parse


class FakeCore(FakeCalls, CoreCalls):
    """Implements `CoreCalls` in memory; `snippets` are the cloud-init documents that its nodes have."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.snippets: set[str] = set()
        self._documents: dict[int, str] = {}

    def version(self) -> Version:
        with self._call("version"):
            return Version(release="9.0", version="9.0.0")

    def permissions(self) -> Mapping[str, frozenset[str]]:
        with self._call("permissions"):
            return {"/": frozenset({"VM.Audit", "VM.Allocate", "VM.Clone", "Sys.Audit"})}

    def guests(self) -> tuple[GuestSummary, ...]:
        with self._call("guests"):
            return tuple(map(summary, self._guests.values()))

    def listing(self) -> ClusterListing:
        with self._call("listing"):
            return ClusterListing(
                guests=tuple(map(summary, self._guests.values())),
                nodes=tuple(map(node_of, self._nodes)),
                storages=tuple(map(storage_of, self._nodes)),
            )

    def hosts(self) -> tuple[HostReport, ...]:
        with self._call("hosts"):
            return (HostReport("fake:8006", is_reachable=True),)

    def nodes(self) -> tuple[NodeSummary, ...]:
        with self._call("nodes"):
            return tuple(map(node_of, self._nodes))

    def storages(self, node: str) -> tuple[StorageSummary, ...]:
        with self._call("storages", node=node):
            return (storage_of(node),)

    def is_vmid_free(self, vmid: int) -> bool:
        with self._call("is_vmid_free", vmid=vmid):
            return vmid not in self._guests

    def guest_config(self, node: str, vmid: int) -> GuestConfig:
        with self._call("guest_config", node=node, vmid=vmid):
            return self._guest(node, vmid).config

    def guest_find(self, vmid: int) -> str | None:
        with self._call("guest_find", vmid=vmid):
            return self._guests[vmid].config.node if vmid in self._guests else None

    def has_quorum(self) -> bool:
        with self._call("has_quorum"):
            return True

    def clone_submit(
        self,
        *,
        source_node: str,
        source_vmid: int,
        new_vmid: int,
        name: str,
        marker: str,
        target_node: str | None = None,
        pool: str | None = None,
        storage: str | None = None,
        is_full: bool = True,
    ) -> TaskRef:
        with self._call("clone_submit", new_vmid=new_vmid, name=name, marker=marker, full=is_full):
            if source_vmid not in self._guests:
                raise Permanent(f"unable to find VM {source_vmid}", provider=PROVIDER)
            if new_vmid in self._guests:
                raise VmidTaken(f"VM {new_vmid} already exists", provider=PROVIDER)
            source = self._guest(source_node, source_vmid).config
            blank = self.guest_add(new_vmid, node=source_node)
            self._change(new_vmid, lock="clone", name=None, uuid=None, disks=(), nets=())

            def finish() -> str:
                self._change(
                    new_vmid,
                    **{key: getattr(source, key) for key in ("cores", "memory_mb", "tags")},
                    name=name,
                    marker=marker,
                    description=marker,
                    uuid=blank.uuid,
                    nets=blank.nets,
                    disks=tuple(replace(d, storage=storage or d.storage) for d in source.disks),
                    node=target_node or source_node,
                    lock=None,
                )
                self._guests[new_vmid].pool = pool
                return "OK"

            ref = self._task_start("qmclone", source_node, source_vmid, finish)
            self._tasks[ref.upid].clone_to = new_vmid
            self._tasks[ref.upid].log = [f"creating a clone of VM {source_vmid} with ID {new_vmid}"]
            return ref

    def clone_find(
        self, *, source_node: str, source_vmid: int, new_vmid: int, since: datetime
    ) -> TaskRef | None:
        with self._call("clone_find", source_vmid=source_vmid, new_vmid=new_vmid):
            wanted = (source_node, source_vmid, new_vmid)
            for task in reversed(self._tasks.values()):
                found = (task.ref.node, task.vmid, task.clone_to)
                if found == wanted and task.started_at >= since:
                    return task.ref
            return None

    def tasks_running(self, node: str, vmid: int) -> tuple[TaskRef, ...]:
        with self._call("tasks_running", node=node, vmid=vmid):
            found = (task for task in self._tasks.values() if not task.message)
            return tuple(task.ref for task in found if (task.ref.node, task.vmid) == (node, vmid))

    def configure_submit(
        self,
        *,
        node: str,
        vmid: int,
        cores: int | None = None,
        memory_mb: int | None = None,
        tags: tuple[str, ...] | None = None,
        name: str | None = None,
        description: str | None = None,
        cloud_init: CloudInit | None = None,
        digest: str | None = None,
    ) -> TaskRef | None:
        texts = {"name": name, "description": description}
        wanted = {"cores": cores, "memory_mb": memory_mb, "tags": tags, **texts}
        changes: dict[str, Any] = {key: one for key, one in wanted.items() if one is not None}
        if description is not None:
            changes["marker"] = marker_parse(description)
        if tags is not None:
            changes["tags"] = tuple(sorted({tag.lower() for tag in tags}))
        with self._call("configure_submit", vmid=vmid, **wanted, cloud_init=cloud_init):
            self._changeable(node, vmid, digest)
            if cloud_init is not None and cloud_init.vendor_snippet is not None:
                self._documents[vmid] = cloud_init.vendor_snippet
            return self._task_start(
                "qmconfig",
                node,
                vmid,
                lambda: self._change(vmid, digest=uuid.uuid4().hex, **changes),
            )

    def resize_submit(
        self, *, node: str, vmid: int, disk: str, size_gb: int, digest: str | None = None
    ) -> TaskRef | None:
        def finish() -> str:
            disks = {d.key: d for d in self._guests[vmid].config.disks}
            if disk not in disks:
                return f"disk '{disk}' does not exist"
            if (disks[disk].size_bytes or 0) > size_gb * GIB:
                return "shrinking disks is not supported"
            disks[disk] = replace(disks[disk], size_bytes=size_gb * GIB)
            return self._change(vmid, disks=tuple(disks.values()), digest=uuid.uuid4().hex)

        with self._call("resize_submit", vmid=vmid, disk=disk, size_gb=size_gb):
            self._changeable(node, vmid, digest)
            return self._task_start("resize", node, vmid, finish)

    def protection_set(
        self, *, node: str, vmid: int, is_protected: bool, digest: str | None = None
    ) -> None:
        with self._call("protection_set", vmid=vmid, is_protected=is_protected):
            self._changeable(node, vmid, digest)
            self._change(vmid, is_protected=is_protected, digest=uuid.uuid4().hex)

    def start_submit(self, *, node: str, vmid: int) -> TaskRef:
        def finish() -> str:
            if self._guests[vmid].power is PowerState.RUNNING:
                return f"VM {vmid} already running"
            document = self._documents.get(vmid)
            if document is not None and document not in self.snippets:
                return f"volume '{document}' does not exist"
            return self._power(vmid, PowerState.RUNNING)

        with self._call("start_submit", vmid=vmid):
            return self._task_start("qmstart", node, vmid, finish)

    def stop_submit(self, *, node: str, vmid: int, is_forced: bool = False) -> TaskRef:
        with self._call("stop_submit", vmid=vmid, is_forced=is_forced):
            return self._stop_start("qmstop", node, vmid)

    def shutdown_submit(
        self, *, node: str, vmid: int, timeout_s: int = 60, is_forced: bool = False
    ) -> TaskRef:
        with self._call("shutdown_submit", vmid=vmid, timeout_s=timeout_s, is_forced=is_forced):
            return self._stop_start("qmshutdown", node, vmid)

    def reboot_submit(self, *, node: str, vmid: int, timeout_s: int = 60) -> TaskRef:
        with self._call("reboot_submit", vmid=vmid, timeout_s=timeout_s):
            if self._guest(node, vmid).power is not PowerState.RUNNING:
                raise GuestNotRunning(f"VM {vmid} not running", provider=PROVIDER)
            return self._task_start("qmreboot", node, vmid, lambda: "OK")

    def delete_submit(self, *, node: str, vmid: int, purge: bool = True) -> TaskRef:
        def finish() -> str:
            lock = self._guests[vmid].config.lock
            if lock is not None:
                return f"VM is locked ({lock})"
            del self._guests[vmid]
            return "OK"

        with self._call("delete_submit", vmid=vmid, purge=purge):
            guest = self._guest(node, vmid)
            if guest.config.is_protected:
                raise Permanent(f"can't remove VM {vmid} - protection mode", provider=PROVIDER)
            if guest.power is PowerState.RUNNING:
                raise Failed(f"VM {vmid} is running - destroy failed", provider=PROVIDER)
            return self._task_start("qmdestroy", node, vmid, finish)

    def task_state(self, ref: TaskRef, *, log_from: int = 0) -> TaskState:
        with self._call("task_state", ref=ref):
            task = self._tasks.get(ref.upid)
            if task is None:
                raise TaskUnknown("no such task", provider=PROVIDER)
            task.advance()
            lines = tuple(task.log[log_from:])
            log_next = log_from + len(lines)
            if not task.message:
                return TaskState(TaskPhase.RUNNING, None, "", lines, log_next)
            stopped, outcome = TaskPhase.STOPPED, TaskOutcome.from_exit(task.message)
            return TaskState(stopped, outcome, task.message, lines, log_next)

    def guest_status(self, node: str, vmid: int) -> GuestStatus:
        with self._call("guest_status", node=node, vmid=vmid):
            guest = self._guest(node, vmid)
            return GuestStatus(guest.power, guest.config.lock, uptime_s=0)

    def guest_addresses(self, node: str, vmid: int) -> tuple[str, ...]:
        with self._call("guest_addresses", node=node, vmid=vmid):
            is_up = self._guest(node, vmid).power is PowerState.RUNNING
            return (f"10.20.{vmid // 250 % 250}.{vmid % 250 + 1}",) if is_up else ()
