from __future__ import annotations

from pathlib import Path

import pytest

from config.local.programs import Ports
from config.local.simulators import simulated_clusters

PORTS = Ports(web=8000, simulator=9000)


def test_each_cluster_is_reached_over_tls_with_its_own_authority(tmp_path: Path) -> None:
    first, second = simulated_clusters(PORTS, tmp_path)
    assert first.environment == {
        "PROXMOX_URL": "https://127.0.0.1:9000",
        "PROXMOX_TOKEN_ID": "uhub@pve!portal",
        "PROXMOX_TOKEN_SECRET": "44444444-4444-4444-4444-444444444444",
        "PROXMOX_CA_FILE": str(tmp_path / "simulator" / "ca.pem"),
    }
    assert second.environment == {
        "PROXMOX_SECOND_URL": f"https://127.0.0.1:{second.port}",
        "PROXMOX_SECOND_TOKEN_ID": "uhub@pve!portal",
        "PROXMOX_SECOND_TOKEN_SECRET": "55555555-5555-5555-5555-555555555555",
        "PROXMOX_SECOND_CA_FILE": str(tmp_path / "simulator-b" / "ca.pem"),
    }


def test_the_second_cluster_keeps_its_ports(tmp_path: Path) -> None:
    before, after = (simulated_clusters(PORTS, tmp_path)[1] for _ in range(2))
    assert (before.port, before.control) == (after.port, after.control)
    assert len({before.port, before.control, PORTS.simulator, PORTS.control}) == 4


def test_the_time_scale_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMULATOR_TIME_SCALE", "7")
    (cluster, _) = simulated_clusters(PORTS, tmp_path)
    assert cluster.program({}).argv[-2:] == ["--time-scale", "7"]
