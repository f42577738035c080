"""The named formats of Proxmox VE: what a value must look like, and the words of the refusal."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

_LABEL = r"[a-zA-Z0-9]([a-zA-Z0-9\-]*[a-zA-Z0-9])?"
_VOLUME = r"[a-z][a-z0-9\-\_\.]*[a-z0-9]:.+"
_BOOT_DEVICE = r"(net|ide|sata|scsi|virtio|usb|hostpci)\d+"
_TASK_STATUS = r"(ok|error|warning|unknown)"

# name: (regex, the words after `invalid format - `)
_PATTERNS: dict[str, tuple[str, str]] = {
    "pve-vmid": (r"[1-9][0-9]{2,8}", "value does not look like a valid VM ID"),
    "pve-node": (_LABEL, "value does not look like a valid node name"),
    "pve-storage-id": (
        r"(?i:[a-z][a-z0-9\-\_\.]*[a-z0-9])",
        "storage ID '{value}' contains illegal characters",
    ),
    "pve-configid": (r"(?i:[a-z][a-z0-9_-]+)", "invalid configuration ID '{value}'"),
    "pve-poolid": (
        r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+){0,2}",
        "value '{value}' does not look like a valid pool name",
    ),
    "dns-name": (
        rf"({_LABEL}\.)*{_LABEL}",
        "value does not look like a valid DNS name",
    ),
    "mac-addr": (
        r"(?i:[a-f0-9][02468ace](:[a-f0-9]{2}){5})",
        "value does not look like a valid unicast MAC address",
    ),
    "pve-bridge-id": (r"[-_.\w\d]+", "invalid bridge ID '{value}'"),
    "pve-tag": (r"(?i:[a-z0-9_][a-z0-9_\-\+\.]*)", "invalid characters in tag"),
    "urlencoded": (r"[-%a-zA-Z0-9_.!~*'()]*", "invalid urlencoded string: {value}"),
    "disk-size": (r"\d+(\.\d+)?[KMGT]?", "value does not look like a valid disk size: {value}"),
    "pve-volume-id": (f"(?i:{_VOLUME})", "unable to parse volume ID '{value}'"),
    "pve-volume-id-or-qm-path": (
        f"(?i:none|cdrom|/.+|{_VOLUME})",
        "unable to parse volume ID '{value}'",
    ),
    "pve-volume-id-or-absolute-path": (
        f"(?i:/.+|{_VOLUME})",
        "unable to parse volume ID '{value}'",
    ),
    "pve-qm-bootdev": (_BOOT_DEVICE, "invalid boot device '{value}'"),
    "pve-qm-bootdisk": (r"(ide|sata|scsi|virtio)\d+", "invalid boot disk '{value}'"),
    "pve-task-status-type": (_TASK_STATUS, "'{value}' is not a valid task status"),
    "pve-realm": (r"[A-Za-z][A-Za-z0-9.\-_]+", "value does not look like a valid realm"),
    "pve-hotplug-features": (
        r"(0|1|((network|disk|cpu|memory|usb|cloudinit)([,; ]|$))+)",
        "unable to parse hotplug option",
    ),
    "pve-startup-order": (
        r"(\d+|(order|up|down)=\d+)(,(order|up|down)=\d+)*",
        "unable to parse startup options",
    ),
    "pve-cpuset": (r"\s*\d+(-\d+)?(\s*,\s*\d+(-\d+)?)*", "unable to parse cpu set"),
}


def _is_ip(value: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(value).version == version
    except ValueError:
        return False


def _is_interface(value: str, version: int) -> bool:
    address, _, prefix = value.partition("/")
    limit = 32 if version == 4 else 128
    return _is_ip(address, version) and prefix.isdigit() and int(prefix) <= limit


_CHECKS: dict[str, tuple[Callable[[str], bool], str]] = {
    "ipv4": (lambda v: _is_ip(v, 4), "value does not look like a valid IPv4 address"),
    "ipv6": (lambda v: _is_ip(v, 6), "value does not look like a valid IPv6 address"),
    "address": (
        lambda v: _is_ip(v, 4) or _is_ip(v, 6) or _matches("dns-name", v),
        "value does not look like a valid address: {value}",
    ),
    "pve-ipv4-config": (
        lambda v: v == "dhcp" or _is_interface(v, 4),
        "value does not look like a valid ipv4 network configuration",
    ),
    "pve-ipv6-config": (
        lambda v: v in ("auto", "dhcp") or _is_interface(v, 6),
        "value does not look like a valid ipv6 network configuration",
    ),
}


def _matches(name: str, value: str) -> bool:
    return re.fullmatch(_PATTERNS[name][0], value, re.ASCII) is not None


def refusal(name: str, value: str) -> str:
    """Why the value is not of that format, or an empty string. Unknown formats accept all."""
    if name.endswith("-list"):
        items = [item for item in re.split(r"[,;\0\s]+", value) if item]
        return next((text for text in (refusal(name[:-5], i) for i in items) if text), "")
    if name in _PATTERNS:
        is_good, text = _matches(name, value), _PATTERNS[name][1]
    elif name in _CHECKS:
        check, text = _CHECKS[name]
        is_good = check(value)
    else:
        return ""
    return "" if is_good else text.format(value=value) + "\n"
