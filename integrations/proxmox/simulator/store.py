"""The state file: written whole and swapped in, so that a reader never sees half of it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, replace
from pathlib import Path

from integrations.proxmox.simulator.world import Task, World, load

QUIET_S = 0.05


class StateFile:
    """Changes mark it dirty; it is written before an answer leaves, or soon after by itself."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._world: World | None = None
        self._is_dirty = False
        self._timer: asyncio.TimerHandle | None = None
        self._ended: dict[str, str] = {}

    def attach(self, world: World) -> None:
        self._world = world

    def read(self) -> World | None:
        """Read what the last run left: its running tasks have died with it."""
        if not self._path.exists():
            return None
        world = load(json.loads(self._path.read_text(encoding="utf-8")))
        for task in world.tasks.values():
            if task.status == "running":
                task.status, task.exitstatus = "stopped", "unexpected status"
        return world

    def touch(self) -> None:
        self._is_dirty = True
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(QUIET_S, self.flush)

    def flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._is_dirty or self._world is None:
            return
        self._is_dirty = False
        draft = self._path.with_suffix(".new")
        draft.write_text(self._text(self._world), encoding="utf-8")
        draft.replace(self._path)

    def _text(self, world: World) -> str:
        """Spell the world; what an ended task looks like is spelled once and kept."""
        rest = replace(world, tasks={}).dump()
        del rest["tasks"]
        self._ended = {upid: text for upid, text in self._ended.items() if upid in world.tasks}
        tasks = ",".join(f"{json.dumps(upid)}:{self._task(t)}" for upid, t in world.tasks.items())
        return f'{json.dumps(rest)[:-1]}, "tasks": {{{tasks}}}}}'

    def _task(self, task: Task) -> str:
        known = self._ended.get(task.upid)
        if known is not None:
            return known
        text = json.dumps(asdict(task))
        if task.status == "stopped":
            self._ended[task.upid] = text
        return text
