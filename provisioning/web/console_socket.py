"""The console's websocket: a browser's viewer on one side, the machine's screen on the other.

The proxy ends the screen's own security here, so that neither ticket nor password of the hypervisor ever
reaches a browser. It holds no thread while it waits, and no more of either direction than one message.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connections
from django.http.request import validate_host

from integrations.base.errors import ProviderError
from integrations.proxmox.errors import ScreenGone
from integrations.proxmox.interface import Screen
from portal.kernel import context
from portal.services.live_access import session_holder
from portal.services.settings import setting_get
from provisioning.logic import health_settings as keys
from provisioning.logic import rfb
from provisioning.logic.consoles import CODES
from provisioning.models import ConsoleSession
from provisioning.services import consoles
from provisioning.states import ConsoleEnd

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
T = TypeVar("T")

_log = structlog.get_logger(__name__)
FRAME_MOST: Final = 512 * 1024
GREETING_S: Final = 10.0
RESTARTING: Final = 1012
POLICY: Final = 1008
_open: set[UUID] = set()


class _Left(Exception):
    """The browser has gone."""

    def __init__(self, end: ConsoleEnd) -> None:
        super().__init__(str(end))
        self.end = end


async def console_socket(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
    """Answers a websocket: a console for who has the right ticket, a refusal for anybody else."""
    await receive()
    session_key = _session_key(scope)
    admitted = None
    if len(_open) < settings.CONSOLE["per_process"] and _is_same_origin(scope):
        admitted = await _asked(partial(_admitted, scope, session_key))
    if admitted is None:
        await send({"type": "websocket.close", "code": POLICY})
        return
    protocols = scope.get("subprotocols") or []
    protocol = "binary" if "binary" in protocols else None
    await send({"type": "websocket.accept", "subprotocol": protocol})
    _open.add(admitted.pk)
    console = Console(admitted, session_key, Viewer(receive, send))
    end = ConsoleEnd.RESTART
    try:
        end = await console.run()
    finally:
        _open.discard(admitted.pk)
        closing = partial(consoles.console_closed, admitted, end, is_opened=console.is_opened)
        await asyncio.shield(_asked(closing))
        with suppress(Exception):
            await send({"type": "websocket.close", "code": CODES[end], "reason": str(end)})


def _admitted(scope: Mapping[str, Any], session_key: str) -> ConsoleSession | None:
    deployment_id = _deployment_id(str(scope.get("path", "")))
    query = parse_qs(bytes(scope.get("query_string", b"")).decode("ascii", "replace"))
    token = query.get("ticket", [""])[0]
    if deployment_id is None or not token or len(token) > 200:
        return None
    user = session_holder(session_key)
    if user is None:
        return None
    visitor = consoles.Visitor(session_key, user)
    return consoles.console_admit(visitor=visitor, deployment_id=deployment_id, token=token)


def _deployment_id(path: str) -> UUID | None:
    parts = path.strip("/").split("/")
    if len(parts) != 4 or parts[0] != "deployments" or parts[2:] != ["console", "socket"]:
        return None
    try:
        return UUID(parts[1])
    except ValueError:
        return None


def _header(scope: Mapping[str, Any], name: bytes) -> str:
    values = [value for key, value in scope.get("headers", ()) if key.lower() == name]
    return values[0].decode("latin-1") if len(values) == 1 else ""


def _is_same_origin(scope: Mapping[str, Any]) -> bool:
    """A page of ours asks, and says so: browsers let no script choose the Origin of a handshake."""
    host, origin = _header(scope, b"host"), _header(scope, b"origin")
    name = urlsplit(f"//{host}").hostname or ""
    allowed = settings.ALLOWED_HOSTS or (["localhost", "127.0.0.1"] if settings.DEBUG else [])
    if not host or not validate_host(f"[{name}]" if ":" in name else name, allowed):
        return False
    parts = urlsplit(origin)
    is_ours = parts.scheme in {"http", "https"} and parts.netloc.lower() == host.lower()
    return is_ours or origin in settings.CSRF_TRUSTED_ORIGINS


def _session_key(scope: Mapping[str, Any]) -> str:
    try:
        cookies = SimpleCookie(_header(scope, b"cookie"))
    except CookieError:
        return ""
    found = cookies.get(settings.SESSION_COOKIE_NAME)
    return found.value if found is not None else ""


class Viewer:
    """The browser's side: bytes in both directions, and the moment of the last key or click."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self.touched_s = time.monotonic()
        self._held = b""

    async def read(self) -> bytes:
        """What the browser sent. Raises _Left."""
        if self._held:
            held, self._held = self._held, b""
            return held
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            is_restart = message.get("code") == RESTARTING
            raise _Left(ConsoleEnd.RESTART if is_restart else ConsoleEnd.LEFT)
        data = message.get("bytes") or b""
        if len(data) > FRAME_MOST:
            raise rfb.NotRfb
        return bytes(data)

    async def write(self, data: bytes) -> None:
        """Waits while the browser takes no more. Raises _Left."""
        try:
            await self._send({"type": "websocket.send", "bytes": data})
        except (OSError, RuntimeError) as error:
            raise _Left(ConsoleEnd.LEFT) from error

    async def greet(self) -> None:
        """Speaks version and security as the server: none is wanted, the handshake was proof enough."""
        await self.write(rfb.VERSION)
        if not (await self._take(len(rfb.VERSION))).startswith(b"RFB 003.008"):
            raise rfb.NotRfb
        await self.write(rfb.SECURITY_NONE)
        if await self._take(1) != rfb.CHOSEN_NONE:
            raise rfb.NotRfb
        await self.write(rfb.SECURITY_DONE)

    async def _take(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += await self.read()
        self._held = data[count:]
        return data[:count]


@dataclass
class Console:
    """One open console."""

    session: ConsoleSession
    session_key: str
    viewer: Viewer
    is_opened: bool = False
    _began_s: float = field(default_factory=time.monotonic)

    async def run(self) -> ConsoleEnd:
        """Lives until one of those who take part, or the watch over them, ends it."""
        try:
            return await self._opened()
        except _Left as left:
            return left.end
        except rfb.NotRfb:
            return ConsoleEnd.BROKEN
        except (ScreenGone, TimeoutError):
            return ConsoleEnd.GONE if self.is_opened else ConsoleEnd.UNREACHABLE
        except ProviderError as error:
            _log.warning("console.unreachable", console=str(self.session.pk), error=str(error))
            return ConsoleEnd.UNREACHABLE

    async def _opened(self) -> ConsoleEnd:
        end = await _asked(self._standing)
        if end is not None:
            return end
        way = await _asked(partial(consoles.console_ticket, self.session))
        if isinstance(way, ConsoleEnd):
            return way
        hypervisor, ticket = way
        screen = await hypervisor.console_enter(ticket)
        try:
            async with asyncio.timeout(GREETING_S):
                await self.viewer.greet()
            await _asked(partial(consoles.console_opened, self.session))
            self.is_opened = True
            return await self._run(screen)
        finally:
            with suppress(Exception):
                await screen.close()

    async def _run(self, screen: Screen) -> ConsoleEnd:
        tasks = [
            asyncio.create_task(self._up(screen)),
            asyncio.create_task(self._down(screen)),
            asyncio.create_task(self._watch()),
        ]
        try:
            done, _rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return next(task for task in tasks if task in done).result()

    async def _up(self, screen: Screen) -> ConsoleEnd:
        messages = rfb.ViewerMessages()
        while True:
            whole, has_input = messages.feed(await self.viewer.read())
            if has_input:
                self.viewer.touched_s = time.monotonic()
            if whole:
                await screen.write(whole)

    async def _down(self, screen: Screen) -> ConsoleEnd:
        while True:
            await self.viewer.write(await screen.read())

    async def _watch(self) -> ConsoleEnd:
        """Asks every few seconds whether who looks still may, and now and then the cluster as well."""
        every = int(settings.CONSOLE["rechecks_per_identity"])
        count = 0
        while True:
            await asyncio.sleep(float(settings.CONSOLE["recheck_s"]))
            count += 1
            end = await _asked(partial(self._checked, asks_cluster=count % every == 0))
            if end is not None:
                return end

    def _standing(self) -> ConsoleEnd | None:
        return consoles.console_standing(self.session, self.session_key)

    def _checked(self, *, asks_cluster: bool) -> ConsoleEnd | None:
        now_s = time.monotonic()
        if now_s - self._began_s > 60 * int(setting_get(keys.CONSOLE_LONGEST_MIN)):
            return ConsoleEnd.LONGEST
        if now_s - self.viewer.touched_s > 60 * int(setting_get(keys.CONSOLE_IDLE_MIN)):
            return ConsoleEnd.IDLE
        end = self._standing()
        if end is None and asks_cluster:
            consoles.console_alive(self.session)
            found = consoles.console_prove(self.session)
            # A cluster that does not answer for a moment closes no console: the picture still comes.
            end = None if found is ConsoleEnd.UNREACHABLE else found
        return end


async def _asked(question: Callable[[], T]) -> T:
    """Asks in a thread, as a request of its own; gives its connections back at once."""

    def work() -> T:
        try:
            with context.request_context(context.RequestContext(channel="web")):
                return question()
        finally:
            connections.close_all()

    return await asyncio.to_thread(work)
