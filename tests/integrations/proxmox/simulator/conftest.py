from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulator import SimulatorProcess


@pytest.fixture(scope="module")
def _wire_process() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(fixture="wire", time_scale=50) as process:
        yield process


@pytest.fixture(scope="session")
def _demo_process() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(fixture="demo", time_scale=50) as process:
        yield process


@pytest.fixture
def wire(_wire_process: SimulatorProcess) -> SimulatorProcess:
    """The setting of the recordings, fresh."""
    _wire_process.reset("wire")
    return _wire_process


@pytest.fixture
def demo(_demo_process: SimulatorProcess) -> SimulatorProcess:
    """The demo cluster, fresh, at fifty times its speed."""
    _demo_process.reset("demo")
    _demo_process.control("POST", "/clock", {"scale": 50})
    return _demo_process
