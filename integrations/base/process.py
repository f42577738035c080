"""Running an approved script: no shell, own session, little room, a deadline for all it has started.

Only files of one directory run, named without a path; directory and file belong to root or to us and
nobody else can write them. A script gets the environment that it is given, a fresh directory to work
in, and its input from a file. When it ends, is too slow or writes without end, its whole process group
is killed. When the worker dies, the kernel kills the script.

Processes are counted per user by the kernel, and not at all for root: run workers as a user of their
own. A script that starts a session of its own leaves the group; whoever approves scripts reads them.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from integrations.base.errors import NotExecuted, Permanent

_LAUNCHER: Final = str(Path(__file__).with_name("launcher.py"))
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_CHUNK: Final = 64 * 1024
_FLOOD_BYTES: Final = 1024 * 1024
_GRACE_S: Final = 1.0
_MIB: Final = 1024 * 1024


class ScriptRefused(Permanent):
    """There is no such approved script, or its file is not one that may be run."""


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """How much a script may take."""

    timeout_s: float = 30.0
    memory_mb: int = 512
    file_mb: int = 16
    open_files: int = 64
    processes: int = 64
    output_bytes: int = 64 * 1024

    def rlimits(self) -> dict[str, int]:
        """The same in the kernel's words."""
        return {
            "RLIMIT_CPU": int(self.timeout_s) + 1,
            "RLIMIT_AS": self.memory_mb * _MIB,
            "RLIMIT_FSIZE": self.file_mb * _MIB,
            "RLIMIT_NOFILE": self.open_files,
            "RLIMIT_NPROC": self.processes,
            "RLIMIT_CORE": 0,
        }


@dataclass(frozen=True, slots=True)
class ProcessResult:
    """How a script ended; `code` is None when it was killed, and `reason` says why."""

    code: int | None
    output: bytes = field(repr=False)
    duration_ms: int = 0
    reason: str = ""


def script_find(directory: str, name: str) -> Path:
    """Return the file of an approved script. Raises: ScriptRefused."""
    if not directory:
        raise ScriptRefused("no directory of approved scripts is set up (HOOK_SCRIPTS_DIR)")
    root = Path(directory).resolve()
    if not _NAME.fullmatch(name):
        raise ScriptRefused("a script is named by its file name alone")
    _trust_demand(root, "the directory of approved scripts", is_directory=True)
    path = root / name
    _trust_demand(path, f"the script {name}", is_directory=False)
    if not os.access(path, os.X_OK):
        raise ScriptRefused(f"the script {name} is not executable")
    return path


def script_names(directory: str) -> tuple[str, ...]:
    """Return the names of the approved scripts that may be run."""
    names = []
    with suppress(OSError):
        for path in sorted(Path(directory).iterdir()) if directory else ():
            with suppress(ScriptRefused):
                script_find(directory, path.name)
                names.append(path.name)
    return tuple(names)


def script_run(
    path: Path, *, env: Mapping[str, str], stdin: bytes, limits: ProcessLimits
) -> ProcessResult:
    """Run a script to its end or to its deadline. Raises: NotExecuted when it could not be started."""
    started_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="uhub-hook-") as place, tempfile.TemporaryFile() as fed:
        fed.write(stdin)
        fed.seek(0)
        base = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": place}
        arguments = [json.dumps(limits.rlimits()), str(os.getpid()), str(path)]
        try:
            process = subprocess.Popen(  # noqa: S603 - the path was judged
                [sys.executable, "-I", "-S", _LAUNCHER, *arguments],
                stdin=fed,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=place,
                env={**env, **base},
                start_new_session=True,
                close_fds=True,
            )
        except OSError as error:
            raise NotExecuted(f"the script could not be started: {error}") from error
        try:
            output, reason = _followed(process, limits, ends_s=started_s + limits.timeout_s)
        finally:
            _group_kill(process)
    code = process.returncode
    if not reason and code < 0:
        reason = f"it was ended by {_signal_name(-code)}"
    return ProcessResult(
        code=None if reason else code,
        output=output,
        duration_ms=round((time.monotonic() - started_s) * 1000),
        reason=reason,
    )


def _followed(
    process: subprocess.Popen[bytes], limits: ProcessLimits, *, ends_s: float
) -> tuple[bytes, str]:
    """Read what it writes until the script itself has ended; its children are not waited for."""
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    kept, seen = bytearray(), 0
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        is_open = True
        while process.poll() is None:
            left_s = ends_s - time.monotonic()
            if left_s <= 0:
                _terminate(process)
                return bytes(kept), f"it took longer than {limits.timeout_s:g} s"
            if not is_open:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(left_s)
                continue
            if selector.select(min(left_s, 0.1)):
                chunk = _read(process.stdout)
                is_open = chunk != b""
                seen += len(chunk or b"")
                kept += (chunk or b"")[: limits.output_bytes - len(kept)]
            if seen > _FLOOD_BYTES:
                _group_kill(process)
                return bytes(kept), "it wrote more than 1 MiB"
    while chunk := _read(process.stdout):
        kept += chunk[: limits.output_bytes - len(kept)]
        seen += len(chunk)
        if seen > _FLOOD_BYTES:
            break
    return bytes(kept), ""


def _read(stream: IO[bytes]) -> bytes | None:
    """Return what is there; b"" at the end, None when there is nothing yet."""
    try:
        return os.read(stream.fileno(), _CHUNK)
    except BlockingIOError:
        return None


def _terminate(process: subprocess.Popen[bytes]) -> None:
    """Ask the group to end, then make it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_S)
    _group_kill(process)


def _group_kill(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the group; it is ours as long as its leader or a child of it lives."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _trust_demand(path: Path, words: str, *, is_directory: bool) -> None:
    try:
        found = path.lstat()
    except OSError as error:
        raise ScriptRefused(f"{words} does not exist") from error
    is_kind = stat.S_ISDIR(found.st_mode) if is_directory else stat.S_ISREG(found.st_mode)
    if not is_kind:
        raise ScriptRefused(f"{words} is no {'directory' if is_directory else 'regular file'}")
    if found.st_uid not in {0, os.geteuid()}:
        raise ScriptRefused(f"{words} belongs neither to root nor to the service")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ScriptRefused(f"{words} can be written by others")
