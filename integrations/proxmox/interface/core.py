"""What uHub wants of every guest: to be found, made, changed, switched and ended.

Every method is one short call or a few; nothing here waits for a task. A write returns a reference
to the task it started, and the caller stores that reference before it polls.

All methods may raise, besides what their docstrings name: `Unavailable` (cannot be asked now; means
unknown), `AccessRefused` (token wrong or without the right) and `Permanent`. Writes may also raise
`NotExecuted` (certainly no effect) and `Ambiguous` (look before sending again).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from integrations.proxmox.interface.facts import (
    CloudInit,
    ClusterListing,
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


class CoreCalls(Protocol):
    """Guests, their power and their life; nodes, storages and tasks."""

    def version(self) -> Version:
        """Return the API's version; the cheapest proof that address, TLS and token are right.

        Raises: Unavailable, AccessRefused.
        """
        ...

    def permissions(self) -> Mapping[str, frozenset[str]]:
        """Return the token's effective privileges by path: the preflight of a new cluster.

        Raises: Unavailable, AccessRefused.
        """
        ...

    def guests(self) -> tuple[GuestSummary, ...]:
        """Return all guests of the cluster that the token may see, in one listing.

        A guest missing here is not proven absent: the token may lack the right to see it.
        Raises: Unavailable.
        """
        ...

    def listing(self) -> ClusterListing:
        """Return guests with their configured sizes, nodes and storages, in one call.

        What the token may not see is missing, and so proves nothing. Raises: Unavailable.
        """
        ...

    def hosts(self) -> tuple[HostReport, ...]:
        """Ask every API host of the cluster whether it answers; never raises for one that does not."""
        ...

    def nodes(self) -> tuple[NodeSummary, ...]:
        """Return the cluster's nodes. Raises: Unavailable."""
        ...

    def storages(self, node: str) -> tuple[StorageSummary, ...]:
        """Return the storages of a node. Raises: Unavailable, NodeUnreachable."""
        ...

    def is_vmid_free(self, vmid: int) -> bool:
        """Say whether no guest of the whole cluster has this VMID at this moment.

        It sees guests that the token may not see, but reserves nothing. Raises: Unavailable.
        """
        ...

    def guest_config(self, node: str, vmid: int) -> GuestConfig:
        """Return the configuration, with the parts that prove identity.

        Raises: GuestAbsent only when the node itself said that it has no such guest, which is also
        so while the guest lives on another node; Unavailable and NodeUnreachable mean unknown.
        """
        ...

    def guest_find(self, vmid: int) -> str | None:
        """Return the node a guest lives on, or None when it is proven absent from the cluster.

        None is given only by a cluster that has quorum and calls the VMID free: quota, addresses
        and names may be released on it. Raises: Unavailable when that cannot be proven,
        AccessRefused when the VMID is taken by a guest the token may not see.
        """
        ...

    def has_quorum(self) -> bool:
        """Say whether the cluster may decide: without quorum its "free" proves nothing.

        Raises: Unavailable.
        """
        ...

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
        """Start cloning a guest; `marker` becomes the first line of the copy's description.

        At first the copy is absent, then it is locked (`is_cloning`) and carries no mark yet: until
        the task has ended, only this reference ties it to us.
        Raises: VmidTaken when somebody has the VMID (perhaps only as the task's failure);
        Ambiguous, then `clone_find` tells whether the clone was started.
        """
        ...

    def clone_find(
        self, *, source_node: str, source_vmid: int, new_vmid: int, since: datetime
    ) -> TaskRef | None:
        """Return the newest clone task of our token for `new_vmid` started after `since`.

        Clone tasks carry the source's VMID; the new one stands only in their log, which is read.
        None right after an Ambiguous answer is not final: the request may still be on its way for
        half a minute, so ask again before concluding that there will be no copy.
        Raises: Unavailable while a running task does not yet say what it makes.
        """
        ...

    def tasks_running(self, node: str, vmid: int) -> tuple[TaskRef, ...]:
        """Return what works on a guest of that node now, whoever asked for it: backups, migrations.

        A clone is listed under its source. Raises: AccessRefused without the right to see others' tasks.
        """
        ...

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
        """Change the configuration; None means that it is already applied.

        `description` replaces the whole text; its first line carries the marker.
        With `digest` the change happens only to the configuration that was read.
        Raises: ConfigChanged (here or as the task's failure), GuestAbsent, GuestLocked.
        """
        ...

    def resize_submit(
        self, *, node: str, vmid: int, disk: str, size_gb: int, digest: str | None = None
    ) -> TaskRef | None:
        """Grow a disk to an absolute size, so that doing it twice is harmless.

        Raises: ConfigChanged, GuestAbsent. A smaller size fails as Permanent, here or in the task.
        """
        ...

    def protection_set(
        self, *, node: str, vmid: int, is_protected: bool, digest: str | None = None
    ) -> None:
        """Let the hypervisor itself refuse to destroy the guest, or no longer.

        Raises: ConfigChanged, GuestAbsent, GuestLocked.
        """
        ...

    def start_submit(self, *, node: str, vmid: int) -> TaskRef:
        """Start a guest. Read the status afterwards: a failed start may still leave it running.

        Its task fails as AlreadyDone for a running guest and as GuestAbsent for a missing one.
        """
        ...

    def stop_submit(self, *, node: str, vmid: int, is_forced: bool = False) -> TaskRef:
        """Cut the power; with `is_forced` also end a shutdown that is under way."""
        ...

    def shutdown_submit(
        self, *, node: str, vmid: int, timeout_s: int = 60, is_forced: bool = False
    ) -> TaskRef:
        """Ask the guest to shut down; with `is_forced` cut the power after `timeout_s`."""
        ...

    def reboot_submit(self, *, node: str, vmid: int, timeout_s: int = 60) -> TaskRef:
        """Restart a guest: the task is the shutdown alone, the start follows it by itself.

        Raises: GuestNotRunning.
        """
        ...

    def delete_submit(self, *, node: str, vmid: int, purge: bool = True) -> TaskRef:
        """Destroy a stopped guest; `purge` also takes it out of backup jobs and HA.

        Confirm with `guest_find` afterwards. Raises: GuestAbsent, GuestLocked, Failed when it
        runs, Permanent when it is protected.
        """
        ...

    def task_state(self, ref: TaskRef, *, log_from: int = 0) -> TaskState:
        """Return where a task stands, with its log from line `log_from` (at most 500 lines).

        Raises: TaskUnknown (look at the real state instead), Unavailable, NodeUnreachable.
        """
        ...

    def guest_status(self, node: str, vmid: int) -> GuestStatus:
        """Return the power state. Raises: GuestAbsent, Unavailable, NodeUnreachable."""
        ...

    def guest_addresses(self, node: str, vmid: int) -> tuple[str, ...]:
        """Return the addresses the guest's agent reports, without loopback and link-local ones.

        The agent is optional: any reason not to know them gives (), within a few seconds.
        Raises: GuestAbsent.
        """
        ...
