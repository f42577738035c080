"""The machine this process runs on, as its operating system tells of it."""

from __future__ import annotations

import platform
import socket
import time
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class MachineFigures:
    """What the machine uses now; bytes are counted since its start, without the loopback."""

    name: str
    system: str
    uptime_s: int
    cpu_cores: int
    cpu_percent: float
    memory_used: int
    memory_size: int
    disk_used: int
    disk_size: int
    disk_read: int | None
    disk_write: int | None
    net_in: int
    net_out: int


def machine_figures() -> MachineFigures:
    """Reads them; the share of the processors is that since the process last asked."""
    memory, disk = psutil.virtual_memory(), psutil.disk_usage("/")
    drives = psutil.disk_io_counters()
    cards = [card for name, card in psutil.net_io_counters(pernic=True).items() if name != "lo"]
    return MachineFigures(
        name=socket.gethostname(),
        system=f"{platform.system()} {platform.release()}",
        uptime_s=max(0, int(time.time() - psutil.boot_time())),
        cpu_cores=psutil.cpu_count() or 1,
        cpu_percent=psutil.cpu_percent(interval=None),
        memory_used=memory.total - memory.available,
        memory_size=memory.total,
        disk_used=disk.used,
        disk_size=disk.total,
        disk_read=drives.read_bytes if drives else None,
        disk_write=drives.write_bytes if drives else None,
        net_in=sum(card.bytes_recv for card in cards),
        net_out=sum(card.bytes_sent for card in cards),
    )
