from __future__ import annotations

import pytest

from tests.integrations.proxmox.simulator.recording import EXCHANGES, Replay
from tests.simulator import SimulatorProcess


@pytest.fixture(scope="module")
def replay(_wire_process: SimulatorProcess) -> Replay:
    _wire_process.reset("wire")
    replay = Replay(_wire_process)
    replay.run(EXCHANGES)
    return replay


def test_every_recorded_exchange_is_replayed(replay: Replay) -> None:
    assert replay.count == 156


def test_the_simulator_answers_like_the_recordings(replay: Replay) -> None:
    assert replay.differences == {}
