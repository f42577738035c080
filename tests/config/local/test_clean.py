from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from config.local.clean import state_remove
from config.local.errors import LocalError
from config.local.state import PROJECT_DIR, StateLock
from tests.config.local.observation import processes_with

HOLDER = """
import io, sys
from pathlib import Path
from config.local.processes import LineLog, Program, Supervisor
from config.local.state import StateLock
folder = Path(sys.argv[1])
lock = StateLock(folder)
lock.acquire("a demo")
with Supervisor(LineLog(io.StringIO()), inherited=(lock.descriptor,)) as supervisor:
    sleeper = "import signal; print('up', flush=True); signal.pause()"
    argv = [sys.executable, "-c", sleeper, str(folder)]
    supervisor.start(Program("child", argv, ready_text="up"))
    print("up", flush=True)
    supervisor.watch()
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    (folder / "secrets").mkdir(parents=True)
    return folder


def start_holder(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, str(folder)]
    holder = subprocess.Popen(command, cwd=PROJECT_DIR, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "up\n"
    return holder


def test_a_running_demo_is_ended_and_its_state_removed(state: Path) -> None:
    holder = start_holder(state)
    state_remove(state)
    assert holder.wait(timeout=60) == 0
    assert processes_with(str(state)) == []
    assert not state.exists()


def test_the_state_stays_taken_until_the_children_of_a_killed_holder_are_gone(state: Path) -> None:
    holder = start_holder(state)
    holder.kill()
    holder.wait(timeout=60)
    lock = StateLock(state)
    lock.acquire("the next demo")
    assert processes_with(str(state)) == []


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(LocalError, match="does not look like a state directory"):
        state_remove(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_nothing_to_clean_is_fine(tmp_path: Path) -> None:
    state_remove(tmp_path / "absent")
