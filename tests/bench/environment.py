"""What the figures belong to: the machine, the versions, and how safely PostgreSQL writes."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from django.db import connections

_SETTINGS = ("server_version", "fsync", "synchronous_commit", "shared_buffers", "jit")
_PACKAGES = ("django", "djangorestframework", "psycopg", "orjson", "celery", "proxmoxer")


def environment() -> dict[str, Any]:
    """Facts for the JSON report."""
    with connections["default"].cursor() as cursor:
        found = {}
        for name in _SETTINGS:
            cursor.execute(f"SHOW {name}")
            found[name] = cursor.fetchone()[0]
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "load": [round(figure, 2) for figure in os.getloadavg()],
        "system": platform.platform(),
        "python": platform.python_version(),
        "postgresql": found,
        "packages": {name: version(name) for name in _PACKAGES},
    }


def _cpu() -> str:
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor())
