"""What an ordered fault does to a request."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

from integrations.proxmox.simulator import fixtures
from integrations.proxmox.simulator.errors import (
    ApiError,
    BareError,
    DropError,
    HangError,
    RawAnswerError,
    WorkError,
    invalid,
)
from integrations.proxmox.simulator.faults import Fault
from integrations.proxmox.simulator.simulation import Simulation

PROXY_LIMIT_S = 30.0
SLOW_LISTING_S = 34.0
SLOW_AGENT_S = 20.0
CUT = "Connection timed out"
GARBAGE = '{"data":[{"vmid":'
GATEWAY = {502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Time-out"}
_DELAYS = {"delay": 5.0, "slow_listing": SLOW_LISTING_S, "agent_slow": SLOW_AGENT_S}
Work = Callable[[], Coroutine[Any, Any, Any]]


class Disturber:
    """Does the work, undisturbed or as ordered, and cuts it after the 30 s of the proxy."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._left_alone: set[asyncio.Task[Any]] = set()

    async def limited(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Cut the answer after 30 s; the daemon behind the proxy goes on to the end."""
        running = asyncio.create_task(work)
        patience = asyncio.create_task(self._sim.clock.patience(PROXY_LIMIT_S))
        await asyncio.wait({running, patience}, return_when=asyncio.FIRST_COMPLETED)
        patience.cancel()
        if not running.done():
            self._left_alone.add(running)
            running.add_done_callback(self._forget)
            raise BareError(596, CUT)
        return running.result()

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._left_alone.discard(task)
        if not task.cancelled():
            task.exception()

    async def disturbed(self, fault: Fault, facts: dict[str, Any], work: Work) -> Any:
        """Answer, or raise, what the fault makes of the request."""
        refusal = _refusal(fault)
        if refusal is not None:
            raise refusal
        if fault.kind in _DELAYS:
            return await self.limited(self._late(fault, work))
        if fault.kind == "truncated_listing":
            return _truncated(fault, await self.limited(work()))
        if fault.kind == "foreign_vm":
            _place_stranger(self._sim, fault, facts)
            return await self.limited(work())
        if fault.kind in ("status", "empty_reason", "garbage", "reverse_proxy"):
            return await self._replaced(fault, work)
        return await self._silenced(fault, work)

    async def _late(self, fault: Fault, work: Work) -> Any:
        await self._sim.clock.sleep(float(fault.param("delay_s", _DELAYS[fault.kind])))
        return await work()

    async def _replaced(self, fault: Fault, work: Work) -> Any:
        """Another answer than that of the work, which may have been done."""
        is_done = fault.kind == "garbage" or fault.param("status", 0) == 504
        if fault.param("execute", is_done):
            await self._attempt(work)
        status = int(fault.param("status", 502 if fault.kind == "reverse_proxy" else 500))
        if fault.kind == "garbage":
            body = str(fault.param("body", GARBAGE))
            raise RawAnswerError(200, "OK", body=body, kind="application/json;charset=UTF-8")
        if fault.kind == "reverse_proxy":
            reason = GATEWAY.get(status, "Bad Gateway")
            page = f"<html><body><h1>{status} {reason}</h1></body></html>"
            raise RawAnswerError(status, reason, body=page, kind="text/html")
        if fault.kind == "empty_reason":
            message = str(fault.param("message", "simulated fault"))
            raise ApiError(status, message, reason="")
        reason = str(fault.param("reason", "simulated fault"))
        if fault.param("empty", default=False):
            raise BareError(status, reason)
        raise ApiError(status, reason)

    async def _silenced(self, fault: Fault, work: Work) -> Any:
        """Leave the caller in the dark about whether it happened."""
        if fault.kind == "drop_connection":
            if fault.param("when", "after") == "after":
                await self._attempt(work)
            raise DropError
        if fault.param("execute", fault.kind == "596"):
            await self._attempt(work)
        if fault.kind == "596":
            await self._sim.clock.sleep(float(fault.param("delay_s", PROXY_LIMIT_S)))
            raise BareError(596, CUT)
        await self._sim.clock.sleep(float(fault.param("hold_s", 120)))
        raise HangError

    async def _attempt(self, work: Work) -> None:
        """Do the work for its effect; its answer, good or bad, is lost."""
        try:
            await work()
        except (ApiError, WorkError):
            return
        finally:
            self._sim.flush()


def _refusal(fault: Fault) -> Exception | None:
    """The faults that are nothing but an error, before anything is done."""
    if fault.kind in ("595", "node_down"):
        return BareError(595, str(fault.param("reason", "Connection refused")))
    if fault.kind == "no_worker_upid":
        return WorkError("got no worker upid - start worker failed")
    if fault.kind == "no_quorum":
        return WorkError("cluster not ready - no quorum?")
    return invalid(upid="no such task") if fault.kind == "task_invisible" else None


def _truncated(fault: Fault, rows: Any) -> Any:
    """Answer the list without the guests that were to be missing."""
    if not isinstance(rows, list):
        return rows
    vmids = {int(vmid) for vmid in fault.param("vmids", [])}
    node, share = fault.param("node", ""), float(fault.param("share", 1.0))

    def is_missing(row: dict[str, Any]) -> bool:
        if "vmid" not in row:
            return False
        if vmids or node:
            return row["vmid"] in vmids or (bool(node) and row.get("node", node) == node)
        return random.random() < share

    return [row for row in rows if not is_missing(row)]


def _place_stranger(sim: Simulation, fault: Fault, facts: dict[str, Any]) -> None:
    vmid = int(fault.param("vmid", facts.get("newid", facts.get("vmid", 0))))
    node = str(fault.param("node", facts.get("node", next(iter(sim.world.nodes)))))
    if fault.param("replace", default=True) or vmid not in sim.world.machines:
        name = str(fault.param("name", "stranger"))
        fixtures.stranger(sim.world, vmid=vmid, node=node, name=name, now=sim.clock.now())
        sim.touch()
