from __future__ import annotations

import socket

import pytest

from config.local.demo import code_digest
from config.local.errors import LocalError
from config.local.ports import HOST
from config.local.programs import Ports


def test_the_ports_have_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORT", raising=False)
    monkeypatch.delenv("SIMULATOR_PORT", raising=False)
    ports = Ports.from_environment()
    assert (ports.web, ports.simulator, ports.control) == (8000, 8006, 8007)


@pytest.mark.parametrize("text", ["eighty", "-1", "0", "65536", "80.5"])
def test_a_wrong_port_is_named(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SIMULATOR_PORT", text)
    with pytest.raises(LocalError, match=f"SIMULATOR_PORT must be a port number, not '{text}'"):
        Ports.from_environment()


def test_a_port_in_use_is_named_with_its_variable() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        ports = Ports(web=port, simulator=port - 10)
        with pytest.raises(LocalError, match=f"port {port} is in use: choose another PORT"):
            ports.check(with_simulator=False)


def test_web_and_control_port_must_differ() -> None:
    with pytest.raises(LocalError, match="must be different"):
        Ports(web=8007, simulator=8006).check(with_simulator=True)


def test_another_database_is_prepared_anew() -> None:
    assert code_digest("postgresql://one") != code_digest("postgresql://two")
