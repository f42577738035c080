"""Between the API's JSON and our dataclasses: pure, and suspicious of everything that comes in.

Numbers arrive as numbers or strings, keys may be missing, and anybody with a login can put any text
into a guest. What identifies a thing must be right or the whole answer is refused; the rest falls
back to "not known".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from integrations.proxmox.errors import PROVIDER, MalformedAnswer
from integrations.proxmox.interface import (
    CloudInit,
    Disk,
    GuestConfig,
    GuestStatus,
    GuestSummary,
    NetworkCard,
    NodeSummary,
    PowerState,
    StorageSummary,
    TaskOutcome,
    TaskPhase,
    TaskRef,
    Version,
)

TEXT_LIMIT: Final = 1000
LOG_LINE_LIMIT: Final = 4000
ADDRESS_LIMIT: Final = 32

_UPID = re.compile(
    r"UPID:(?P<node>[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?):[0-9A-Fa-f]{8}:[0-9A-Fa-f]{8,9}:"
    r"(?P<started>[0-9A-Fa-f]{8}):(?P<type>[^:\s/]+):(?P<id>[^:\s/]*):(?P<user>[^:\s/]+):"
)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MARKER = re.compile(r"uhub:[A-Za-z0-9-]{1,64}:[A-Za-z0-9_-]{1,64}")
_SIZE = re.compile(r"(\d{1,15})(?:\.(\d{1,6}))?([KMGT]?)")
_DISK_KEY = re.compile(r"(?:scsi|virtio|sata|ide|efidisk|tpmstate|unused)\d{1,3}")
_NET_KEY = re.compile(r"net\d{1,2}")
_MAC = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}")
_CLONE_LINE = re.compile(r"creating a clone of VM (\d{3,9}) with ID (\d{3,9})")
_UNITS: Final = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_EXTRA_KEYS: Final = ("boot", "ostype", "scsihw", "sockets", "cpu", "onboot", "vmgenid", "machine")


@dataclass(frozen=True, slots=True)
class ListedTask:
    """One line of a node's task list; `owner` is user and token, `started` in seconds."""

    ref: TaskRef
    owner: str
    started: int
    is_running: bool


def marker_build(deployment_id: str, nonce: str) -> str:
    """Return the text that ties a guest to a deployment. Raises: ValueError."""
    marker = f"uhub:{deployment_id}:{nonce}"
    if not _MARKER.fullmatch(marker):
        raise ValueError("a marker is made of letters, digits and dashes")
    return marker


def marker_parse(description: object) -> str | None:
    """Return the marker in a description's first line, or None.

    Only the first line counts: people may write below it, and a marker further down proves nothing.
    """
    if not isinstance(description, str):
        return None
    first_line = description.partition("\n")[0].strip()
    return first_line if _MARKER.fullmatch(first_line) else None


def integer(value: object, default: int | None = None) -> int | None:
    """Return a whole number that may come as a number, a string or a fraction."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return default
    if isinstance(value, str) and len(value) > 20:
        return default
    try:
        return int(value)
    except (ValueError, OverflowError):
        return default


def text(value: object, limit: int = TEXT_LIMIT) -> str | None:
    """Return a short text, or None for what is no text or empty."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value)[:limit] or None


def flag(value: object) -> bool:
    """Return a boolean that may come as 1, "1" or true."""
    return value in (True, 1, "1")


def size_bytes(value: object) -> int | None:
    """Return the bytes of a size such as 32G, 528K or 1.5T."""
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    whole, fraction, unit = match.groups()
    fraction = fraction or ""
    return int(whole + fraction) * _UNITS[unit] // 10 ** len(fraction)


def properties(value: object) -> dict[str, str]:
    """Split a property string such as `local:1,size=4M`; a part without a name has the key ""."""
    parts: dict[str, str] = {}
    for part in str(value)[:TEXT_LIMIT].split(","):
        name, separator, content = part.partition("=")
        parts[name if separator else ""] = content if separator else name
    return parts


def task_ref(data: object) -> TaskRef:
    """Return the reference in a write's answer. Raises: ValueError."""
    match = _UPID.fullmatch(data) if isinstance(data, str) else None
    if match is None:
        raise ValueError("the answer names no task")
    return TaskRef(upid=match[0], node=match["node"])


def listed_tasks(data: object) -> tuple[ListedTask, ...]:
    """Return the tasks of a node's list, the newest first. Raises: MalformedAnswer."""
    tasks: dict[str, ListedTask] = {}
    for entry in _entries(data):
        match = _UPID.fullmatch(text(entry.get("upid")) or "")
        if match is None:
            raise MalformedAnswer("an entry is no task", provider=PROVIDER)
        has_ended = entry.get("status") not in (None, "RUNNING") or "endtime" in entry
        earlier = tasks.get(match[0])
        tasks[match[0]] = ListedTask(
            ref=TaskRef(upid=match[0], node=match["node"]),
            owner=match["user"],
            started=int(match["started"], 16),
            is_running=not has_ended and (earlier is None or earlier.is_running),
        )
    return tuple(sorted(tasks.values(), key=lambda task: task.started, reverse=True))


