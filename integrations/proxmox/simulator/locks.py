"""The file locks: shared or exclusive, waited for at most so long, gone with the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from integrations.proxmox.simulator.clock import Clock
from integrations.proxmox.simulator.errors import WorkError
from integrations.proxmox.simulator.faults import FaultTable
from integrations.proxmox.simulator.scope import Scope

CONFIG_WAIT_S = 10.0
CLAIM_WAIT_S = 1.0
STORAGE_WAIT_S = 10.0
CLUSTER_LIMIT_S = 60.0


class LockTable:
    """Locks by path; `node` keeps two nodes' local files apart."""

    def __init__(self, clock: Clock, faults: FaultTable) -> None:
        self._clock = clock
        self._faults = faults
        self._readers: dict[str, int] = {}
        self._writers: set[str] = set()
        self._released = asyncio.Event()

    def _is_free(self, key: str, *, shared: bool) -> bool:
        return key not in self._writers and (shared or not self._readers.get(key))

    def _take(self, key: str, *, shared: bool) -> None:
        if shared:
            self._readers[key] = self._readers.get(key, 0) + 1
        else:
            self._writers.add(key)

    def _give_back(self, key: str, *, shared: bool) -> None:
        if shared:
            self._readers[key] -= 1
        else:
            self._writers.discard(key)
        self._released.set()
        self._released = asyncio.Event()

    async def _wait(self, key: str, *, shared: bool, wait_s: float) -> bool:
        deadline = asyncio.create_task(self._clock.patience(wait_s))
        try:
            while not self._is_free(key, shared=shared):
                released = self._released
                release = asyncio.create_task(released.wait())
                await asyncio.wait({deadline, release}, return_when=asyncio.FIRST_COMPLETED)
                release.cancel()
                if deadline.done() and not self._is_free(key, shared=shared):
                    return False
        finally:
            deadline.cancel()
        return True

    @asynccontextmanager
    async def _held(
        self, key: str, scope: Scope, refusal: str, *, shared: bool, wait_s: float, storm: str
    ) -> AsyncIterator[None]:
        is_stormy = self._faults.take_lock(storm, scope.facts) is not None
        if is_stormy or not self._is_free(key, shared=shared):
            scope.say("trying to acquire lock...")
            if is_stormy:
                await self._clock.sleep(wait_s)
            if is_stormy or not await self._wait(key, shared=shared, wait_s=wait_s):
                raise WorkError(refusal)
            scope.say(" OK")
        self._take(key, shared=shared)
        try:
            yield
        finally:
            self._give_back(key, shared=shared)

    @asynccontextmanager
    async def machine(
        self,
        scope: Scope,
        node: str,
        vmid: int,
        *,
        shared: bool = False,
        wait_s: float = CONFIG_WAIT_S,
    ) -> AsyncIterator[None]:
        """Hold the node-local lock of one VM's configuration.

        Raises WorkError when it is not granted in time.
        """
        path = f"/var/lock/qemu-server/lock-{vmid}.conf"
        refusal = f"can't lock file '{path}' - got timeout"
        async with self._held(
            f"{node}:{path}", scope, refusal, shared=shared, wait_s=wait_s, storm="vm"
        ):
            yield

    @asynccontextmanager
    async def backup(self, scope: Scope, node: str, *, wait_s: float) -> AsyncIterator[None]:
        """Hold the lock that lets one backup job run per node.

        Raises WorkError when it is not granted in time.
        """
        key, quiet = f"{node}:/var/run/vzdump.lock", Scope(facts=scope.facts)
        if not self._is_free(key, shared=False):
            scope.say("INFO: trying to get global lock - waiting...")
        refusal = "can't acquire lock '/var/run/vzdump.lock' - got timeout"
        async with self._held(key, quiet, refusal, shared=False, wait_s=wait_s, storm="backup"):
            yield

    @asynccontextmanager
    async def storage(
        self, scope: Scope, node: str, name: str, *, shared: bool
    ) -> AsyncIterator[None]:
        """Hold the lock around allocation: per node for local storage, cluster-wide for shared.

        Raises WorkError when it is not granted in time.
        """
        path = f"/var/lock/pve-manager/pve-storage-{name}"
        key = name if shared else f"{node}:{path}"
        refusal = f"can't lock file '{path}' - got timeout"
        if shared:
            refusal = f"cfs-lock 'storage-{name}' error: got lock request timeout"
        quiet = Scope(facts={**scope.facts, "storage": name})
        storm = "cfs" if shared else "storage"
        async with (
            self._held(key, quiet, refusal, shared=False, wait_s=STORAGE_WAIT_S, storm=storm),
            self._limited(name) if shared else nullcontext(),
        ):
            yield

    @asynccontextmanager
    async def _limited(self, name: str) -> AsyncIterator[None]:
        """A lock of the cluster file system is nobody's for longer than a minute.

        Raises WorkError when the work under it takes longer.
        """
        limit = asyncio.timeout(None)

        async def expire() -> None:
            await self._clock.sleep(CLUSTER_LIMIT_S)
            limit.reschedule(asyncio.get_running_loop().time())

        watch = asyncio.create_task(expire())
        try:
            async with limit:
                yield
        except TimeoutError:
            words = f"'storage-{name}'-locked command timed out - aborting"
            raise WorkError(words) from None
        finally:
            watch.cancel()
