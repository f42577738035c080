"""The named formats of Proxmox VE: what a value must look like, and the words of the refusal."""

from __future__ import annotations

import re
from collections.abc import Callable
from zoneinfo import available_timezones

from integrations.proxmox.simulator import addresses, privileges

_LABEL = r"[a-zA-Z0-9]([a-zA-Z0-9\-]*[a-zA-Z0-9])?"
_NAME = r"[A-Za-z0-9.\-_]+"
_USER = r"[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+"
_MAIL_NAME = r"[\w+\-~]+(\.[\w+\-~]+)*"
_MAIL = rf"{_MAIL_NAME}@[a-zA-Z0-9\-]+(\.[a-zA-Z0-9\-]+)*"
_ID = r"(?i:[a-z][a-z0-9\-_.]*[a-z0-9])"
_VOLUME = rf"{_ID}:.+"
_SCSI = r"scsi([0-9]|[12][0-9]|30)"
_VIRTIO = r"virtio([0-9]|1[0-5])"
_DISK = rf"ide[0-3]|sata[0-5]|{_SCSI}|{_VIRTIO}"
_BOOT_DEVICE = rf"{_DISK}|net([0-9]|[12][0-9]|3[01])|usb([0-9]|1[0-3])|hostpci([0-9]|1[0-5])"
_CONTENT = "images|rootdir|vztmpl|iso|backup|snippets|import|none"
_STARTUP = r"((order=)?\d+|(up|down)=\d+|\s*)"
_CPUS = r"\s*\d+(-\d+)?\s*"
_HA_NODE = rf"{_LABEL}(:\d+)?"
_DAY = "mon|tue|wed|thu|fri|sat|sun"
_TIME = r"[\d*,/.]+(:[\d*,/.]+){0,2}"
_DATE = r"[\d*,/.]+(-[\d*,/.]+){1,2}"
_CALENDAR = rf"((({_DAY})[a-z]*([,.]+({_DAY})[a-z]*)*|{_DATE}|{_TIME})\s*)+|[a-z]+ly|[a-z]+annual"
_PORTAL = rf"({addresses.V4}|[A-Za-z0-9.\-]+)(:\d+)?|\[[^\]]+\](:\d+)?"

