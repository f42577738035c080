"""The demo's name server: private, unprivileged, and absent without harm."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from config.local.name_server import EmbeddedNameServer
from config.local.ports import HOST
from config.local.programs import Ports


@pytest.fixture
def server(tmp_path: Path) -> EmbeddedNameServer:
    found = EmbeddedNameServer.below(tmp_path, port=15_353)
    assert found is not None, "run `make packages`"
    return found


def test_the_key_is_in_a_private_file_and_not_on_the_command_line(
    server: EmbeddedNameServer,
) -> None:
    server.prepare()
    settings = server.folder / "pdns.conf"
    assert server.key in settings.read_text()
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600
    assert server.key not in " ".join(server.program().argv)


def test_it_listens_on_the_loopback_interface_alone(server: EmbeddedNameServer) -> None:
    server.prepare()
    lines = (server.folder / "pdns.conf").read_text().splitlines()
    addresses = {line for line in lines if "address=" in line or "allow-from=" in line}
    assert addresses == {
        "local-address=127.0.0.1",
        "webserver-address=127.0.0.1",
        "webserver-allow-from=127.0.0.1",
    }


def test_without_its_packages_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.local.name_server._SCHEMAS", ())
    assert EmbeddedNameServer.below(tmp_path, port=15_353) is None


def test_a_port_that_nobody_chose_gives_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DNS_PORT", raising=False)
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        ports = Ports(web=8000, simulator=8006, names=port)
        assert ports.with_free_names(tmp_path).names != port
        monkeypatch.setenv("DNS_PORT", str(port))
        assert ports.with_free_names(tmp_path).names == port
