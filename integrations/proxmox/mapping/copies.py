"""Snapshots and archives, and the configuration that lies in an archive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote

from integrations.proxmox.errors import PROVIDER, MalformedAnswer
from integrations.proxmox.interface import GuestConfig
from integrations.proxmox.interface.copies import Archive, SnapshotFact
from integrations.proxmox.mapping.guests import guest_config
from integrations.proxmox.mapping.values import entries, flag, integer, marker_parse, text, vmid_of

CONFIG_LIMIT: Final = 64 * 1024
_VOLUME_LIMIT: Final = 255

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_OPTION = re.compile(r"([a-z][a-z0-9_-]{0,40}):\s*(.*)")
_VERIFIED = {"ok": True, "failed": False}


def snapshots(data: object) -> tuple[SnapshotFact, ...]:
    """Return the snapshots of a list that always has the current state, too. Raises: MalformedAnswer."""
    return tuple(_snapshots(data))


def _snapshots(data: object) -> Iterator[SnapshotFact]:
    for entry in entries(data):
        name = text(entry.get("name")) or ""
        if name == "current":
            continue
        if not _NAME.fullmatch(name):
            raise MalformedAnswer("a snapshot has no name", provider=PROVIDER)
        yield SnapshotFact(
            name=name,
            taken_at=_moment(entry.get("snaptime")),
            description=text(entry.get("description")) or "",
            with_memory=flag(entry.get("vmstate")),
            parent=text(entry.get("parent")),
        )


def archives(storage: str, data: object) -> tuple[Archive, ...]:
    """Return the guests' backups in a storage's content; other guests' kinds are left out.

    Raises: MalformedAnswer.
    """
    return tuple(_archives(storage, data))


def _archives(storage: str, data: object) -> Iterator[Archive]:
    for entry in entries(data):
        if entry.get("content", "backup") != "backup" or entry.get("subtype", "qemu") != "qemu":
            continue
        volume = text(entry.get("volid"), _VOLUME_LIMIT + 1) or ""
        if len(volume) > _VOLUME_LIMIT or not volume.startswith(f"{storage}:backup/"):
            continue
        made_at = _moment(entry.get("ctime"))
        if made_at is None or integer(entry.get("vmid")) is None:
            continue
        verification = entry.get("verification")
        state = verification.get("state") if isinstance(verification, dict) else None
        yield Archive(
            volume=volume,
            vmid=vmid_of(entry.get("vmid")),
            made_at=made_at,
            size_bytes=max(0, integer(entry.get("size")) or 0),
            marker=marker_parse(entry.get("notes")),
            is_protected=flag(entry.get("protected")),
            is_verified=_VERIFIED.get(state) if isinstance(state, str) else None,
        )


def archive_config(node: str, vmid: int, data: object) -> GuestConfig:
    """Return the configuration in an archive: its options, and its description out of the comments.

    Sections of snapshots and what vzdump adds for itself are passed over. Raises: MalformedAnswer.
    """
    if not isinstance(data, str):
        raise MalformedAnswer("a configuration was expected", provider=PROVIDER)
    options: dict[str, str] = {}
    comments: list[str] = []
    for line in data[:CONFIG_LIMIT].splitlines():
        if line.startswith("["):
            break
        if line.startswith("#"):
            if not line.startswith("#qmdump#"):
                comments.append(unquote(line[1:]))
        elif (match := _OPTION.fullmatch(line)) is not None:
            options.setdefault(match[1], match[2])
    if comments:
        options["description"] = "\n".join(comments)
    return guest_config(node, vmid, options)


def _moment(value: object) -> datetime | None:
    seconds = integer(value)
    if seconds is None or not 0 < seconds < 2**33:
        return None
    return datetime.fromtimestamp(seconds, UTC)