# name: (regex, the words after `invalid format - `)
_PATTERNS: dict[str, tuple[str, str]] = {
    "urlencoded": (r"[-%a-zA-Z0-9_.!~*'()]*", "invalid urlencoded string: {value}"),
    "pve-configid": (r"(?i:[a-z][a-z0-9_-]+)", "invalid configuration ID '{value}'"),
    "pve-bridge-id": (r"[-_.\w]+", "invalid bridge ID '{value}'"),
    "pve-vmid": (r"[1-9][0-9]{2,8}", "value does not look like a valid VM ID"),
    "pve-node": (_LABEL, "value does not look like a valid node name"),
    "mac-addr": (
        r"(?i:[a-f0-9][02468ace](:[a-f0-9]{2}){5})",
        "value does not look like a valid unicast MAC address",
    ),
    "mac-prefix": (
        r"(?i:[a-f0-9][02468ace](:[a-f0-9]{2}){0,2}:?)",
        "value is not a valid unicast MAC address prefix",
    ),
    "email": (_MAIL, "value does not look like a valid email address"),
    "email-or-username": (
        f"{_MAIL}|{_MAIL_NAME}",
        "value does not look like a valid email address or user name",
    ),
    "dns-name": (rf"({_LABEL}\.)*{_LABEL}", "value does not look like a valid DNS name"),
    "pve-iface": (
        r"(?i:[a-z][a-z0-9_]{1,20}([:.]\d+)?)",
        "invalid network interface name '{value}'",
    ),
    "disk-size": (
        r"\d+(\.\d+)?([KMGT](iB)?)?",
        "value does not look like a valid disk size: {value}",
    ),
    "pve-startup-order": (rf"{_STARTUP}(,{_STARTUP})*", "unable to parse startup options"),
    "pve-tag": (r"(?i:[a-z0-9_][a-z0-9_\-+.]*)", "invalid characters in tag"),
    "pve-task-status-type": ("(?i:ok|error|warning|unknown)", "invalid status '{value}'"),
    "pve-cpuset": (rf"{_CPUS}(,{_CPUS})*", "unable to parse cpuset option"),
    "pve-volume-id": (_VOLUME, "unable to parse volume ID '{value}'"),
    "pve-volume-id-or-qm-path": (
        f"none|cdrom|/.*|{_VOLUME}",
        "unable to parse volume ID '{value}'",
    ),
    "pve-volume-id-or-absolute-path": (f"/.*|{_VOLUME}", "unable to parse volume ID '{value}'"),
    "pve-qm-bootdev": (_BOOT_DEVICE, "invalid boot device '{value}'"),
    "pve-qm-bootdisk": (f"{_DISK}|efidisk0|tpmstate0", "invalid boot disk '{value}'"),
    "pve-phys-bits": (
        r"host|0?[89]|[1-5]\d|6[0-4]",
        "value must be an integer between 8 and 64 or 'host'",
    ),
    "pve-realm": (r"[A-Za-z][A-Za-z0-9.\-_]+", "value does not look like a valid realm"),
    "pve-groupid": (_NAME, "group name '{value}' contains invalid characters"),
    "pve-roleid": (_NAME, "role name '{value}' contains invalid characters"),
    "pve-tokenid": (
        rf"{_USER}![A-Za-z][A-Za-z0-9.\-_]+",
        "value '{value}' does not look like a valid token ID",
    ),
    "pve-ha-resource-id": (r"[a-z]+:\S+", "value does not look like a valid ha resource id"),
    "pve-ha-resource-or-vm-id": (
        r"[a-z]+:\S+|\d+",
        "value does not look like a valid ha resource id",
    ),
    "pve-ha-node": (_HA_NODE, "value does not look like a valid ha node"),
    "pve-day-of-week": (_DAY, "invalid day '{value}'"),
    "pve-calendar-event": (
        _CALENDAR,
        "invalid calendar event '{value}' - unable to parse calendar event",
    ),
    "pve-storage-path": (r"/[^;()]+.*", "value does not look like a valid absolute path"),
    "pve-storage-vgname": (_ID, "lvm name '{value}' contains illegal characters"),
    "pve-storage-portal-dns": (_PORTAL, "value does not look like a valid portal address"),
    "pve-storage-content": (_CONTENT, "invalid content type '{value}'"),
    "pve-storage-options": (r"\S+", "invalid options '{value}'"),
    "pve-dir-override": (rf"({_CONTENT})=[^.]*(\.?[^.]+)+", "invalid override '{value}'"),
    "pve-lxc-mp-string": (
        r"(?!\.\./)((?!/\.\.?(/|$)).)*",
        "{value} contains illegal character sequences",
    ),
    "pve-lxc-dev-string": (
        r"/dev/((?!/\.\.?(/|$)).)*",
        "{value} is not a valid device path",
    ),
}
_LIST_ITEM = re.compile(r"[,;\s]+")
_BUILT_IN_CPUS = re.compile(r"x86-64-v[234](-AES)?|host|max|kvm(32|64)|qemu(32|64)")


def split_list(text: str) -> list[str]:
    if "\0" in text:
        return text.split("\0")
    return [item for item in _LIST_ITEM.split(text) if item]


def _storage_id(value: str) -> str:
    if len(value) < 2:
        return f"storage ID '{value}' cannot be shorter than 2 characters"
    is_good = re.fullmatch(_ID, value)
    return "" if is_good else f"storage ID '{value}' contains illegal characters"


def _user_id(value: str) -> str:
    if len(value) < 3:
        return f"user name '{value}' is too short"
    if len(value) > 64:
        return f"user name '{value}' is too long ({len(value)} > 64)"
    is_good = re.fullmatch(_USER, value)
    return "" if is_good else f"value '{value}' does not look like a valid user name"


