from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from config.local.state import PROJECT_DIR
from tests.config.local.observation import (
    bare_environment,
    processes_given,
    processes_with,
    wait_until,
)
from tests.ports import HOST, port_hold

pytestmark = pytest.mark.timeout(900)
SECOND_START_LIMIT_S = 30  # 5 s on an idle machine; the suite may share its cores
PATIENCE_S = 600


class DemoProcess:
    """One run of the demo, its output collected as it comes."""

    def __init__(self, folder: Path, port: int) -> None:
        env = bare_environment() | {"STATE_DIR": str(folder), "PORT": str(port)}
        env |= {"SIMULATOR_PORT": str(port + 1), "SIMULATOR_TIME_SCALE": "20", "DEMO_MACHINES": "4"}
        self.folder = folder
        self.url = f"http://{HOST}:{port}"
        self.lines: list[str] = []
        self.began = time.monotonic()
        self.ready_s = 0.0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "config.local.demo"],
            env=env,
            cwd=PROJECT_DIR,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.append(line.rstrip("\n"))

    def wait_until_ready(self) -> float:
        """Return the seconds it took until the demo said that it is ready."""
        wait_until(self._is_decided, timeout_s=PATIENCE_S)
        assert f"uHub is ready: {self.url}" in self.lines, "\n".join(self.lines)
        self.ready_s = time.monotonic() - self.began
        return self.ready_s

    def _is_decided(self) -> bool:
        return self.process.poll() is not None or f"uHub is ready: {self.url}" in self.lines

    def stop(self, number: signal.Signals) -> int:
        """Signal the supervisor and return its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(timeout=PATIENCE_S)
        self._reader.join(timeout=PATIENCE_S)
        return code

    def remains(self) -> list[int]:
        """Return the processes that belong to this state directory."""
        state = str(self.folder)
        return sorted({*processes_given("STATE_DIR", state), *processes_with(state)})


def free_range(size: int) -> int:
    """Return the first of `size` neighbouring ports that are free together, and kept for the demo."""
    for _ in range(100):
        first = port_hold()
        with suppress(OSError):
            for port in range(first + 1, first + size):
                port_hold(port)
            return first
    raise AssertionError("no free ports")


@pytest.fixture(scope="module")
def demo_folder() -> Iterator[Path]:
    """A state directory on which a first demo has run and ended by Ctrl-C."""
    folder = Path(tempfile.mkdtemp(prefix="uhub-demo-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def first_run(demo_folder: Path) -> DemoProcess:
    demo = DemoProcess(demo_folder, free_range(3))
    demo.wait_until_ready()
    with urllib.request.urlopen(f"{demo.url}/healthz", timeout=PATIENCE_S) as answer:
        demo.lines.append(f"healthz {answer.status}")
    demo.lines.append(f"children {len(demo.remains()) > 5}")
    demo.lines.append(f"exit {demo.stop(signal.SIGINT)}")
    return demo


def test_the_demo_answers_when_it_says_that_it_is_ready(first_run: DemoProcess) -> None:
    assert "healthz 200" in first_run.lines


def test_the_demo_names_its_accounts(first_run: DemoProcess) -> None:
    ready = first_run.lines.index(f"uHub is ready: {first_run.url}")
    table = next(at for at, line in enumerate(first_run.lines[ready:], ready) if "password" in line)
    names = [line.split()[0] for line in first_run.lines[table + 1 : table + 8]]
    roles = ("admin", "support", "ops", "dev", "projets", "viewer")
    assert names == ["uHub", *(f"demo-{role}" for role in roles)]


def test_ctrl_c_ends_the_demo_and_leaves_no_process(first_run: DemoProcess) -> None:
    assert ("children True" in first_run.lines, "exit 0" in first_run.lines) == (True, True)
    assert first_run.remains() == []


def test_what_is_secret_is_private(first_run: DemoProcess) -> None:
    files = [first_run.folder / "demo.env", *(first_run.folder / "secrets").iterdir()]
    assert {oct(file.stat().st_mode & 0o777) for file in files} == {"0o600"}


def test_two_simulated_clusters_answer(first_run: DemoProcess) -> None:
    lines = [line for line in first_run.lines if '"event": "ready"' in line]
    found = {name.strip(): json.loads(text) for name, _, text in (x.partition("|") for x in lines)}
    port = int(first_run.url.rsplit(":", 1)[1])
    assert set(found) == {"cluster-a", "cluster-b"}
    assert found["cluster-a"]["url"] == f"https://{HOST}:{port + 1}"


def test_people_of_the_demo_are_at_work(first_run: DemoProcess) -> None:
    assert "people    | stops atelier-render" in first_run.lines


def test_a_second_start_is_quick_and_kill_9_leaves_no_process(first_run: DemoProcess) -> None:
    demo = DemoProcess(first_run.folder, free_range(3))
    elapsed_s = demo.wait_until_ready()
    demo.process.kill()
    wait_until(lambda: demo.remains() == [])
    assert not any("migrate" in line for line in demo.lines)
    assert elapsed_s < max(SECOND_START_LIMIT_S, first_run.ready_s)


def test_a_second_demo_on_the_same_state_is_told_who_runs(first_run: DemoProcess) -> None:
    holder = first_run.folder / "lock"
    command = (
        "import sys; from pathlib import Path; from config.local.state import StateLock; "
        "lock = StateLock(Path(sys.argv[1])); lock.acquire('a test', patience_s=600); "
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", command, str(holder.parent)],
        cwd=PROJECT_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        demo = DemoProcess(first_run.folder, free_range(3))
        code = demo.process.wait(timeout=PATIENCE_S)
        demo._reader.join(timeout=PATIENCE_S)
    expected = f"uHub: {first_run.folder} is in use by a test (process {other.pid})."
    assert (code, [line[: len(expected)] for line in demo.lines]) == (1, [expected])
    assert os.path.lexists(holder)
