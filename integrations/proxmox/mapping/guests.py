"""One guest: configuration, power, addresses, and what it is told at its first boot."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from integrations.proxmox.interface import (
    CloudInit,
    Disk,
    GuestConfig,
    GuestStatus,
    NetworkCard,
)
from integrations.proxmox.mapping.values import (
    flag,
    integer,
    marker_parse,
    member_list,
    members_of,
    power_of,
    properties,
    size_bytes,
    tags_of,
    text,
)

ADDRESS_LIMIT: Final = 32
DESCRIPTION_LIMIT: Final = 8192

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DISK_KEY = re.compile(r"(?:scsi|virtio|sata|ide|efidisk|tpmstate|unused)\d{1,3}")
_NET_KEY = re.compile(r"net\d{1,2}")
_MAC = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}")
_EXTRA_KEYS: Final = ("boot", "ostype", "scsihw", "sockets", "cpu", "onboot", "vmgenid", "machine")


def guest_config(node: str, vmid: int, data: object) -> GuestConfig:
    """Return a guest's configuration. Raises: MalformedAnswer."""
    answer = members_of(data)
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
        tags=tags_of(answer.get("tags")),
        digest=text(answer.get("digest")),
        has_agent=_has_agent(answer.get("agent")),
        description=text(answer.get("description"), DESCRIPTION_LIMIT) or "",
        extra={key: text(answer[key]) or "" for key in _EXTRA_KEYS if key in answer},
    )


def guest_status(data: object) -> GuestStatus:
    """Return a guest's power state. Raises: MalformedAnswer."""
    answer = members_of(data)
    return GuestStatus(
        power=power_of(answer.get("status")),
        lock=text(answer.get("lock")),
        uptime_s=max(integer(answer.get("uptime")) or 0, 0),
    )


def guest_addresses(data: object) -> tuple[str, ...]:
    """Return the usable addresses in an agent's answer, whatever else the guest says."""
    found: dict[str, None] = {}
    for card in member_list(data, "result"):
        for entry in member_list(card, "ip-addresses"):
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
    if cloud_init.vendor_snippet is not None:
        params["cicustom"] = f"vendor={cloud_init.vendor_snippet}"
    if cloud_init.address is not None:
        gateway = f",gw={cloud_init.gateway}" if cloud_init.gateway else ""
        params["ipconfig0"] = f"ip={cloud_init.address}{gateway}"
    return {name: value for name, value in params.items() if value}


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