def _pool_id(value: str) -> str:
    if value.count("/") > 2:
        return f"pool name '{value}' nested too deeply (max levels = 3)"
    is_good = re.fullmatch(rf"{_NAME}(/{_NAME}){{0,2}}", value)
    return "" if is_good else f"pool name '{value}' contains invalid characters"


def _privilege(value: str) -> str:
    return "" if value in privileges.ALL else f"invalid privilege '{value}'"


def _hotplug(value: str) -> str:
    if value in ("0", "1"):
        return ""
    known = {"network", "disk", "cpu", "memory", "usb", "cloudinit"}
    wrong = (item for item in split_list(value) if item not in known)
    return next((f"invalid hotplug feature '{item}'" for item in wrong), "")


def _vlan(value: str) -> str:
    found = re.fullmatch(r"(\d+)(?:-(\d+))?", value, re.ASCII)
    if found is None:
        return f"invalid VLAN configuration '{value}'"
    ends = [text for text in found.groups() if text]
    wrong = next((text for text in ends if not 2 <= int(text) <= 4094), "")
    if wrong:
        return f"invalid VLAN tag '{wrong}'"
    is_backwards = len(ends) == 2 and int(ends[0]) >= int(ends[1])
    return f"VLAN range must go from lower to higher tag '{value}'" if is_backwards else ""


def _timezone(value: str) -> str:
    is_known = value in ("UTC", "host") or value in available_timezones()
    return "" if is_known else f"invalid time zone '{value}'"


def _storage_pair(value: str) -> str:
    """One of `1`, `target` and `source:target`."""
    parts = [value] if value == "1" or not re.fullmatch("[^:]+:[^:]+", value) else value.split(":")
    wrong = (_storage_id(part) for part in parts if value != "1")
    text = next((text for text in wrong if text), "")
    return f"entry '{value}' contains invalid ID - {text}\n\n" if text else ""


_CHECKS: dict[str, Callable[[str], str]] = {
    **addresses.CHECKS,
    "pve-storage-id": _storage_id,
    "pve-userid": _user_id,
    "pve-poolid": _pool_id,
    "pve-priv": _privilege,
    "pve-hotplug-features": _hotplug,
    "pve-vlan-id-or-range": _vlan,
    "pve-ct-timezone": _timezone,
    "storage-pair": _storage_pair,
}


def refusal(name: str, value: str) -> str:
    """Why the value is not of that format, or an empty string. Unknown formats accept all."""
    if name.endswith("-list"):
        items = (refusal(name[:-5], item) for item in split_list(value))
        return next((text for text in items if text), "")
    if name.endswith("-opt"):
        return refusal(name[:-4], value) if value not in ("", "0") else ""
    text = ""
    if name in _PATTERNS:
        pattern, words = _PATTERNS[name]
        text = "" if re.fullmatch(pattern, value, re.ASCII) else words.format(value=value)
    elif name in _CHECKS:
        text = _CHECKS[name](value)
    return f"{text}\n" if text else ""


def property_refusal(name: str, values: dict[str, str], models: list[str]) -> str:
    """Why properties that are good each for itself do not go together, or an empty string."""
    if name == "prune-backups":
        others = any(int(count) for key, count in values.items() if key != "keep-all")
        is_mixed = values.get("keep-all") == "1" and others
        return "keep-all cannot be set together with other options.\n" if is_mixed else ""
    return _cpu_refusal(values, models) if name == "pve-vm-cpu-conf" else ""


def _cpu_refusal(values: dict[str, str], models: list[str]) -> str:
    kind = values.get("cputype", "")
    if not kind:
        return "CPU is missing cputype\n"
    if kind.startswith("custom-"):
        return f"Custom cputype '{kind.removeprefix('custom-')}' not found\n"
    if not _BUILT_IN_CPUS.fullmatch(kind) and kind not in models:
        return f"Built-in cputype '{kind}' is not defined (missing 'custom-' prefix?)\n"
    if "reported-model" in values:
        return "Property 'reported-model' not allowed in VM-specific CPU config.\n"
    return ""
