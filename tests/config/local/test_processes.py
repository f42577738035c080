from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable

import pytest

from config.local.errors import ProgramError
from config.local.processes import LineLog, Program, Supervisor
from config.local.state import PROJECT_DIR
from tests.config.local.observation import processes_with, wait_until

SLEEPER = "import signal; print('up', flush=True); signal.pause()"
# A supervisor of two programs; the second one has a child of its own in its process group.
DRIVER = """
import signal, subprocess, sys
from config.local.processes import LineLog, Program, Supervisor
mark = sys.argv[1]
def sleeper(name, code):
    code = f"import signal, subprocess, sys\\n{code}"
    return Program(name, [sys.executable, "-c", code, mark], ready_text="up")
polite = "def end(*_):\\n print('ended', flush=True)\\n sys.exit()\\n"
polite += "signal.signal(signal.SIGTERM, end)\\nprint('up', flush=True)\\nsignal.pause()"
parent = "subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()', sys.argv[1]])\\n"
with Supervisor(LineLog()) as supervisor:
    supervisor.start(sleeper("first", polite))
    supervisor.start(sleeper("second", parent + polite))
    print("all up", flush=True)
    supervisor.watch()
"""


def python(code: str, **options: object) -> Program:
    return Program("child", [sys.executable, "-c", code], **options)  # type: ignore[arg-type]


def start_driver(mark: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", DRIVER, mark]
    driver = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT_DIR)
    assert driver.stdout is not None
    while driver.stdout.readline() != "all up\n":
        assert driver.poll() is None
    return driver


@pytest.fixture
def mark() -> str:
    return f"mark-{uuid.uuid4().hex}"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_programs_in_reverse_order(mark: str, number: signal.Signals) -> None:
    driver = start_driver(mark)
    driver.send_signal(number)
    output, _ = driver.communicate(timeout=20)
    assert output.split("\n") == ["second    | ended", "first     | ended", ""]
    assert driver.returncode == 0


def test_an_orderly_end_leaves_no_process(mark: str) -> None:
    driver = start_driver(mark)
    assert len(processes_with(mark)) == 4
    driver.send_signal(signal.SIGTERM)
    driver.communicate(timeout=20)
    assert processes_with(mark) == []


def test_kill_9_of_the_supervisor_leaves_no_process(mark: str) -> None:
    driver = start_driver(mark)
    driver.kill()
    wait_until(lambda: processes_with(mark) == [])


def test_a_program_that_dies_is_named_and_the_others_end(mark: str) -> None:
    with Supervisor(LineLog(io.StringIO())) as supervisor:
        supervisor.start(Program("other", [sys.executable, "-c", SLEEPER, mark], ready_text="up"))
        child = supervisor.start(python(SLEEPER, ready_text="up"))
        child.process.kill()
        with pytest.raises(ProgramError, match=r"^child ended unexpectedly, exit code -9\.$"):
            supervisor.watch()
    assert processes_with(mark) == []


def test_a_program_that_may_is_started_again() -> None:
    log = io.StringIO()

    def end_when_revived() -> None:
        wait_until(lambda: "child ended, exit code -9: starting it again" in log.getvalue())
        wait_until(lambda: log.getvalue().count("up") == 2)
        os.kill(os.getpid(), signal.SIGTERM)

    with Supervisor(LineLog(log, width=1)) as supervisor:
        child = supervisor.start(python(SLEEPER, ready_text="up", is_revived=True))
        child.process.kill()
        ending = threading.Thread(target=end_when_revived)
        ending.start()
        supervisor.watch()
        ending.join()


def test_a_program_that_dies_over_and_over_ends_everything() -> None:
    log = io.StringIO()
    with Supervisor(LineLog(log)) as supervisor:
        supervisor._spawn(python("raise SystemExit(3)", is_revived=True))
        with pytest.raises(ProgramError, match=r"^child ended unexpectedly, exit code 3\.$"):
            supervisor.watch()
    assert log.getvalue().count("starting it again") == 5


def test_a_program_that_is_never_ready_is_named() -> None:
    with (
        pytest.raises(ProgramError, match=r"^child was not ready within 0\.3 s\.$"),
        Supervisor(LineLog(io.StringIO())) as supervisor,
    ):
        supervisor.start(python(SLEEPER, is_ready=lambda: False, ready_timeout_s=0.3))


def test_a_failed_command_is_named_with_its_exit_code() -> None:
    with (
        pytest.raises(ProgramError, match=r"^child failed with exit code 3\.$"),
        Supervisor(LineLog(io.StringIO())) as supervisor,
    ):
        supervisor.run(python("import sys; sys.exit(3)"))


def test_a_program_that_ignores_the_end_is_killed(mark: str) -> None:
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SLEEPER
    log = io.StringIO()
    with Supervisor(LineLog(log)) as supervisor:
        supervisor.start(
            Program(
                "child", [sys.executable, "-c", stubborn, mark], ready_text="up", stop_timeout_s=0.2
            )
        )
    assert "child did not end in time: killed" in log.getvalue()
    assert processes_with(mark) == []


def test_each_line_carries_the_name_of_its_program() -> None:
    log = io.StringIO()
    with Supervisor(LineLog(log)) as supervisor:
        supervisor.run(python("print('one'); print('two')"))
    assert log.getvalue() == "child     | one\nchild     | two\n"


def test_a_quiet_program_speaks_when_it_fails() -> None:
    log = io.StringIO()
    with pytest.raises(ProgramError), Supervisor(LineLog(log)) as supervisor:
        supervisor.run(python("print('why'); raise SystemExit(1)", is_quiet=True))
    assert log.getvalue() == "child     | why\n"


def test_settings_given_on_stdin_reach_the_program() -> None:
    log = io.StringIO()
    with Supervisor(LineLog(log)) as supervisor:
        supervisor.run(python("print(input())", stdin_text="hello\n"))
    assert log.getvalue() == "child     | hello\n"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("raise SystemExit(5)", 5, id="exit code"),
        pytest.param("import os; os.kill(os.getpid(), 15)", 143, id="signal"),
    ],
)
def test_a_command_in_the_foreground_gives_its_exit_code(code: str, expected: int) -> None:
    with Supervisor(LineLog(io.StringIO())) as supervisor:
        found = supervisor.run_in_foreground([sys.executable, "-c", code], dict(os.environ))
    assert found == expected


def test_the_signal_handlers_of_the_caller_come_back() -> None:
    handler: Callable[..., object] = lambda *_: None  # noqa: E731
    previous = signal.signal(signal.SIGHUP, handler)
    try:
        with Supervisor(LineLog(io.StringIO())):
            pass
        assert signal.getsignal(signal.SIGHUP) is handler
    finally:
        signal.signal(signal.SIGHUP, previous)
