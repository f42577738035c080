"""A small supervisor: named children in process groups of their own, one log, one ordered end.

uHub's own processes must survive `kill -9`, and the demo is where people try it: once everything is up,
a program marked `is_revived` that dies is named and started again. One that dies over and over, or any other,
ends everything and is named as the culprit.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from config.local.errors import ProgramError, StopRequestedError
from config.local.state import PROJECT_DIR

POLL_S = 0.05
IMPATIENCE_S = 2
REVIVALS = 5
REVIVALS_WITHIN_S = 60
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WATCHDOG = Path(__file__).with_name("watchdog.py")


@dataclass(frozen=True)
class Program:
    """What to start, how to tell that it is ready, and how to end it."""

    name: str
    argv: list[str]
    env: Mapping[str, str] | None = None
    cwd: Path = PROJECT_DIR
    stdin_text: str = ""
    is_ready: Callable[[], bool] = lambda: True
    ready_text: str = ""
    ready_timeout_s: float = 60
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 10
    is_revived: bool = False  # started again when it dies while everything runs
    is_quiet: bool = False  # what it says is shown only when it fails


class LineLog:
    """One stream for the output of all programs, a prefix per line, coloured on a terminal."""

    COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)

    def __init__(self, stream: IO[str] | None = None, *, width: int = 9) -> None:
        self._stream = stream or sys.stdout
        self._width = width
        self._guard = threading.Lock()
        self._names: list[str] = []

    def write(self, name: str, line: str) -> None:
        """Write one line of the program `name`; a closed terminal is no reason to fail."""
        with self._guard, suppress(OSError, ValueError):
            self._stream.write(f"{self._prefix(name)} {line}\n")
            self._stream.flush()

    def say(self, text: str) -> None:
        """Write text of our own, without a prefix, so that it stands out."""
        with self._guard, suppress(OSError, ValueError):
            self._stream.write(f"{text}\n")
            self._stream.flush()

    def _prefix(self, name: str) -> str:
        text = f"{name:<{self._width}} |"
        if not self._stream.isatty() or "NO_COLOR" in os.environ:
            return text
        if name not in self._names:
            self._names.append(name)
        colour = self.COLOURS[self._names.index(name) % len(self.COLOURS)]
        return f"\x1b[{colour}m{text}\x1b[0m"


@dataclass
class Child:
    """A started program."""

    program: Program
    process: subprocess.Popen[str]
    pump: threading.Thread
    has_own_group: bool = True
    has_announced: threading.Event = field(default_factory=threading.Event)
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=20))

    def is_ready(self) -> bool:
        """Tell whether the program said and shows that it is ready."""
        return self.has_announced.is_set() and self.program.is_ready()

    @property
    def target(self) -> int:
        """What a signal goes to: the whole group where the child leads one."""
        return -self.process.pid if self.has_own_group else self.process.pid

    def send(self, number: signal.Signals) -> None:
        """Signal the child; one that is gone already needs none."""
        with suppress(ProcessLookupError):
            os.kill(self.target, number)

    def is_gone(self) -> bool:
        """Tell whether the child, and its group where it leads one, have ended."""
        if self.process.poll() is None:
            return False
        try:
            os.kill(self.target, 0)
        except (ProcessLookupError, PermissionError):
            return True
        return not self.has_own_group


@dataclass
class Supervisor:
    """Starts programs one after the other and ends them in the opposite order.

    Used as a context manager, from the main thread: it owns the signal handlers meanwhile.
    """

    log: LineLog
    inherited: tuple[int, ...] = ()
    _children: list[Child] = field(default_factory=list)
    _previous: dict[int, object] = field(default_factory=dict)
    _stop_requested_at: float = 0
    _is_urgent: bool = False
    _watchdog: subprocess.Popen[str] | None = None
    _deaths: dict[str, deque[float]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=REVIVALS))
    )

    def __enter__(self) -> Supervisor:
        for number in SIGNALS:
            self._previous[number] = signal.signal(number, self._request_stop)
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", str(WATCHDOG)],
            stdin=subprocess.PIPE,
            text=True,
            cwd=PROJECT_DIR,
            start_new_session=True,
            pass_fds=self.inherited,
        )
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            self._dismiss_watchdog()
            for number, handler in self._previous.items():
                signal.signal(number, handler)  # type: ignore[arg-type]

    @property
    def is_stop_requested(self) -> bool:
        """Whether somebody asked for the end."""
        return self._stop_requested_at > 0

    def start(self, program: Program) -> Child:
        """Start `program` and wait until it is ready.

        Raises ProgramError when it ends or its time runs out, StopRequestedError on a signal.
        """
        return self.start_all([program])[0]

    def start_all(self, programs: Sequence[Program]) -> list[Child]:
        """Start `programs` at once, in this order, and wait until all of them are ready.

        Raises ProgramError when one ends or its time runs out, StopRequestedError on a signal.
        """
        began = time.monotonic()
        children = [self._spawn(program) for program in programs]
        for child in children:
            while not child.is_ready():
                self.raise_if_stopping()
                self._find_dead()
                self._check_time(child, began)
                time.sleep(POLL_S)
        self._find_dead()
        return children

    def run(self, program: Program) -> None:
        """Run a program that ends by itself, such as a migration.

        Raises ProgramError when it fails, StopRequestedError when a signal came first.
        """
        child = self._spawn(program)
        while child.process.poll() is None:
            if self.is_stop_requested:
                self._end(child)
            time.sleep(POLL_S / 2)
        self._drain(child)
        self._forget(child)
        self.raise_if_stopping()
        if child.process.returncode != 0:
            raise ProgramError(f"{program.name} failed with exit code {child.process.returncode}.")

    def run_in_foreground(self, argv: list[str], env: Mapping[str, str]) -> int:
        """Run a command on our own terminal and return its exit code.

        It stays in our process group, so that Ctrl-C reaches it directly and a debugger can
        read the keyboard; SIGTERM is passed on.
        """
        process = subprocess.Popen(argv, env=dict(env), text=True)
        child = Child(Program("command", argv), process, threading.Thread(), has_own_group=False)
        self._remember(child)
        is_passed_on = False
        while process.poll() is None:
            if self.is_stop_requested and not is_passed_on:
                child.send(signal.SIGTERM)
                is_passed_on = True
            self._find_dead(besides=child)
            time.sleep(POLL_S)
        self._forget(child)
        return process.returncode if process.returncode >= 0 else 128 - process.returncode

    def watch(self) -> None:
        """Wait until somebody asks for the end.

        Raises ProgramError when a program ends before that and is not to be revived.
        """
        while not self.is_stop_requested:
            self._revive()
            self._find_dead(is_reviving=True)
            time.sleep(POLL_S)

    def _revive(self) -> None:
        """Start again what died and may, unless it has died too often lately."""
        for child in list(self._children):
            program = child.program
            code = child.process.poll()
            if code is None or not self._may_revive(program) or self.is_stop_requested:
                continue
            self._deaths[program.name].append(time.monotonic())
            child.send(signal.SIGKILL)
            self._drain(child)
            self._forget(child)
            self.log.write("uhub", f"{program.name} ended, exit code {code}: starting it again")
            self._spawn(program)

    def _may_revive(self, program: Program) -> bool:
        deaths = self._deaths[program.name]
        is_worn = len(deaths) == REVIVALS and time.monotonic() - deaths[0] < REVIVALS_WITHIN_S
        return program.is_revived and not is_worn

    def stop(self) -> None:
        """End all programs, the youngest first, each within its deadline, then by force."""
        for child in reversed(list(self._children)):
            self._end(child)
            self._forget(child)

    def raise_if_stopping(self) -> None:
        """Raise StopRequestedError once a signal has arrived."""
        if self.is_stop_requested:
            raise StopRequestedError("stopped before everything was up")

    def _request_stop(self, _number: int, _frame: FrameType | None) -> None:
        """Note the wish; repeated later it means at once (make passes each SIGTERM on twice)."""
        now = time.monotonic()
        self._stop_requested_at = self._stop_requested_at or now
        self._is_urgent = now - self._stop_requested_at > IMPATIENCE_S

    def _spawn(self, program: Program) -> Child:
        process = subprocess.Popen(
            program.argv,
            stdin=subprocess.PIPE if program.stdin_text else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=None if program.env is None else dict(program.env),
            cwd=program.cwd,
            start_new_session=True,
        )
        child = Child(program, process, threading.Thread())
        child.pump = threading.Thread(target=self._pump, args=(child,), daemon=True)
        if not program.ready_text:
            child.has_announced.set()
        self._remember(child)
        if process.stdin is not None:
            with suppress(BrokenPipeError), process.stdin as stream:
                stream.write(program.stdin_text)
        child.pump.start()
        return child

    def _pump(self, child: Child) -> None:
        for line in child.process.stdout or ():
            if child.program.is_quiet:
                child.tail.append(line.rstrip("\n"))
            else:
                self.log.write(child.program.name, line.rstrip("\n"))
            if child.program.ready_text in line:
                child.has_announced.set()

    def _check_time(self, child: Child, began: float) -> None:
        limit_s = child.program.ready_timeout_s
        if time.monotonic() - began > limit_s:
            raise ProgramError(f"{child.program.name} was not ready within {limit_s:g} s.")

    def _find_dead(self, *, besides: Child | None = None, is_reviving: bool = False) -> None:
        """Raise ProgramError for a program that ended; while reviving, only for one that may not be."""
        for child in self._children:
            code = child.process.poll()
            if is_reviving and self._may_revive(child.program):
                continue
            if child is not besides and code is not None:
                self._drain(child)
                raise ProgramError(f"{child.program.name} ended unexpectedly, exit code {code}.")

    def _end(self, child: Child) -> None:
        child.send(child.program.stop_signal)
        deadline = time.monotonic() + child.program.stop_timeout_s
        while not child.is_gone():
            if time.monotonic() > deadline or self._is_urgent:
                self.log.write("uhub", f"{child.program.name} did not end in time: killed")
                child.send(signal.SIGKILL)
                child.process.wait()
                break
            time.sleep(POLL_S / 5)
        if child.pump.ident is not None:
            child.pump.join(timeout=2)

    def _drain(self, child: Child) -> None:
        """Show the last words of a child that ended."""
        if child.pump.ident is not None:
            child.pump.join(timeout=2)
        while child.tail:
            self.log.write(child.program.name, child.tail.popleft())

    def _remember(self, child: Child) -> None:
        self._children.append(child)
        self._tell(f"+{child.target}")

    def _forget(self, child: Child) -> None:
        self._children.remove(child)
        self._tell(f"-{child.target}")

    def _tell(self, line: str) -> None:
        if self._watchdog is not None and self._watchdog.stdin is not None:
            with suppress(BrokenPipeError):
                self._watchdog.stdin.write(f"{line}\n")
                self._watchdog.stdin.flush()

    def _dismiss_watchdog(self) -> None:
        if self._watchdog is not None and self._watchdog.stdin is not None:
            self._tell("bye")
            with suppress(BrokenPipeError):
                self._watchdog.stdin.close()
            self._watchdog.wait()
