"""Copying bytes from one volume to another: it takes its time, and tells how far it is."""

from __future__ import annotations

from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.tasks import Worker
from integrations.proxmox.simulator.world import GIB, Storage

MAX_PROGRESS_LINES = 10


def _human(size: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


async def transfer(sim: Simulation, worker: Worker, storage: Storage, size: int) -> None:
    """Copy, outside the storage lock, and take the time it takes."""
    duration_s = storage.copy_base_s + size / GIB / storage.copy_gib_per_s
    lines = max(1, min(MAX_PROGRESS_LINES, size // GIB))
    whole = _human(size)
    worker.say(f"transferred 0.0 B of {whole} (0.00%)")
    for number in range(1, lines + 1):
        await sim.clock.sleep(duration_s / lines)
        share = number / lines
        worker.say(f"transferred {_human(size * share)} of {whole} ({share * 100:.2f}%)")
