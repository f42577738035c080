"""What a cluster tells of itself: version, rights, guests, nodes, storages, quorum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.proxmox.interface import (
    ClusterListing,
    GuestSummary,
    NodeSummary,
    StorageSummary,
    Usage,
    Version,
)
from integrations.proxmox.mapping.values import (
    amount,
    entries,
    flag,
    integer,
    members_of,
    power_of,
    required,
    share,
    tags_of,
    text,
    vmid_of,
)


def version(data: object) -> Version:
    """Return the API's version. Raises: MalformedAnswer."""
    answer = members_of(data)
    return Version(release=text(answer.get("release")) or "", version=required(answer, "version"))


def permissions(data: object) -> dict[str, frozenset[str]]:
    """Return privileges by path. Raises: MalformedAnswer."""
    return {
        str(path): frozenset(name for name, granted in members_of(privileges).items() if granted)
        for path, privileges in members_of(data).items()
    }


def guest_summaries(data: object) -> tuple[GuestSummary, ...]:
    """Return the guests in a listing of resources. Raises: MalformedAnswer."""
    return tuple(
        GuestSummary(
            vmid=vmid_of(entry.get("vmid")),
            node=required(entry, "node"),
            name=text(entry.get("name")),
            status=power_of(entry.get("status")),
            lock=text(entry.get("lock")),
            pool=text(entry.get("pool")),
            tags=tags_of(entry.get("tags")),
            is_template=flag(entry.get("template")),
            is_container=entry.get("type") == "lxc",
            cores=integer(entry.get("maxcpu")),
            memory_bytes=integer(entry.get("maxmem")),
            disk_bytes=integer(entry.get("maxdisk")),
            usage=_usage(entry),
        )
        for entry in entries(data)
        if entry.get("type") in ("qemu", "lxc")
    )


def _usage(entry: Mapping[str, Any]) -> Usage:
    """What a row says is used; a disk of which nothing is used is one nobody looked into."""
    return Usage(
        cpu_share=share(entry.get("cpu")),
        memory_bytes=amount(entry.get("mem")),
        disk_bytes=amount(entry.get("disk")) or None,
        uptime_s=amount(entry.get("uptime")),
        disk_read_bytes=amount(entry.get("diskread")),
        disk_write_bytes=amount(entry.get("diskwrite")),
        net_in_bytes=amount(entry.get("netin")),
        net_out_bytes=amount(entry.get("netout")),
    )


def listing(data: object) -> ClusterListing:
    """Return all that a listing of resources without a filter tells. Raises: MalformedAnswer."""
    rows = list(entries(data))
    return ClusterListing(
        guests=guest_summaries(rows),
        nodes=node_summaries([row for row in rows if row.get("type") == "node"]),
        storages=tuple(_listed_storage(row) for row in rows if row.get("type") == "storage"),
    )


def _listed_storage(row: Mapping[str, Any]) -> StorageSummary:
    total, used = integer(row.get("maxdisk")), integer(row.get("disk"))
    return StorageSummary(
        node=required(row, "node"),
        name=required(row, "storage"),
        kind=text(row.get("plugintype")) or "",
        content=_contents(row.get("content")),
        is_shared=flag(row.get("shared")),
        is_active=row.get("status") == "available",
        total_bytes=total,
        available_bytes=None if total is None or used is None else max(0, total - used),
    )


def node_summaries(data: object) -> tuple[NodeSummary, ...]:
    """Return the nodes in a listing. Raises: MalformedAnswer."""
    return tuple(
        NodeSummary(
            name=required(entry, "node"),
            is_online={"online": True, "offline": False}.get(str(entry.get("status"))),
            cores=integer(entry.get("maxcpu")),
            memory_total_bytes=integer(entry.get("maxmem")),
            memory_used_bytes=integer(entry.get("mem")),
            disk_total_bytes=amount(entry.get("maxdisk")),
            usage=_usage(entry),
        )
        for entry in entries(data)
    )


def storage_summaries(node: str, data: object) -> tuple[StorageSummary, ...]:
    """Return the storages of a node. Raises: MalformedAnswer."""
    return tuple(
        StorageSummary(
            node=node,
            name=required(entry, "storage"),
            kind=text(entry.get("type")) or "",
            content=_contents(entry.get("content")),
            is_shared=flag(entry.get("shared")),
            is_active=flag(entry.get("active")),
            total_bytes=integer(entry.get("total")),
            available_bytes=integer(entry.get("avail")),
        )
        for entry in entries(data)
    )


def _contents(value: object) -> tuple[str, ...]:
    return tuple(sorted(filter(None, (text(value) or "").split(","))))


def is_quorate(data: object) -> bool:
    """Say whether a cluster status has quorum; a single node without a cluster always has."""
    return all(flag(e.get("quorate")) for e in entries(data) if e.get("type") == "cluster")
