"""Guests' screens: the ticket over the API, the picture over a websocket with the same trust."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from integrations.base.errors import AccessRefused, Ambiguous, Unavailable
from integrations.base.tls import TlsTrust
from integrations.proxmox import mapping
from integrations.proxmox.adapter.calls import ProxmoxCalls
from integrations.proxmox.adapter.rfb import security_pass
from integrations.proxmox.errors import (
    PROVIDER,
    CertificateRefused,
    HostUnreachable,
    ScreenGone,
)
from integrations.proxmox.interface import ConsoleCalls, ConsoleTicket, Screen

ENTER_TIMEOUT_S: Final = 8.0
CLOSE_TIMEOUT_S: Final = 2.0
# A whole screen may come in one message; what is larger is no picture of a console.
MESSAGE_LIMIT: Final = 16 * 2**20
_HELD_MESSAGES: Final = 2
_PORTS: Final = (1, 65_535)


class ProxmoxConsoles(ProxmoxCalls, ConsoleCalls):
    """Implements `ConsoleCalls` over one cluster's API."""

    def console_open(self, node: str, vmid: int) -> ConsoleTicket:
        params = {"websocket": True, "generate-password": True}
        data = self._transport.write("POST", "nodes", node, "qemu", vmid, "vncproxy", params=params)
        answer: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
        port, ticket = mapping.integer(answer.get("port")), mapping.text(answer.get("ticket"))
        if port is None or not _PORTS[0] <= port <= _PORTS[1] or ticket is None:
            raise Ambiguous("the answer is no ticket for a screen", provider=PROVIDER)
        password = mapping.text(answer.get("password")) or ticket
        return ConsoleTicket(node, vmid, port, ticket, password)

    async def console_enter(self, ticket: ConsoleTicket) -> Screen:
        try:
            async with asyncio.timeout(ENTER_TIMEOUT_S):
                wire = await self._connected(ticket)
                try:
                    screen = WireScreen(wire)
                    screen.early = await security_pass(screen.read, screen.write, ticket.password)
                except BaseException:
                    await wire.close()
                    raise
        except TimeoutError as error:
            raise HostUnreachable("the screen did not open in time", provider=PROVIDER) from error
        return screen

    async def _connected(self, ticket: ConsoleTicket) -> ClientConnection:
        address, trust = self._transport.host_preferred()
        endpoint = self._transport.endpoint
        path = f"/api2/json/nodes/{quote(ticket.node, safe='')}/qemu/{ticket.vmid}/vncwebsocket"
        query = urlencode({"port": ticket.port, "vncticket": ticket.ticket})
        token = f"PVEAPIToken={endpoint.token_id}={endpoint.token_secret}"
        try:
            return await connect(
                f"wss://{address}{path}?{query}",
                ssl=trust.context,
                additional_headers={"Authorization": token},
                user_agent_header="uHub",
                subprotocols=["binary"],  # type: ignore[list-item]
                compression=None,
                proxy=None,
                create_connection=_pinned(trust),
                open_timeout=ENTER_TIMEOUT_S,
                close_timeout=CLOSE_TIMEOUT_S,
                max_size=MESSAGE_LIMIT,
                max_queue=_HELD_MESSAGES,
                process_exception=lambda error: error,
            )
        except InvalidStatus as error:
            text = f"the screen is refused with status {error.response.status_code}"
            if error.response.status_code in {401, 403}:
                raise AccessRefused(text, provider=PROVIDER) from error
            raise Unavailable(text, provider=PROVIDER) from error
        except ssl.SSLCertVerificationError as error:
            raise CertificateRefused(str(error), provider=PROVIDER) from error
        except (OSError, InvalidHandshake, EOFError) as error:
            raise HostUnreachable(f"{address}: {error}", provider=PROVIDER) from error


def _pinned(trust: TlsTrust) -> type[ClientConnection]:
    """Return a connection that compares the certificate before its first word, where one is pinned."""
    pin = (trust.fingerprint or "").replace(":", "").lower()

    class Connection(ClientConnection):
        async def handshake(self, *arguments: Any, **more: Any) -> None:
            secured = self.transport.get_extra_info("ssl_object")
            shown = secured.getpeercert(binary_form=True) if secured is not None else None
            if pin and (not shown or hashlib.sha256(shown).hexdigest() != pin):
                self.transport.abort()
                raise ssl.SSLCertVerificationError("the certificate is not the pinned one")
            await super().handshake(*arguments, **more)

    return Connection


class WireScreen(Screen):
    """A screen over a websocket; `early` came with the last word of the security."""

    def __init__(self, wire: ClientConnection) -> None:
        self._wire = wire
        self.early = b""

    async def read(self) -> bytes:
        if self.early:
            early, self.early = self.early, b""
            return early
        try:
            data = await self._wire.recv()
        except ConnectionClosed as error:
            raise ScreenGone("the screen was closed", provider=PROVIDER) from error
        return data if isinstance(data, bytes) else data.encode("latin-1", "replace")

    async def write(self, data: bytes) -> None:
        try:
            await self._wire.send(data)
        except ConnectionClosed as error:
            raise ScreenGone("the screen was closed", provider=PROVIDER) from error

    async def close(self) -> None:
        await self._wire.close()
