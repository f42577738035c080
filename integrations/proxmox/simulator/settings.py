"""The options of a machine: who may set them, how they are stored, when they take effect."""

from __future__ import annotations

import hashlib
import random
import re
from typing import Any
from urllib.parse import unquote

from integrations.proxmox.simulator import access, schema
from integrations.proxmox.simulator.errors import WorkError, forbidden
from integrations.proxmox.simulator.scope import Identity
from integrations.proxmox.simulator.world import Machine, World

DRIVE = re.compile(r"(?:ide|sata|scsi|virtio)\d+|efidisk0|tpmstate0")
NET = re.compile(r"net\d+")
MASK = "**********"
_AT_ONCE = re.compile(
    r"name|description|tags|onboot|protection|startup|shares|autostart|hotplug|unused\d+"
)
_PLUGGABLE = {"disk": re.compile(r"(?:scsi|virtio)\d+"), "network": NET}
_HOTPLUG = "network,disk,usb"
_ROOT_ONLY = re.compile(
    r"args|lock|hookscript|hostpci\d+|parallel\d+|virtiofs\d+|template|migrate_.*"
)
_GROUPS: tuple[tuple[str, str], ...] = (
    (r"ci(user|password|type|custom|upgrade)|sshkeys|ipconfig\d+|nameserver|searchdomain",
     "VM.Config.Cloudinit"),
    (r"cpu|cores|sockets|smp|vcpus|cpulimit|cpuunits|affinity|numa\d*", "VM.Config.CPU"),
    (r"memory|balloon|shares|hugepages|keephugepages|allow-ksm", "VM.Config.Memory"),
    (r"net\d+", "VM.Config.Network"),
    (r"(ide|sata|scsi|virtio)\d+|efidisk0|tpmstate0|unused\d+|cdrom", "VM.Config.Disk"),
    (r"acpi|agent|autostart|boot|bootdisk|description|hotplug|kvm|localtime|name|onboot",
     "VM.Config.Options"),
    (r"ostype|protection|reboot|startdate|startup|tablet|tags|tdf|freeze", "VM.Config.Options"),
)  # fmt: skip
_KEY = re.compile(r"(ssh-(rsa|dss|ed25519)|ecdsa-\S+|sk-\S+)\s+[A-Za-z0-9+/]+={0,3}(\s.*)?")


def group_of(key: str, value: str = "") -> str:
    """Answer the privilege an option belongs to."""
    if DRIVE.fullmatch(key):
        if value.partition(",")[0].endswith("cloudinit"):
            return "VM.Config.Cloudinit"
        if "media=cdrom" in value:
            return "VM.Config.CDROM"
    found = (name for pattern, name in _GROUPS if re.fullmatch(pattern, key))
    return next(found, "VM.Config.HWType")


def authorise(
    world: World, identity: Identity, path: str, values: dict[str, Any], *, pool: str = ""
) -> None:
    """Raise WorkError for what only root may set, ApiError(403) for a missing privilege."""
    for key, value in sorted(values.items()):
        if _ROOT_ONLY.fullmatch(key) and not identity.is_root:
            raise WorkError(f"only root can set '{key}' config")
        group = group_of(key, str(value))
        if pool and access.has(world, identity, f"/pool/{pool}", group):
            continue
        access.require(world, identity, path, group)
        if NET.fullmatch(key) and value:
            authorise_bridge(world, identity, str(value))
        if key == "startup":
            access.require(world, identity, "/", "Sys.Modify")


def authorise_bridge(world: World, identity: Identity, card: str) -> None:
    """Raise ApiError(403) without the right to plug into that bridge."""
    if bridge := schema.parsed("net[n]", card).get("bridge"):
        path = f"/sdn/zones/localnetwork/{bridge}"
        access.require(world, identity, path, "SDN.Use")


def random_mac() -> str:
    tail = ":".join(f"{random.randrange(256):02X}" for _ in range(3))
    return f"BC:24:11:{tail}"


def stored_net(value: str) -> str:
    """Without an address a network card gets a new one, every time it is written."""
    props = schema.parsed("net[n]", value)
    model, mac = props.pop("model", "virtio"), props.pop("macaddr", "") or random_mac()
    rest = [f"{key}={text}" for key, text in props.items()]
    return ",".join([f"{model}={mac.upper()}", *rest])


def stored_tags(value: str) -> str:
    return ";".join(sorted({tag.lower() for tag in re.split(r"[;,\s\0]+", value) if tag}))


def _stored_keys(value: str) -> str:
    """Raise WorkError for what is not a list of public keys."""
    for line in unquote(value).splitlines():
        if line.strip() and not _KEY.fullmatch(line.strip()):
            raise WorkError("SSH public key validation error")
    return value


