"""What happens to a request, in the order in which Proxmox VE does it."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from aiohttp import web

from integrations.proxmox.simulator import access, fixtures, routes, schema, wire
from integrations.proxmox.simulator.errors import (
    ApiError,
    BareError,
    DropError,
    HangError,
    WorkError,
)
from integrations.proxmox.simulator.faults import Fault
from integrations.proxmox.simulator.routes import Found
from integrations.proxmox.simulator.scope import Call, Identity, Scope
from integrations.proxmox.simulator.simulation import Simulation

MAX_REQUESTS = 100
PROXY_LIMIT_S = 30.0
REFUSAL_DELAY_S = 3.0
CUT = "Connection timed out"
Work = Callable[[], Coroutine[Any, Any, Any]]
NOBODY = Identity("")


class Pipeline:
    """The one request handler of the server."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._left_alone: set[asyncio.Task[Any]] = set()
        self._served: WeakKeyDictionary[object, int] = WeakKeyDictionary()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        entry = self._sim.journal.open(
            method=request.method,
            path=re.sub(r"^/api2/\w+", "", request.path),
            params=wire.parse_form(request.rel_url.raw_query_string),
            token=_shown_token(request),
        )
        formatter = "json"
        try:
            formatter, path = _formatter(request)
            response = wire.success(request, await self._answer(request, path, entry), formatter)
        except (HangError, DropError) as end:
            self._sim.journal.close(entry, status=0, reason=type(end).__name__)
            return _dropped(request)
        except ApiError as error:
            response = wire.failure(error, formatter)
        except WorkError as error:
            response = wire.failure(ApiError(500, str(error)), formatter)
        if request.transport is not None:
            self._settle(request, response)
        self._sim.flush()
        self._sim.journal.close(entry, status=response.status, reason=response.reason or "")
        return response

    def _settle(self, request: web.BaseRequest, response: web.Response) -> None:
        """Say whether the connection stays: not after an error, nor after a hundred requests."""
        served = self._served.get(request.transport, 0) + 1
        self._served[request.transport] = served
        if served >= MAX_REQUESTS or not request.keep_alive:
            response.force_close()
        is_closing = response.keep_alive is False
        response.headers["Connection"] = "close" if is_closing else "Keep-Alive"

    async def _answer(self, request: web.BaseRequest, path: str, entry: dict[str, Any]) -> Any:
        identity = await self._identity(request, path)
        params = await wire.read_params(request)
        shown = {k: "********" if "password" in k else v for k, v in params.items()}
        entry["params"] = shown
        found = routes.find(request.method, path)
        if found is None:
            raise ApiError(501, f"Method '{request.method} {path}' not implemented")
        facts = {
            **{key: params[key] for key in ("newid", "vmid", "storage") if key in params},
            **found.uri,
            "method": request.method,
            "path": path,
            "token": identity.owner,
        }
        work = partial(self._perform, request.method, found, params, identity, facts)
        fault = self._sim.faults.take_for_request(facts)
        if fault is None:
            return await self._limited(work())
        entry["fault"] = fault.kind
        return await self._disturbed(fault, facts, work)

    async def _identity(self, request: web.BaseRequest, path: str) -> Identity:
        """Raise BareError(401), late, as a brake on guessing."""
        ticket = "PVEAuthCookie" in request.cookies
        header = request.headers.get("Authorization", "")
        is_login = path == "/access/ticket" and request.method == "POST"
        if not header and not ticket:
            if is_login:
                return NOBODY
            await self._sim.clock.sleep(REFUSAL_DELAY_S)
            raise BareError(401, "No ticket")
        identity = None
        if not ticket:
            identity = access.identify(self._sim.world, header, self._sim.clock.now())
        if identity is None:
            await self._sim.clock.sleep(REFUSAL_DELAY_S)
            raise BareError(401, "Authentication failed!")
        return identity

    async def _limited(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Cut the answer after 30 s; the daemon behind the proxy goes on to the end."""
        running = asyncio.create_task(work)
        patience = asyncio.create_task(self._sim.clock.sleep(PROXY_LIMIT_S))
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

    async def _perform(
        self,
        method: str,
        found: Found,
        sent: dict[str, Any],
        identity: Identity,
        facts: dict[str, Any],
    ) -> Any:
        sim, rule = self._sim, schema.endpoint(method, found.route) or {}
        params = schema.merged(found.uri, sent)
        if identity.token and not rule.get("allowtoken"):
            words = f"URI '{found.route}' not available with API token, need proper ticket."
            raise ApiError(403, f"Permission check failed ({words}\n)")
        access.check_endpoint(sim.world, identity, rule["permissions"], params)
        node = found.uri.get("node", "")
        self._reach(node)
        call = Call(
            method=method,
            path=str(facts["path"]),
            route=found.route,
            params=schema.validate(found.route, method, params),
            identity=identity,
            node=node,
            scope=Scope(facts=facts),
        )
        _refuse_skiplock(call)
        if found.handler is None:
            raise ApiError(501, f"Method '{method} {call.path}' not implemented")
        return await found.handler(sim, call)

    def _reach(self, node: str) -> None:
        """Hop to the node that owns the path."""
        if not node:
            return
        if node not in self._sim.world.nodes:
            words = f"failed to get address info for: {node}: Name or service not known"
            raise WorkError(f"hostname lookup '{node}' failed - {words}")
        if not self._sim.is_up(node):
            raise BareError(595, "No route to host")

    async def _disturbed(self, fault: Fault, facts: dict[str, Any], work: Work) -> Any:
        sim = self._sim
        if fault.kind in ("595", "node_down"):
            raise BareError(595, str(fault.param("reason", "Connection refused")))
        if fault.kind == "no_worker_upid":
            raise WorkError("got no worker upid - start worker failed")
        if fault.kind == "no_quorum":
            raise WorkError("cluster not ready - no quorum?")
        if fault.kind == "foreign_vm":
            _place_stranger(sim, fault, facts)
            return await self._limited(work())
        if fault.kind == "delay":
            return await self._limited(self._late(fault.param("delay_s", 5), work))
        if fault.kind == "status":
            return await self._status(fault, work)
        return await self._silenced(fault, work)

    async def _late(self, delay_s: float, work: Work) -> Any:
        await self._sim.clock.sleep(float(delay_s))
        return await work()

    async def _status(self, fault: Fault, work: Work) -> Any:
        if fault.param("execute", default=False):
            await self._attempt(work)
        status, reason = (
            int(fault.param("status", 500)),
            str(fault.param("reason", "simulated fault")),
        )
        if fault.param("empty", default=False):
            raise BareError(status, reason)
        raise ApiError(status, reason)

    async def _silenced(self, fault: Fault, work: Work) -> Any:
        """Leave the caller in the dark about whether it happened."""
        default = fault.kind == "596"
        if fault.kind == "drop_connection":
            if fault.param("when", "after") == "after":
                await self._attempt(work)
            raise DropError
        if fault.param("execute", default):
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


def _place_stranger(sim: Simulation, fault: Fault, facts: dict[str, Any]) -> None:
    vmid = int(fault.param("vmid", facts.get("newid", facts.get("vmid", 0))))
    node = str(fault.param("node", facts.get("node", next(iter(sim.world.nodes)))))
    if fault.param("replace", default=True) or vmid not in sim.world.machines:
        name = str(fault.param("name", "stranger"))
        fixtures.stranger(sim.world, vmid=vmid, node=node, name=name, now=sim.clock.now())
        sim.touch()


def _refuse_skiplock(call: Call) -> None:
    if call.flag("skiplock") and not call.identity.is_root:
        words = "Only root may use this option."
        raise ApiError(400, "Parameter verification failed.", errors={"skiplock": words})


def _formatter(request: web.BaseRequest) -> tuple[str, str]:
    """Raise BareError(501) for what the daemon does not even look at."""
    if request.method not in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"):
        raise BareError(501, f"method '{request.method}' not available")
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        raise BareError(501, "chunked transfer encoding not supported")
    found = re.fullmatch(r"/api2/(\w+)(/.*)?", request.path)
    if found is None:
        raise BareError(501, f"no such file '{request.path}'")
    formatter, path = found[1], found[2] or "/"
    if formatter not in ("json", "extjs", "html", "png"):
        words = f"no formatter for uri {path}, {formatter}"
        raise BareError(501, words, body=words)
    return formatter, path


def _shown_token(request: web.BaseRequest) -> str:
    header = request.headers.get("Authorization", "")
    return header.removeprefix("PVEAPIToken=").partition("=")[0]


def _dropped(request: web.BaseRequest) -> web.Response:
    """Reset the connection: no farewell, neither of TLS nor of TCP."""
    if request.transport is not None:
        raw = request.transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response(status=500)