def task_progress(data: object) -> tuple[TaskPhase, TaskOutcome | None, str]:
    """Return phase, outcome and exit message of a task's status. Raises: MalformedAnswer."""
    status = _mapping(data)
    if status.get("status") == TaskPhase.RUNNING:
        return TaskPhase.RUNNING, None, ""
    if status.get("status") != TaskPhase.STOPPED:
        raise MalformedAnswer("a task is neither running nor stopped", provider=PROVIDER)
    message = text(status.get("exitstatus"))
    if message is None:
        raise MalformedAnswer("a stopped task has no result", provider=PROVIDER)
    return TaskPhase.STOPPED, TaskOutcome.from_exit(message), message


def log_lines(data: object) -> tuple[str, ...]:
    """Return the lines of a task log, without the sentence that stands for an empty one."""
    lines = tuple((text(entry.get("t"), LOG_LINE_LIMIT) or "") for entry in _entries(data))
    return () if lines == ("no content",) else lines


def clone_target(lines: tuple[str, ...], source_vmid: int) -> int | None:
    """Return the VMID a clone's log says it makes, or None when it does not say (yet)."""
    for line in lines:
        match = _CLONE_LINE.search(line)
        if match is not None and int(match[1]) == source_vmid:
            return int(match[2])
    return None


def version(data: object) -> Version:
    """Return the API's version. Raises: MalformedAnswer."""
    answer = _mapping(data)
    return Version(release=text(answer.get("release")) or "", version=_required(answer, "version"))


def permissions(data: object) -> dict[str, frozenset[str]]:
    """Return privileges by path. Raises: MalformedAnswer."""
    return {
        str(path): frozenset(name for name, granted in _mapping(privileges).items() if granted)
        for path, privileges in _mapping(data).items()
    }


def guest_summaries(data: object) -> tuple[GuestSummary, ...]:
    """Return the guests in a listing of resources. Raises: MalformedAnswer."""
    return tuple(
        GuestSummary(
            vmid=_vmid(entry.get("vmid")),
            node=_required(entry, "node"),
            name=text(entry.get("name")),
            status=_power(entry.get("status")),
            lock=text(entry.get("lock")),
            pool=text(entry.get("pool")),
            tags=_tags(entry.get("tags")),
            is_template=flag(entry.get("template")),
            is_container=entry.get("type") == "lxc",
        )
        for entry in _entries(data)
        if entry.get("type") in ("qemu", "lxc")
    )


def node_summaries(data: object) -> tuple[NodeSummary, ...]:
    """Return the nodes in a listing. Raises: MalformedAnswer."""
    return tuple(
        NodeSummary(
            name=_required(entry, "node"),
            is_online=entry.get("status") == "online",
            cores=integer(entry.get("maxcpu")),
            memory_total_bytes=integer(entry.get("maxmem")),
            memory_used_bytes=integer(entry.get("mem")),
        )
        for entry in _entries(data)
    )


def storage_summaries(node: str, data: object) -> tuple[StorageSummary, ...]:
    """Return the storages of a node. Raises: MalformedAnswer."""
    return tuple(
        StorageSummary(
            node=node,
            name=_required(entry, "storage"),
            kind=text(entry.get("type")) or "",
            content=tuple(sorted(filter(None, (text(entry.get("content")) or "").split(",")))),
            is_shared=flag(entry.get("shared")),
            is_active=flag(entry.get("active")),
            total_bytes=integer(entry.get("total")),
            available_bytes=integer(entry.get("avail")),
        )
        for entry in _entries(data)
    )


def is_quorate(data: object) -> bool:
    """Say whether a cluster status has quorum; a single node without a cluster always has."""
    return all(flag(e.get("quorate")) for e in _entries(data) if e.get("type") == "cluster")


def guest_config(node: str, vmid: int, data: object) -> GuestConfig:
    """Return a guest's configuration. Raises: MalformedAnswer."""
    answer = _mapping(data)
    memory = properties(answer.get("memory", "512"))
    return GuestConfig(
        vmid=vmid,
        node=node,
        name=text(answer.get("name")),
        cores=integer(answer.get("cores")) or 1,
        memory_mb=integer(memory.get("current", memory.get(""))) or 512,
        disks=tuple(_disks(answer)),
        nets=tuple(_nets(answer)),
        uuid=_uuid(answer.get("smbios1")),
        marker=marker_parse(answer.get("description")),
        lock=text(answer.get("lock")),
        is_template=flag(answer.get("template")),
        is_protected=flag(answer.get("protection")),
        tags=_tags(answer.get("tags")),
        digest=text(answer.get("digest")),
        has_agent=_has_agent(answer.get("agent")),
        extra={key: text(answer[key]) or "" for key in _EXTRA_KEYS if key in answer},
    )


