#!/usr/bin/env python3
"""Tells uHub what this Linux host uses: CPU, memory, disk, network. Python 3.8 or newer, nothing else.

UHUB_PROBE_URL       https://…/api/probes/samples
UHUB_PROBE_TOKEN     the token shown when the host was added
UHUB_PROBE_INTERVAL  seconds between two words (60)
UHUB_PROBE_DISK      the file system that is watched (/)
UHUB_PROBE_CA        a file of certificates to trust, instead of the system's

It reads /proc, runs nothing, and needs no privilege. What uHub does not take is told on standard error and
tried again with the next interval; old figures are not kept.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

SECTOR = 512
TIMEOUT_S = 10
WHOLE_DISKS = ("sd", "vd", "xvd", "nvme", "mmcblk", "hd")


def text_of(path: str) -> str:
    """The text of a file of the system."""
    return Path(path).read_text(encoding="ascii", errors="replace")


def cpu_times() -> tuple[int, int]:
    """Ticks spent on anything, and ticks in all, since the start."""
    ticks = [int(word) for word in text_of("/proc/stat").split("\n", 1)[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, sum(ticks)


def memory() -> tuple[int, int]:
    """Bytes in use and bytes in all."""
    sizes = {}
    for line in text_of("/proc/meminfo").splitlines():
        name, _, rest = line.partition(":")
        sizes[name] = int(rest.split()[0]) * 1024
    return sizes["MemTotal"] - sizes.get("MemAvailable", sizes["MemFree"]), sizes["MemTotal"]


def disk_flow() -> tuple[int, int]:
    """Bytes read from and written to whole disks since the start."""
    read = written = 0
    for line in text_of("/proc/diskstats").splitlines():
        words = line.split()
        if words[2].startswith(WHOLE_DISKS) and Path("/sys/block", words[2]).exists():
            read += int(words[5]) * SECTOR
            written += int(words[9]) * SECTOR
    return read, written


def network_flow() -> tuple[int, int]:
    """Bytes received and sent since the start, without the loopback."""
    received = sent = 0
    for line in text_of("/proc/net/dev").splitlines()[2:]:
        name, _, rest = line.partition(":")
        if name.strip() != "lo":
            words = rest.split()
            received += int(words[0])
            sent += int(words[8])
    return received, sent


def sample(before: tuple[int, int], disk: str) -> tuple[tuple[int, int], dict[str, float | str]]:
    """What the host uses; the share of the CPU is that since `before`."""
    busy, ticks = cpu_times()
    passed = ticks - before[1]
    used, size = memory()
    space = shutil.disk_usage(disk)
    read, written = disk_flow()
    received, sent = network_flow()
    return (busy, ticks), {
        "cpu_percent": round(100.0 * (busy - before[0]) / passed, 2) if passed > 0 else 0.0,
        "cpu_cores": os.cpu_count() or 1,
        "memory_used": used,
        "memory_size": size,
        "disk_used": space.used,
        "disk_size": space.total,
        "disk_read_total": read,
        "disk_write_total": written,
        "net_in_total": received,
        "net_out_total": sent,
        "uptime_s": int(float(text_of("/proc/uptime").split()[0])),
        "system": platform.system() + " " + platform.release(),
    }


def tell(url: str, token: str, body: dict[str, float | str], context: ssl.SSLContext) -> str:
    """Posts one sample; answers why uHub did not take it, or nothing."""
    request = urllib.request.Request(  # noqa: S310 - main lets no other scheme in
        url,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "X-Probe-Token": token},
    )
    try:
        with urllib.request.urlopen(  # noqa: S310 - see above
            request, timeout=TIMEOUT_S, context=context
        ):
            return ""
    except urllib.error.HTTPError as error:
        return f"{error.code}: {error.read(500).decode('utf-8', 'replace')}"
    except OSError as error:
        return str(error)


def main() -> None:
    """Speaks until it is ended; with --once, a single time after a second."""
    try:
        url, token = os.environ["UHUB_PROBE_URL"], os.environ["UHUB_PROBE_TOKEN"]
    except KeyError as error:
        sys.exit(f"Set the {error} environment variable.")
    if not url.startswith(("https://", "http://")):
        sys.exit("UHUB_PROBE_URL must begin with https:// or http://.")
    is_once = "--once" in sys.argv[1:]
    interval_s = 1.0 if is_once else max(10.0, float(os.environ.get("UHUB_PROBE_INTERVAL", "60")))
    disk = os.environ.get("UHUB_PROBE_DISK", "/")
    context = ssl.create_default_context(cafile=os.environ.get("UHUB_PROBE_CA") or None)
    before = cpu_times()
    while True:
        time.sleep(interval_s)
        before, body = sample(before, disk)
        problem = tell(url, token, body, context)
        if problem:
            sys.stderr.write(f"uHub did not take the sample: {problem}\n")
            sys.stderr.flush()
        if is_once:
            sys.exit(1 if problem else 0)


if __name__ == "__main__":
    main()
