"""Backups: what they are called, what they hold, and which of them a retention removes."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from integrations.proxmox.simulator import drives, schema, snapshots
from integrations.proxmox.simulator.errors import WorkError
from integrations.proxmox.simulator.world import GIB, Machine, Storage, Volume, World

_SUFFIXES = {"0": "vma", "1": "vma.lzo", "lzo": "vma.lzo", "gzip": "vma.gz", "zstd": "vma.zst"}
_COMPRESSED_SHARE = 0.4
# Everything printable but the colon and the percent sign stands for itself.
_PLAIN = "".join(chr(c) for c in range(0x20, 0x7F) if chr(c) not in ":%")
_NOT_KEPT = ("lock", "parent", "digest", "vmgenid")
_Period = Callable[[time.struct_time], Any]
_PERIODS: tuple[tuple[str, _Period], ...] = (
    ("keep-last", lambda _: None),
    ("keep-hourly", lambda t: time.strftime("%Y/%j/%H", t)),
    ("keep-daily", lambda t: time.strftime("%Y/%j", t)),
    ("keep-weekly", lambda t: time.strftime("%G/%V", t)),
    ("keep-monthly", lambda t: time.strftime("%Y/%m", t)),
    ("keep-yearly", lambda t: time.strftime("%Y", t)),
)


def of(world: World, storage: str, vmid: int | None = None) -> list[Volume]:
    """Answer the backups on a storage, oldest first."""
    found = [
        volume
        for volume in world.volumes.values()
        if volume.content == "backup" and volume.storage == storage and vmid in (None, volume.vmid)
    ]
    return sorted(found, key=lambda volume: volume.created)


def volid(storage: Storage, vmid: int, created: int, compress: str) -> str:
    if storage.kind == "pbs":
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(created))
        return f"{storage.name}:backup/vm/{vmid}/{stamp}"
    stamp = time.strftime("%Y_%m_%d-%H_%M_%S", time.localtime(created))
    return f"{storage.name}:backup/vzdump-qemu-{vmid}-{stamp}.{_SUFFIXES[compress]}"


def begun(world: World, storage: Storage, machine: Machine, now: float, compress: str) -> Volume:
    """Answer the volume of a new backup, empty still; a name is taken only once."""
    created = int(now)
    while volid(storage, machine.vmid, created, compress) in world.volumes:
        created += 1
    name = volid(storage, machine.vmid, created, compress)
    return Volume(name, storage.name, "", machine.vmid, 0, content="backup", created=created)


def fill(world: World, machine: Machine, volume: Volume, *, compress: str) -> None:
    """Take in configuration and bytes as they are now."""
    disks = [
        (key, disk)
        for key, disk in snapshots.disks_of(world, machine.config)
        if not drives.is_left_out(key, str(machine.config[key]))
    ]
    whole = sum(disk.size for _, disk in disks)
    volume.size = max(4096, int(whole * (1 if compress == "0" else _COMPRESSED_SHARE)))
    volume.archive = {
        "config": {k: v for k, v in machine.config.items() if _is_kept(k)},
        "guest": machine.guest,
        "disks": {
            key: {"volid": disk.volid, "size": disk.size, "fingerprint": disk.fingerprint}
            for key, disk in disks
        },
    }
    volume.fingerprint = "+".join(disk.fingerprint for _, disk in disks) or "blank:0"


def _is_kept(key: str) -> bool:
    return key not in _NOT_KEPT and not key.startswith("unused")


def note(template: str, *, cluster: str, machine: Machine) -> str:
    """Fill the holes of a notes template."""
    holes = {
        "{{guestname}}": machine.name,
        "{{vmid}}": str(machine.vmid),
        "{{node}}": machine.node,
        "{{cluster}}": cluster,
        "\\n": "\n",
    }
    for hole, text in holes.items():
        template = template.replace(hole, text)
    return template


def retention(text: str) -> dict[str, int]:
    """Read `keep-last=3,keep-daily=7`.

    Raises WorkError when it would keep nothing.
    """
    values = schema.parsed("prune-backups", text)
    kept = {key: int(value) for key, value in values.items() if int(value)}
    if not kept:
        raise WorkError("at least one keep-option must be set and positive")
    return kept


def marked(backups: Iterable[Volume], keep: dict[str, int]) -> list[tuple[Volume, str]]:
    """Say of each backup whether it is kept, removed or protected, newest first per machine."""
    groups: dict[int, list[Volume]] = defaultdict(list)
    for volume in sorted(backups, key=lambda volume: -volume.created):
        groups[volume.vmid].append(volume)
    return [row for _, group in sorted(groups.items()) for row in _marked_group(group, keep)]


def _marked_group(newest_first: list[Volume], keep: dict[str, int]) -> list[tuple[Volume, str]]:
    """Each period keeps the newest backup of its latest spans that no earlier one has kept."""
    marks = {v.volid: "protected" for v in newest_first if v.is_protected}
    free = [volume for volume in newest_first if volume.volid not in marks]
    if keep.get("keep-all"):
        marks |= {volume.volid: "keep" for volume in free}
    for option, span_of in _PERIODS:
        _mark_period(free, marks, keep.get(option, 0), span_of)
    return [(volume, marks.get(volume.volid, "remove")) for volume in newest_first]


def _mark_period(free: list[Volume], marks: dict[str, str], limit: int, span_of: _Period) -> None:
    spans = {
        span_of(time.localtime(volume.created))
        for volume in free
        if marks.get(volume.volid) == "keep"
    } - {None}
    left = limit
    for volume in free:
        span = span_of(time.localtime(volume.created))
        if left == 0 or volume.volid in marks or span in spans:
            continue
        marks[volume.volid] = "keep"
        left -= 1
        if span is not None:
            spans.add(span)


def text(archive: dict[str, Any]) -> str:
    """Spell the configuration that lies in a backup: the description as comments, line by line."""
    config = dict(archive["config"])
    comments = [f"#{quote(line, safe=_PLAIN)}" for line in _lines(config.pop("description", ""))]
    lines = [f"{key}: {value}" for key, value in sorted(config.items())]
    maps = [_dump_map(key, disk) for key, disk in archive["disks"].items()]
    return "\n".join([*comments, *lines, *maps]) + "\n"


def _lines(description: object) -> list[str]:
    return str(description).splitlines()


def _dump_map(key: str, disk: dict[str, Any]) -> str:
    """What vzdump notes for itself about a disk."""
    storage = str(disk["volid"]).partition(":")[0]
    return f"#qmdump#map:{key}:drive-{key}:{storage}:raw:"


def found(world: World, name: str) -> Volume:
    """Raise WorkError when there is no such backup."""
    volume = world.volumes.get(name)
    if volume is None or volume.content != "backup":
        raise WorkError(f"volume '{name}' does not exist")
    return volume


def copy_s(storage: Storage, size: int) -> float:
    return storage.copy_base_s + size / GIB / storage.copy_gib_per_s
