"""Tasks as simulated processes: alive or dead, with a log; nobody keeps their state but they."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from integrations.proxmox.simulator.clock import Clock
from integrations.proxmox.simulator.errors import WorkError
from integrations.proxmox.simulator.faults import FaultTable
from integrations.proxmox.simulator.scope import Identity, Scope
from integrations.proxmox.simulator.world import Task, World

logger = logging.getLogger(__name__)
FORK_S = 0.1
KEPT_TASKS = 2000
PATIENCE_S = 5.0
UPID = re.compile(
    r"UPID:([a-zA-Z0-9]([a-zA-Z0-9\-]*[a-zA-Z0-9])?):([0-9A-Fa-f]{8}):([0-9A-Fa-f]{8,9}):"
    r"([0-9A-Fa-f]{8}):([^:\s/]+):([^:\s/]*):([^:\s/]+):"
)


class Worker(Scope):
    """What a task's body sees of its own process."""

    def __init__(self, task: Task, facts: dict[str, Any], faults: FaultTable) -> None:
        super().__init__(facts={**facts, "task": task.kind})
        self.task = task
        self.is_killed = False
        self.warnings = 0
        self._faults = faults

    def say(self, line: str) -> None:
        self.task.log.append(line)

    def warn(self, line: str) -> None:
        self.warnings += 1
        self.say(f"WARN: {line}")

    def point(self, name: str) -> None:
        """Crash here if ordered: as if by kill -9, nothing is cleaned up."""
        if self._faults.take_crash(name, self.facts) is not None:
            self.is_killed = True
            raise KilledError


class KilledError(BaseException):
    """Not an Exception: no clean-up code may catch it, as none would run in a killed process."""


Body = Callable[[Worker], Awaitable[None]]


class TaskTable:
    def __init__(
        self,
        world: World,
        clock: Clock,
        faults: FaultTable,
        touch: Callable[[], None],
        after: Callable[[Worker], None],
    ) -> None:
        self._world = world
        self._clock = clock
        self._faults = faults
        self._touch = touch
        self._after = after
        self._running: dict[str, tuple[asyncio.Task[None], Worker]] = {}

    def spawn(
        self,
        *,
        node: str,
        kind: str,
        about: str,
        identity: Identity,
        facts: dict[str, Any],
        body: Body,
    ) -> str:
        """Forks a worker and answers its UPID at once."""
        now = self._clock.now()
        pid = self._world.next_pid
        self._world.next_pid = pid + 1 + pid % 5
        pstart = int((now - self._world.booted) * 100)
        owner = identity.owner
        upid = f"UPID:{node}:{pid:08X}:{pstart:08X}:{int(now):08X}:{kind}:{about}:{owner}:"
        task = Task(upid, node, pid, pstart, int(now), kind, about, owner)
        self._world.tasks[upid] = task
        self._forget_old()
        worker = Worker(task, facts, self._faults)
        running = asyncio.create_task(self._run(worker, body))
        running.add_done_callback(partial(self._bury, worker))
        self._running[upid] = (running, worker)
        self._touch()
        return upid

    def _forget_old(self) -> None:
        surplus = len(self._world.tasks) - KEPT_TASKS
        if surplus <= 0:
            return
        for upid in [u for u, t in self._world.tasks.items() if t.status == "stopped"]:
            if surplus <= 0:
                return
            del self._world.tasks[upid]
            surplus -= 1

    async def _run(self, worker: Worker, body: Body) -> None:
        try:
            await self._clock.sleep(FORK_S)
            worker.point("begin")
            self._fail(worker)
            if self._faults.take("hung_task", worker.facts):
                await asyncio.Event().wait()
            await body(worker)
            self._after(worker)
            if fault := self._faults.take("task_warnings", worker.facts):
                worker.warn(str(fault.param("message", "simulated warning")))
            worker.point("done")
            self._end(worker, f"WARNINGS: {worker.warnings}" if worker.warnings else "OK")
        except WorkError as error:
            self._end(worker, str(error))
        except KilledError:
            self._end(worker, "unexpected status")
        except asyncio.CancelledError:
            self._end(worker, "unexpected status" if worker.is_killed else "interrupted by signal")

    def _bury(self, worker: Worker, running: asyncio.Task[None]) -> None:
        """A worker that died of something nobody foresaw is dead all the same."""
        if worker.task.status == "running":
            self._end(worker, "unexpected status")
        error = None if running.cancelled() else running.exception()
        if error is not None:
            logger.error("worker of %s died", worker.task.upid, exc_info=error)

    def _fail(self, worker: Worker) -> None:
        if fault := self._faults.take("task_error", worker.facts):
            raise WorkError(str(fault.param("message", "simulated failure")))

    def _end(self, worker: Worker, exitstatus: str) -> None:
        task = worker.task
        if exitstatus != "unexpected status":
            word = "" if exitstatus.startswith(("OK", "WARNINGS")) else "ERROR: "
            task.log.append(f"TASK {word}{exitstatus}")
        task.status, task.exitstatus = "stopped", exitstatus
        task.endtime = int(self._clock.now())
        self._world.finished[task.node] = self._world.finished.get(task.node, 0) + 1
        self._running.pop(task.upid, None)
        self._touch()

    async def interrupt(self, upid: str) -> None:
        """SIGTERM: the body may clean up; SIGKILL when that takes more than five seconds."""
        if upid not in self._running:
            return
        running, _ = self._running[upid]
        patience = asyncio.create_task(self._clock.sleep(PATIENCE_S))
        running.cancel()
        await asyncio.wait({running, patience}, return_when=asyncio.FIRST_COMPLETED)
        patience.cancel()
        await self.kill(upid)

    async def kill(self, upid: str) -> bool:
        """SIGKILL: nothing is cleaned up. False when it was not running."""
        if upid not in self._running:
            return False
        running, worker = self._running[upid]
        worker.is_killed = True
        running.cancel()
        await asyncio.wait({running})
        return True

    async def abandon(self) -> None:
        """End every worker as if the host had lost power."""
        victims = list(self._running.values())
        for running, worker in victims:
            worker.is_killed = True
            running.cancel()
        if victims:
            await asyncio.wait({running for running, _ in victims})
