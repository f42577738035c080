"""The route table. An endpoint is one decorated function in a module of `endpoints`."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from aiohttp import web

from integrations.proxmox.simulator import schema

if TYPE_CHECKING:
    from integrations.proxmox.simulator.scope import Call
    from integrations.proxmox.simulator.simulation import Simulation

Handler = Callable[["Simulation", "Call"], Awaitable[Any]]

NODE = "/nodes/{node}"
QEMU = "/nodes/{node}/qemu"
VM = "/nodes/{node}/qemu/{vmid}"


@dataclass(frozen=True, slots=True)
class Page:
    """A result with members beside `data`."""

    data: Any
    total: int


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A result that turns the connection into a websocket, for a client that asks for one."""

    data: Any
    serve: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Found:
    """`handler` is None for what the real thing has and this one only checks."""

    route: str
    handler: Handler | None
    uri: dict[str, str]


_handlers: dict[tuple[str, str], Handler] = {}


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Declare an endpoint; path and method have to be in the schema."""
    if schema.endpoint(method, path) is None:
        raise LookupError(f"{method} {path} is not in schema.json")

    def declare(handler: Handler) -> Handler:
        _handlers[method, path] = handler
        return handler

    return declare


@cache
def handlers() -> dict[tuple[str, str], Handler]:
    """Answer what is simulated; the modules of `endpoints` are loaded for it."""
    package = importlib.import_module("integrations.proxmox.simulator.endpoints")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    return _handlers


def _pattern(path: str) -> re.Pattern[str]:
    """A volume's name has slashes of its own, anything else ends at the next."""
    text = path.replace("{volume}", "(?P<volume>.+)")
    return re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", text))


@cache
def _table() -> list[tuple[re.Pattern[str], str]]:
    """All paths, those with fewer holes first."""
    paths = sorted({path for _, path in schema.endpoints()}, key=lambda p: (p.count("{"), p))
    return [(_pattern(path), path) for path in paths]


def find(method: str, path: str) -> Found | None:
    """Answer the endpoint of a request, or None when path or method is unknown."""
    trimmed = re.sub("/+", "/", path).rstrip("/") or "/"
    for pattern, template in _table():
        match = pattern.fullmatch(trimmed)
        if match and schema.endpoint(method, template) is not None:
            return Found(template, handlers().get((method, template)), match.groupdict())
    return None