def guest_status(data: object) -> GuestStatus:
    """Return a guest's power state. Raises: MalformedAnswer."""
    answer = _mapping(data)
    return GuestStatus(
        power=_power(answer.get("status")),
        lock=text(answer.get("lock")),
        uptime_s=max(integer(answer.get("uptime")) or 0, 0),
    )


def guest_addresses(data: object) -> tuple[str, ...]:
    """Return the usable addresses in an agent's answer, whatever else the guest says."""
    found: dict[str, None] = {}
    for card in _members(data, "result"):
        for entry in _members(card, "ip-addresses"):
            address = _address(entry.get("ip-address"))
            if address is not None:
                found[address] = None
    return tuple(found)[:ADDRESS_LIMIT]


def cloud_init_params(cloud_init: CloudInit) -> dict[str, str]:
    """Return the parameters of a cloud-init setting; only what is set appears."""
    params = {
        "ciuser": cloud_init.user,
        "cipassword": cloud_init.password,
        "nameserver": " ".join(cloud_init.nameservers),
        "searchdomain": cloud_init.search_domain,
        # The API wants the keys percent-encoded inside the form's own encoding.
        "sshkeys": quote("\n".join(cloud_init.ssh_keys), safe=""),
    }
    if cloud_init.address is not None:
        gateway = f",gw={cloud_init.gateway}" if cloud_init.gateway else ""
        params["ipconfig0"] = f"ip={cloud_init.address}{gateway}"
    return {name: value for name, value in params.items() if value}


def _mapping(data: object) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise MalformedAnswer("an object was expected", provider=PROVIDER)
    return data


def _entries(data: object) -> Iterator[Mapping[str, Any]]:
    if not isinstance(data, list):
        raise MalformedAnswer("a list was expected", provider=PROVIDER)
    return (_mapping(entry) for entry in data)


def _members(data: object, key: str) -> list[Mapping[str, Any]]:
    members = data.get(key) if isinstance(data, dict) else None
    entries = members if isinstance(members, list) else []
    return [entry for entry in entries if isinstance(entry, dict)]


def _required(entry: Mapping[str, Any], key: str) -> str:
    value = text(entry.get(key))
    if value is None:
        raise MalformedAnswer(f"an entry has no {key}", provider=PROVIDER)
    return value


def _vmid(value: object) -> int:
    number = integer(value)
    if number is None or not 100 <= number <= 999_999_999:
        raise MalformedAnswer("a guest has no VMID", provider=PROVIDER)
    return number


def _power(value: object) -> PowerState:
    return PowerState(value) if value in ("running", "stopped") else PowerState.UNKNOWN


def _tags(value: object) -> tuple[str, ...]:
    return tuple(filter(None, re.split(r"[;,\s]+", text(value) or "")))


def _uuid(smbios: object) -> str | None:
    value = properties(smbios).get("uuid", "").lower()
    return value if _UUID.fullmatch(value) else None


def _has_agent(value: object) -> bool:
    parts = properties(value)
    return flag(parts.get("enabled", parts.get("")))


def _disks(answer: Mapping[str, Any]) -> Iterator[Disk]:
    for key in sorted(filter(_DISK_KEY.fullmatch, answer)):
        parts = properties(answer[key])
        volume = parts.get("") or parts.get("file", "")
        storage, separator, _ = volume.partition(":")
        yield Disk(
            key=key,
            storage=storage if separator else "",
            volume=volume,
            size_bytes=size_bytes(parts.get("size")),
            is_cdrom=parts.get("media") == "cdrom",
        )


def _nets(answer: Mapping[str, Any]) -> Iterator[NetworkCard]:
    for key in sorted(filter(_NET_KEY.fullmatch, answer)):
        parts = properties(answer[key])
        model, mac = next(
            ((name, value) for name, value in parts.items() if _MAC.fullmatch(value)),
            (parts.get("model") or parts.get("", ""), None),
        )
        yield NetworkCard(
            key=key,
            model=parts.get("model", model),
            mac=mac,
            bridge=parts.get("bridge"),
            vlan=integer(parts.get("tag")),
        )


def _address(value: object) -> str | None:
    try:
        address = ipaddress.ip_address(str(value)[:64].partition("%")[0])
    except ValueError:
        return None
    hidden = address.is_loopback or address.is_link_local or address.is_unspecified
    return None if hidden else str(address)
