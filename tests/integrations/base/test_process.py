"""Scripts that misbehave in every way a script can."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from integrations.base.process import (
    ProcessLimits,
    ProcessResult,
    ScriptRefused,
    script_find,
    script_names,
    script_run,
)

LIMITS = ProcessLimits(timeout_s=60)
# the first that lets a script speak before its time is over: a busy machine starts it late
SHORT_S = (0.6, 3.0, 15.0)
Run = Callable[..., ProcessResult]


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    directory = tmp_path / "scripts"
    directory.mkdir(mode=0o755)
    return directory


def write(scripts: Path, text: str, *, name: str = "it", interpreter: str = "/bin/sh") -> Path:
    path = scripts / name
    path.write_text(f"#!{interpreter}\n{textwrap.dedent(text)}")
    path.chmod(0o755)
    return path


def run(path: Path, *, limits: ProcessLimits = LIMITS, **env: str) -> ProcessResult:
    return script_run(path, env=env, stdin=b'{"a": 1}', limits=limits)


def run_short(path: Path) -> int:
    """Runs a script that says its process id and never ends, until its time is over."""
    for timeout_s in SHORT_S:
        result = run(path, limits=replace(LIMITS, timeout_s=timeout_s))
        assert (result.code, result.reason) == (None, f"it took longer than {timeout_s:g} s")
        if result.output.endswith(b"\n"):
            break
    return int(result.output)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_dead(pid: int) -> None:
    ends_s = time.monotonic() + 60
    while is_alive(pid):
        assert time.monotonic() < ends_s, "the process lives on"
        time.sleep(0.01)


def test_a_script_reads_its_input_and_its_words_and_code_come_back(scripts: Path) -> None:
    result = run(write(scripts, 'cat; echo " $HOOK_WORD"; echo oh >&2; exit 3'), HOOK_WORD="hey")

    assert (result.code, result.output, result.reason) == (3, b'{"a": 1} hey\noh\n', "")


def test_a_script_gets_no_environment_but_its_own(
    scripts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")

    result = run(write(scripts, "env | cut -d= -f1 | sort | tr '\\n' ' '"), HOOK_A="1")

    assert set(result.output.decode().split()) == {"HOME", "HOOK_A", "LANG", "PATH", "PWD"}


def test_the_path_cannot_be_steered(scripts: Path) -> None:
    result = run(write(scripts, 'echo "$PATH"'), PATH="/tmp/evil")

    assert result.output == b"/usr/local/bin:/usr/bin:/bin\n"


def test_a_script_works_in_a_fresh_directory_that_goes_with_it(scripts: Path) -> None:
    result = run(write(scripts, "pwd; touch left; ls"))

    place, *listed = result.output.decode().split()
    assert listed == ["left"]
    assert not Path(place).exists()


def test_a_slow_script_is_ended_with_all_it_started(scripts: Path) -> None:
    started_s = time.monotonic()

    child = run_short(write(scripts, "sleep 300 & echo $!; sleep 300"))

    assert time.monotonic() - started_s < 60
    wait_dead(child)


def test_a_script_that_ignores_sigterm_is_killed(scripts: Path) -> None:
    wait_dead(run_short(write(scripts, "trap '' TERM; echo $$; while :; do sleep 0.1; done")))


def test_children_left_behind_are_killed_and_not_waited_for(scripts: Path) -> None:
    started_s = time.monotonic()

    result = run(write(scripts, "sleep 300 & echo $!; exit 0"))

    assert result.code == 0
    assert time.monotonic() - started_s < 60
    wait_dead(int(result.output))


def test_endless_output_is_cut_and_the_script_killed(scripts: Path) -> None:
    result = run(write(scripts, "yes"))

    assert (result.code, result.reason) == (None, "it wrote more than 1 MiB")
    assert len(result.output) == LIMITS.output_bytes


def test_output_of_a_quick_script_is_cut_too(scripts: Path) -> None:
    result = run(write(scripts, "head -c 100000 /dev/zero"), limits=replace(LIMITS, output_bytes=9))

    assert (result.code, result.output) == (0, b"\0" * 9)


def test_a_script_that_closes_its_output_is_still_waited_for(scripts: Path) -> None:
    result = run(write(scripts, "exec >&- 2>&-; sleep 0.2; exit 4"))

    assert result.code == 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import resource; print(resource.getrlimit(resource.RLIMIT_AS)[1])", b"536870912"),
        ("import resource; print(resource.getrlimit(resource.RLIMIT_CPU)[1])", b"61"),
        ("import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE)[1])", b"64"),
        ("import resource; print(resource.getrlimit(resource.RLIMIT_CORE)[1])", b"0"),
        ("try:\n  bytearray(2**30)\nexcept MemoryError:\n  print('no room')", b"no room"),
        ("import os; print(os.getsid(0) == os.getpid())", b"True"),
    ],
)
def test_a_script_has_little_room(scripts: Path, text: str, words: bytes) -> None:
    result = run(write(scripts, text, interpreter=f"{sys.executable} -IS"))

    assert result.output.strip() == words


def test_a_file_too_large_ends_the_script(scripts: Path) -> None:
    result = run(write(scripts, "exec head -c 20000000 /dev/zero > big"))

    assert (result.code, result.reason) == (None, "it was ended by SIGXFSZ")


def test_a_script_that_dies_of_a_signal_says_so(scripts: Path) -> None:
    result = run(write(scripts, "kill -9 $$"))

    assert (result.code, result.reason) == (None, "it was ended by SIGKILL")


def test_a_killed_worker_takes_its_script_along(scripts: Path, tmp_path: Path) -> None:
    told = tmp_path / "pid"
    path = write(scripts, f"echo $$ > {told}.new; mv {told}.new {told}; exec sleep 300")
    program = (
        "import sys; from pathlib import Path; from integrations.base.process import *\n"
        "script_run(Path(sys.argv[1]), env={}, stdin=b'', limits=ProcessLimits())"
    )
    worker = subprocess.Popen([sys.executable, "-c", program, str(path)])
    ends_s = time.monotonic() + 60
    while not told.exists():
        assert time.monotonic() < ends_s
        time.sleep(0.01)

    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()

    wait_dead(int(told.read_text()))


@pytest.mark.parametrize("name", ["../it", "/bin/sh", "a/b", "", ".hidden", "x" * 65, "a\n"])
def test_a_name_is_never_a_path(scripts: Path, name: str) -> None:
    with pytest.raises(ScriptRefused, match="file name alone"):
        script_find(str(scripts), name)


def test_without_a_directory_there_are_no_scripts() -> None:
    with pytest.raises(ScriptRefused, match="HOOK_SCRIPTS_DIR"):
        script_find("", "it")

    assert script_names("") == ()


def test_only_what_may_run_is_listed(scripts: Path) -> None:
    write(scripts, "", name="good")
    write(scripts, "", name="open").chmod(0o777)
    write(scripts, "", name="plain").chmod(0o644)
    (scripts / "directory").mkdir()
    (scripts / "link").symlink_to("/bin/sh")

    assert script_names(str(scripts)) == ("good",)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.symlink_to("/bin/sh"), "no regular file"),
        (lambda path: path.mkdir(), "no regular file"),
        (os.mkfifo, "no regular file"),
        (lambda path: None, "does not exist"),
        (lambda path: (path.touch(), path.chmod(0o775)), "can be written by others"),
        (lambda path: (path.touch(), path.chmod(0o757)), "can be written by others"),
        (lambda path: (path.touch(), path.chmod(0o644)), "not executable"),
    ],
)
def test_a_file_that_is_not_to_be_trusted_is_refused(
    scripts: Path, make: Callable[[Path], object], words: str
) -> None:
    make(scripts / "it")

    with pytest.raises(ScriptRefused, match=words):
        script_find(str(scripts), "it")


def test_somebody_elses_file_is_refused(scripts: Path) -> None:
    path = write(scripts, "")
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    os.chown(path, 12345, 12345)

    with pytest.raises(ScriptRefused, match="belongs neither to root"):
        script_find(str(scripts), "it")


def test_a_directory_that_others_can_write_is_refused(scripts: Path) -> None:
    write(scripts, "")
    scripts.chmod(0o777)

    with pytest.raises(ScriptRefused, match="directory of approved scripts can be written"):
        script_find(str(scripts), "it")


def test_the_limits_are_the_kernels_words() -> None:
    assert json.loads(json.dumps(ProcessLimits(timeout_s=1.5).rlimits()))["RLIMIT_CPU"] == 2
