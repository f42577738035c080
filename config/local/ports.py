"""Free TCP ports on the loopback interface, remembered so that URLs stay the same."""

from __future__ import annotations

import json
import socket
from pathlib import Path

HOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """Tell whether a server could listen on `port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port that nobody listens on; the kernel chooses it."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def remembered_port(state_dir: Path, name: str) -> int:
    """Return the port `name` had last time, or a new one where that is taken or unknown."""
    file = state_dir / "ports.json"
    ports: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    if name not in ports or not is_free(ports[name]):
        ports[name] = free_port()
        file.write_text(json.dumps(ports, indent=1, sort_keys=True) + "\n")
    return ports[name]
