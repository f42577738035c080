"""The demo's simulated clusters: two programs, two ports, two certificates, one way to reach them."""

from __future__ import annotations

import json
import os
import socket
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from config.local.ports import HOST, remembered_port
from config.local.processes import Program
from config.local.programs import Ports

TOKEN_ID = "uhub@pve!portal"  # noqa: S105 - the public name of a token
SEEDING_SCALE = "40"


@dataclass(frozen=True)
class SimulatedCluster:
    """One run of the bundled Proxmox VE simulator.

    `prefix` is what its environment variables begin with; `token` opens the fixture.
    """

    name: str
    fixture: str
    prefix: str
    token: str
    port: int
    control: int
    folder: Path

    @property
    def url(self) -> str:
        """Where its API answers."""
        return f"https://{HOST}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What leads uHub to it."""
        return {
            f"{self.prefix}_URL": self.url,
            f"{self.prefix}_TOKEN_ID": TOKEN_ID,
            f"{self.prefix}_TOKEN_SECRET": self.token,
            f"{self.prefix}_CA_FILE": str(self.folder / "ca.pem"),
        }

    def program(self, env: dict[str, str]) -> Program:
        """Return it as the supervisor starts it."""
        options = ["--port", str(self.port), "--control-port", str(self.control)]
        options += ["--state", str(self.folder), "--fixture", self.fixture]
        options += ["--time-scale", time_scale()]
        return Program(
            name=self.name,
            argv=[sys.executable, "-m", "integrations.proxmox.simulator", *options],
            env=env,
            is_revived=True,
            is_ready=lambda: _listens(self.port) and _listens(self.control),
        )

    def hurry(self, scale: str) -> None:
        """Let its time pass `scale` times as fast, at once."""
        self._order("clock", {"scale": float(scale)})

    def stranger_appears(self, *, vmid: int, node: str, name: str) -> None:
        """Let somebody else's machine appear, as if it had been made on the node by hand."""
        self._order("foreign-vm", {"vmid": vmid, "node": node, "name": name})

    def _order(self, what: str, body: dict[str, object]) -> None:
        request = urllib.request.Request(
            f"http://{HOST}:{self.control}/{what}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 - our own loopback address


def simulated_clusters(ports: Ports, folder: Path) -> tuple[SimulatedCluster, ...]:
    """Return the demo's clusters; the second takes ports of its own choice and remembers them."""
    second = (
        remembered_port(folder, "simulator-b"),
        remembered_port(folder, "simulator-b-control"),
    )
    return (
        SimulatedCluster(
            name="cluster-a",
            fixture="demo",
            prefix="PROXMOX",
            token="44444444-4444-4444-4444-444444444444",  # noqa: S106 - the fixture's own
            port=ports.simulator,
            control=ports.control,
            folder=folder / "simulator",
        ),
        SimulatedCluster(
            name="cluster-b",
            fixture="demo-b",
            prefix="PROXMOX_SECOND",
            token="55555555-5555-5555-5555-555555555555",  # noqa: S106 - the fixture's own
            port=second[0],
            control=second[1],
            folder=folder / "simulator-b",
        ),
    )


def time_scale() -> str:
    """Return how much faster than real the simulated clusters work."""
    return os.environ.get("SIMULATOR_TIME_SCALE") or "1"


def _listens(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=2).close()
    except OSError:
        return False
    return True