def stored(key: str, value: Any) -> Any:
    """Spell an option the way the configuration file keeps it; drives come from `drives`."""
    if NET.fullmatch(key):
        return stored_net(str(value))
    if key == "tags":
        return stored_tags(str(value))
    if key == "cipassword":
        return f"$5${hashlib.sha256(str(value).encode()).hexdigest()[:43]}"
    return _stored_keys(str(value)) if key == "sshkeys" else value


def authorise_tags(world: World, identity: Identity, machine: Machine, value: str) -> None:
    """Raise ApiError(403) for tags the cluster's options keep from ordinary users."""
    options = world.collection("options").get("datacenter", {})
    if access.has(world, identity, "/", "Sys.Modify"):
        return
    before = set(stored_tags(str(machine.config.get("tags", ""))).split(";"))
    changed = before ^ set(stored_tags(value).split(";"))
    registered = set(stored_tags(str(options.get("registered-tags", ""))).split(";"))
    rule = dict(p.partition("=")[::2] for p in str(options.get("user-tag-access", "")).split(","))
    allowed = set(rule.get("user-allow-list", "").split(";"))
    mode = rule.get("user-allow", "free")
    for tag in sorted(changed - {""}):
        is_kept = tag in registered or mode == "none" or (mode == "list" and tag not in allowed)
        if is_kept:
            raise forbidden(f"/, Sys.Modify for modifying tag '{tag}'")


def check_boot(config: dict[str, Any]) -> None:
    """Raise WorkError when the boot order names a device that is not there."""
    order = schema.parsed("pve-qm-boot", str(config.get("boot", ""))).get("order", "")
    for device in (name for name in order.split(";") if name):
        if device not in config:
            raise WorkError(f"invalid bootorder: device '{device}' does not exist'")


def default_boot(config: dict[str, Any]) -> str:
    drives = sorted(
        (key for key in config if DRIVE.fullmatch(key) and key[0] != "e" and key[0] != "t"),
        key=lambda key: ("media=cdrom" in str(config[key]), key),
    )
    nets = sorted(key for key in config if NET.fullmatch(key))
    devices = [*drives, *nets[:1]]
    return f"order={';'.join(devices)}" if devices else ""


def digest(machine: Machine) -> str:
    """Hash the configuration, pending part included."""
    text = "".join(f"{k}: {v}\n" for k, v in sorted(machine.config.items()))
    text += "".join(f"[PENDING] {k}: {v}\n" for k, v in sorted(machine.pending.items()))
    text += "".join(f"[{s.name}] {s.description}\n" for s in machine.snapshots.values())
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def check_digest(machine: Machine, expected: str) -> None:
    """Raise WorkError when somebody else was faster."""
    if expected and expected != digest(machine):
        raise WorkError("checksum mismatch (file change by other user?)")


def check_lock(machine: Machine) -> None:
    """Raise WorkError naming the lock of the configuration file."""
    if lock := machine.config.get("lock"):
        raise WorkError(f"VM is locked ({lock})")


def shown(config: dict[str, Any]) -> dict[str, Any]:
    return {key: MASK if key == "cipassword" else value for key, value in config.items()}


def view(machine: Machine, *, current: bool) -> dict[str, Any]:
    """Answer the configuration like `GET config`: with what is pending, unless asked otherwise."""
    config = dict(machine.config)
    if not current:
        for key, value in machine.pending.items():
            if value is None:
                config.pop(key, None)
            else:
                config[key] = value
    return {**shown(config), "digest": digest(machine)}


def pending_view(machine: Machine) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    now, later = shown(machine.config), shown(machine.pending)
    for key, value in [*now.items(), ("digest", digest(machine))]:
        row = {"key": key, "value": value}
        if key in later:
            row |= {"delete": 1} if later[key] is None else {"pending": later[key]}
        rows.append(row)
    rows += [{"key": k, "pending": v} for k, v in later.items() if k not in now and v is not None]
    return rows


def _is_at_once(machine: Machine, key: str) -> bool:
    """Tell whether a running machine takes the change: some kinds of devices may be switched off."""
    chosen = str(machine.config.get("hotplug", _HOTPLUG))
    features = (_HOTPLUG if chosen == "1" else chosen).split(",")
    kinds = (kind for kind, keys in _PLUGGABLE.items() if keys.fullmatch(key))
    return bool(_AT_ONCE.fullmatch(key)) or any(kind in features for kind in kinds)


def put(machine: Machine, key: str, value: Any) -> None:
    """Now, or with the next start when the machine runs and the option cannot be hot-plugged."""
    if machine.is_running and not _is_at_once(machine, key):
        machine.pending[key] = value
        return
    machine.pending.pop(key, None)
    if value is None:
        machine.config.pop(key, None)
    else:
        machine.config[key] = value


def apply_pending(machine: Machine) -> None:
    for key, value in machine.pending.items():
        if value is None:
            machine.config.pop(key, None)
        else:
            machine.config[key] = value
    machine.pending.clear()
