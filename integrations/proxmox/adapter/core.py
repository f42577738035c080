"""Guests, nodes, storages and tasks over the API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from integrations.base.errors import AccessRefused, Unavailable
from integrations.proxmox import mapping
from integrations.proxmox.adapter.calls import PAGE_LIMIT, ProxmoxCalls
from integrations.proxmox.errors import (
    PROVIDER,
    GuestNotRunning,
    InvalidInput,
    MalformedAnswer,
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
    StorageSummary,
    TaskRef,
    TaskState,
    Version,
)

AGENT_TIMEOUT_S: Final = 5.0
# Lines before the one that names a clone's target speak of waiting for a lock.
_CLONE_LINE_WITHIN: Final = 10
# The caller's clock and the node's may differ a little.
_CLOCK_MARGIN: Final = timedelta(seconds=120)


class ProxmoxCore(ProxmoxCalls, CoreCalls):
    """Implements `CoreCalls` over one cluster's API."""

    def version(self) -> Version:
        return mapping.version(self._transport.read("version"))

    def permissions(self) -> Mapping[str, frozenset[str]]:
        return mapping.permissions(self._transport.read("access", "permissions"))

    def guests(self) -> tuple[GuestSummary, ...]:
        data = self._transport.read("cluster", "resources", params={"type": "vm"})
        return mapping.guest_summaries(data)

    def listing(self) -> ClusterListing:
        return mapping.listing(self._transport.read("cluster", "resources"))

    def hosts(self) -> tuple[HostReport, ...]:
        return self._transport.hosts_ask("version")

    def nodes(self) -> tuple[NodeSummary, ...]:
        return mapping.node_summaries(self._transport.read("nodes"))

    def storages(self, node: str) -> tuple[StorageSummary, ...]:
        return mapping.storage_summaries(node, self._transport.read("nodes", node, "storage"))

    def is_vmid_free(self, vmid: int) -> bool:
        try:
            free_vmid = self._transport.read("cluster", "nextid", params={"vmid": vmid})
        except InvalidInput as error:
            if "already exists" in error.fields.get("vmid", ""):
                return False
            raise
        if mapping.integer(free_vmid) != vmid:
            raise MalformedAnswer("another VMID than the one asked for", provider=PROVIDER)
        return True

    def guest_config(self, node: str, vmid: int) -> GuestConfig:
        return mapping.guest_config(node, vmid, self._guest_read(node, vmid, "config"))

    def guest_find(self, vmid: int) -> str | None:
        for guest in self.guests():
            if guest.vmid == vmid:
                return guest.node
        if not self.is_vmid_free(vmid):
            raise AccessRefused(
                f"guest {vmid} exists, but the token may not see it", provider=PROVIDER
            )
        # The minority side of a split cluster calls everything free that was made elsewhere.
        if not self.has_quorum():
            raise Unavailable("the cluster has no quorum", provider=PROVIDER, retry_after_s=30.0)
        return None

    def has_quorum(self) -> bool:
        return mapping.is_quorate(self._transport.read("cluster", "status"))

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
        params = {
            "newid": new_vmid,
            "name": name,
            "description": marker,
            "target": target_node if target_node != source_node else None,
            "pool": pool,
            "storage": storage if is_full else None,
            "full": is_full,
        }
        return self._task_submit("POST", source_node, source_vmid, "clone", params=params)

    def clone_find(
        self, *, source_node: str, source_vmid: int, new_vmid: int, since: datetime
    ) -> TaskRef | None:
        for task in self._clone_tasks(source_node, source_vmid, since - _CLOCK_MARGIN):
            lines = self._task_log(task.ref, 0, _CLONE_LINE_WITHIN)
            target = mapping.clone_target(lines, source_vmid)
            if target == new_vmid:
                return task.ref
            if target is None and task.is_running:
                raise Unavailable(
                    "a clone task does not say yet what it makes",
                    provider=PROVIDER,
                    retry_after_s=1.0,
                )
        return None

    def tasks_running(self, node: str, vmid: int) -> tuple[TaskRef, ...]:
        params = {"source": "active", "vmid": vmid, "limit": PAGE_LIMIT}
        tasks = self._transport.read("nodes", node, "tasks", params=params)
        return tuple(task.ref for task in mapping.listed_tasks(tasks) if task.is_running)

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
        params: dict[str, Any] = {
            "cores": cores,
            "memory": memory_mb,
            "tags": None if tags is None else ";".join(tags),
            "name": name,
            "description": description,
            "digest": digest,
        }
        if cloud_init is not None:
            params |= mapping.cloud_init_params(cloud_init)
        return self._change_submit("POST", node, vmid, "config", params=params)

    def resize_submit(
        self, *, node: str, vmid: int, disk: str, size_gb: int, digest: str | None = None
    ) -> TaskRef | None:
        params = {"disk": disk, "size": f"{size_gb}G", "digest": digest}
        return self._change_submit("PUT", node, vmid, "resize", params=params)

    def protection_set(
        self, *, node: str, vmid: int, is_protected: bool, digest: str | None = None
    ) -> None:
        params = {"protection": is_protected, "digest": digest}
        self._transport.write("PUT", "nodes", node, "qemu", vmid, "config", params=params)

    def start_submit(self, *, node: str, vmid: int) -> TaskRef:
        return self._task_submit("POST", node, vmid, "status", "start")

    def stop_submit(self, *, node: str, vmid: int, is_forced: bool = False) -> TaskRef:
        params = {"overrule-shutdown": True if is_forced else None}
        return self._task_submit("POST", node, vmid, "status", "stop", params=params)

    def shutdown_submit(
        self, *, node: str, vmid: int, timeout_s: int = 60, is_forced: bool = False
    ) -> TaskRef:
        params = {"timeout": timeout_s, "forceStop": True if is_forced else None}
        return self._task_submit("POST", node, vmid, "status", "shutdown", params=params)

    def reboot_submit(self, *, node: str, vmid: int, timeout_s: int = 60) -> TaskRef:
        params = {"timeout": timeout_s}
        return self._task_submit("POST", node, vmid, "status", "reboot", params=params)

    def delete_submit(self, *, node: str, vmid: int, purge: bool = True) -> TaskRef:
        params = {"purge": True if purge else None}
        return self._task_submit("DELETE", node, vmid, params=params)

    def task_state(self, ref: TaskRef, *, log_from: int = 0) -> TaskState:
        # The status comes first: the log of a task that had stopped by then is complete.
        status = self._transport.read("nodes", ref.node, "tasks", ref.upid, "status")
        phase, outcome, message = mapping.task_progress(status)
        lines = self._task_log(ref, log_from, PAGE_LIMIT)
        return TaskState(
            state=phase,
            outcome=outcome,
            message=message,
            log_tail=lines,
            log_next=log_from + len(lines),
        )

    def guest_status(self, node: str, vmid: int) -> GuestStatus:
        return mapping.guest_status(self._guest_read(node, vmid, "status", "current"))

    def guest_addresses(self, node: str, vmid: int) -> tuple[str, ...]:
        try:
            data = self._guest_read(
                node, vmid, "agent", "network-get-interfaces", timeout_s=AGENT_TIMEOUT_S
            )
        except (Unavailable, GuestNotRunning, AccessRefused):
            return ()
        return mapping.guest_addresses(data)

    def _clone_tasks(
        self, node: str, source_vmid: int, since: datetime
    ) -> tuple[mapping.ListedTask, ...]:
        """Return our token's clone tasks of a source, the newest first."""
        tasks = self._transport.read(
            "nodes",
            node,
            "tasks",
            params={
                "source": "all",
                "typefilter": "qmclone",
                "vmid": source_vmid,
                "since": int(since.timestamp()),
                "limit": PAGE_LIMIT,
            },
        )
        token_id = self._transport.endpoint.token_id
        return tuple(task for task in mapping.listed_tasks(tasks) if task.owner == token_id)
