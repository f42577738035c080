"""What happens to a request, in the order in which Proxmox VE does it."""

from __future__ import annotations

import logging
import re
import socket
import struct
from functools import partial
from typing import Any

from aiohttp import web

from integrations.proxmox.simulator import access, authentication, routes, schema, wire
from integrations.proxmox.simulator.disturbance import Disturber
from integrations.proxmox.simulator.errors import (
    ApiError,
    CutOffError,
    DropError,
    HangError,
    WorkError,
)
from integrations.proxmox.simulator.routes import Found, Upgrade
from integrations.proxmox.simulator.scope import Call, Scope
from integrations.proxmox.simulator.simulation import Simulation

logger = logging.getLogger(__name__)
MAX_HEADERS = 64
_METHODS = ("GET", "POST", "PUT", "DELETE")
_FORMATTERS = ("json", "extjs", "html", "png")

_PERSONAL = ("skiplock", "keepActive", "migratedfrom", "nocheck", "stateuri", "force-cpu")
_PERSONAL_MOVES = ("force", "migration_type", "migration_network")


class Pipeline:
    """The one request handler of the server."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._disturber = Disturber(sim)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        sim = self._sim
        entry = sim.journal.open(
            method=request.method,
            path=re.sub(r"^/api2/\w+", "", request.path),
            params=wire.parse_form(request.rel_url.raw_query_string),
            token=authentication.shown_token(request),
        )
        sim.connections.began(request)
        formatter = "json"
        try:
            _refuse_head(request)
            formatter, path = _place(request)
            result = await self._answer(request, path, formatter, entry)
            if isinstance(result, Upgrade):
                if request.headers.get("Upgrade", "").lower() == "websocket":
                    sim.journal.close(entry, status=101, reason="Switching Protocols")
                    return await result.serve(request)
                result = result.data
            response = wire.success(request, result, formatter)
        except (HangError, DropError, CutOffError) as end:
            sim.journal.close(entry, status=0, reason=type(end).__name__)
            return _dropped(request)
        except ApiError as error:
            response = wire.failure(error, formatter, has_message=sim.has_messages)
        except WorkError as error:
            failed = ApiError(500, str(error))
            response = wire.failure(failed, formatter, has_message=sim.has_messages)
        except Exception:
            logger.exception("%s %s failed", request.method, request.path)
            failed = ApiError(500, "internal error of the simulator")
            response = wire.failure(failed, formatter)
        if request.transport is not None:
            sim.connections.settle(request, response)
        sim.flush()
        sim.journal.close(entry, status=response.status, reason=response.reason or "")
        return response

    async def _answer(
        self, request: web.BaseRequest, path: str, formatter: str, entry: dict[str, Any]
    ) -> Any:
        caller = await authentication.authenticate(self._sim, request, path, formatter)
        body = await wire.read_body(request)
        if formatter not in _FORMATTERS:
            raise wire.refusal(501, f"no formatter for uri {path}, {formatter}")
        params = wire.read_params(request, body)
        entry["params"] = {k: "********" if "password" in k else v for k, v in params.items()}
        found = routes.find(request.method, path)
        if found is None:
            raise ApiError(501, f"Method '{request.method} {path}' not implemented")
        facts = {
            **{key: params[key] for key in ("newid", "vmid", "storage") if key in params},
            **found.uri,
            "method": request.method,
            "path": path,
            "route": found.route,
            "token": caller.identity.owner,
        }
        work = partial(self._perform, found, params, caller, facts)
        fault = self._sim.faults.take_for_request(facts)
        if fault is None:
            return await self._disturber.limited(work())
        entry["fault"] = fault.kind
        return await self._disturber.disturbed(fault, facts, work)

    async def _perform(
        self,
        found: Found,
        sent: dict[str, Any],
        caller: authentication.Caller,
        facts: dict[str, Any],
    ) -> Any:
        sim, method, path = self._sim, str(facts["method"]), str(facts["path"])
        rule = schema.endpoint(method, found.route) or {}
        params = schema.merged(found.uri, sent)
        if caller.has_token and not rule.get("allowtoken"):
            words = f"URI '{path}' not available with API token, need proper ticket."
            raise ApiError(403, f"Permission check failed ({words}\n)")
        access.check_endpoint(sim.world, caller.identity, rule["permissions"], params)
        if rule.get("proxyto"):
            self._reach(found.uri.get(rule["proxyto"], ""))
        node = found.uri.get("node", "")
        call = Call(
            method=method,
            path=path,
            route=found.route,
            params=schema.validate(found.route, method, params),
            identity=caller.identity,
            node=node,
            scope=Scope(facts=facts),
        )
        _refuse_personal(call)
        if found.handler is None:
            raise ApiError(501, f"Method '{method} {path}' not implemented")
        if method != "GET" and not sim.has_quorum:
            raise WorkError("cluster not ready - no quorum?")
        if not rule.get("protected"):
            return await found.handler(sim, call)
        async with sim.connections.daemon(node):
            return await found.handler(sim, call)

    def _reach(self, node: str) -> None:
        """Hop to the node that owns the path."""
        if node not in self._sim.world.nodes:
            words = f"failed to get address info for: {node}: Name or service not known"
            raise WorkError(f"hostname lookup '{node}' failed - {words}")
        if not self._sim.is_up(node):
            raise wire.bare_refusal(595, self._sim.faults.unreachable(node))


def _refuse_personal(call: Call) -> None:
    """Some options are root's in person: its tokens may not use them either."""
    if call.identity.is_root or "/qemu/{vmid}" not in call.route:
        return
    asked = [*_PERSONAL, *(_PERSONAL_MOVES if call.route.endswith("/migrate") else ())]
    name = next((name for name in asked if call.params.get(name) not in (None, 0, "")), "")
    if name:
        raise ApiError(400, schema.FAILED, errors={name: "Only root may use this option."})


def _refuse_head(request: web.BaseRequest) -> None:
    """Raise BareError for what the daemon does not even look at."""
    if len(request.raw_headers) >= MAX_HEADERS:
        raise DropError
    if request.method not in _METHODS:
        raise wire.bare_refusal(501, f"method '{request.method}' not available")
    encoding = request.headers.get("Transfer-Encoding", "").lower()
    if encoding == "chunked":
        raise wire.refusal(501, "chunked transfer encoding not supported")
    if encoding:
        raise wire.refusal(501, f"Unknown transfer encoding '{encoding}'")


def _place(request: web.BaseRequest) -> tuple[str, str]:
    """Answer formatter and path behind it.

    Raises BareError for what is no part of the API.
    """
    if not request.path.startswith("/api2"):
        raise wire.refusal(500, f"no such file '{request.path}'")
    found = re.fullmatch(r"/api2/+([a-z][a-z0-9]+)(/.*)?", request.path)
    if found is None:
        raise wire.refusal(501, "no such uri")
    return found[1], found[2] or "/"


def _dropped(request: web.BaseRequest) -> web.Response:
    """Reset the connection: no farewell, neither of TLS nor of TCP."""
    if request.transport is not None:
        raw = request.transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response(status=500)
