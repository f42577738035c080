from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from config.local.privileges import NOBODY_ID
from config.local.state import PROJECT_DIR
from config.local.testing import shell_environment
from tests.config.local.observation import bare_environment, processes_with, wait_until

ECHO = "import os; print(os.environ['STATE_DIR'], flush=True); "
RUN = [sys.executable, "-m", "config.local.testing", "--"]


def test_the_exit_code_and_output_of_the_command_come_through() -> None:
    command = [*RUN, sys.executable, "-c", "print('= 3 passed ='); raise SystemExit(4)"]
    answer = subprocess.run(
        command,
        env=bare_environment(),
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, answer.stdout) == (4, "= 3 passed =\n")


def test_the_owner_of_test_databases_may_create_them() -> None:
    code = "import os, psycopg; url = os.environ['DATABASE_OWNER_URL']; "
    code += "psycopg.connect(url, autocommit=True).execute('CREATE DATABASE test_uhub')"
    answer = subprocess.run(
        [*RUN, sys.executable, "-c", code], env=bare_environment(), cwd=PROJECT_DIR, check=False
    )
    assert answer.returncode == 0


def test_services_and_their_folder_are_gone_after_the_command() -> None:
    command = [*RUN, sys.executable, "-c", ECHO]
    answer = subprocess.run(
        command,
        env=bare_environment(),
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    folder = answer.stdout.strip()
    assert processes_with(folder) == []
    assert not Path(folder).exists()


def test_kill_9_of_the_runner_leaves_no_service_and_no_command() -> None:
    command = [*RUN, sys.executable, "-c", ECHO + "import signal; signal.pause()"]
    runner = subprocess.Popen(
        command, env=bare_environment(), cwd=PROJECT_DIR, stdout=subprocess.PIPE, text=True
    )
    assert runner.stdout is not None
    folder = runner.stdout.readline().strip()
    assert len(processes_with(folder)) == 1
    runner.kill()
    wait_until(lambda: processes_with(folder) == [])
    assert runner.stdout.read() == ""  # the command held the other end until it died
    shutil.rmtree(folder)


def test_sigterm_is_passed_on_to_the_command() -> None:
    command = [*RUN, sys.executable, "-c", ECHO + "import signal; signal.pause()"]
    runner = subprocess.Popen(
        command, env=bare_environment(), cwd=PROJECT_DIR, stdout=subprocess.PIPE, text=True
    )
    assert runner.stdout is not None
    folder = runner.stdout.readline().strip()
    runner.send_signal(signal.SIGTERM)
    assert runner.wait(timeout=60) == 128 + signal.SIGTERM
    assert not Path(folder).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_services_start_for_an_ordinary_user(tmp_path: Path) -> None:
    packages = Path(pytest.__file__).parents[1]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    python = next(
        (path for path in (sys.executable, f"/usr/bin/python{version}") if is_open(path)), None
    )
    if python is None or not is_open(str(packages)):
        pytest.skip("this Python is private to root")
    identity = ["--reuid", str(NOBODY_ID), "--regid", str(NOBODY_ID), "--clear-groups"]
    env = bare_environment() | {"PYTHONPATH": str(packages), "HOME": "/nonexistent", "TMPDIR": ""}
    env |= {"PYTHONDONTWRITEBYTECODE": "1"}
    answer = subprocess.run(
        ["setpriv", *identity, "--", python, "-m", "config.local.testing", "--", "id", "-u"],
        env=env,
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    # What the services write while they start is no fault: it is shown, and not judged.
    assert (answer.stdout, answer.returncode) == (f"{NOBODY_ID}\n", 0), answer.stderr


def is_open(path: str) -> bool:
    identity = ["--reuid", str(NOBODY_ID), "--regid", str(NOBODY_ID), "--clear-groups"]
    probe = ["setpriv", *identity, "--", "test", "-x", path]
    return subprocess.run(probe, check=False).returncode == 0


def test_shells_that_share_services_get_databases_of_their_own() -> None:
    lines = shell_environment(
        {"DATABASE_URL": "postgresql://uhub@host/uhub", "BROKER_URL": "redis://host/0"}
    )
    script = f"BASHPID=7\n{lines}\necho $DATABASE_URL $BROKER_URL"
    answer = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout == "postgresql://uhub@host/uhub_7 redis://host/16\n"
