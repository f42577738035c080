"""Who is asking: a token, a ticket, or nobody where nobody is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from aiohttp import web

from integrations.proxmox.simulator import access, tickets
from integrations.proxmox.simulator.errors import BareError
from integrations.proxmox.simulator.scope import Identity

if TYPE_CHECKING:
    from integrations.proxmox.simulator.simulation import Simulation

REFUSAL_DELAY_S = 3.0
FAILED = "Authentication failed!"
COOKIE, TOKEN = "PVEAuthCookie", "PVEAPIToken"
# nobody is asked for a name here, whatever comes along
OPEN_TO_ALL = {
    ("GET", "/access/domains"),
    ("GET", "/access/ticket"),
    ("POST", "/access/ticket"),
    ("POST", "/access/vncticket"),
    ("POST", "/access/openid/auth-url"),
    ("POST", "/access/openid/login"),
}
_UPLOAD = re.compile(r"/nodes/[^/]+/storage/[^/]+/upload")


@dataclass(frozen=True, slots=True)
class Caller:
    """`has_token` is so even where the token was not looked at."""

    identity: Identity
    has_token: bool


def _value(header: str, key: str) -> str:
    found = re.search(rf"(?:^|\s){key}[= ]([^;]*)", header)
    return unquote(found[1]) if found else ""


def shown_token(request: web.BaseRequest) -> str:
    """Answer the name a request goes by, without its secret."""
    header = request.headers.get("Authorization", "")
    ticket = _value(request.headers.get("Cookie", ""), COOKIE)
    if ticket:
        return ticket.partition(":")[2].partition(":")[0]
    return _value(header, TOKEN).partition("=")[0]


async def authenticate(
    sim: Simulation, request: web.BaseRequest, path: str, formatter: str
) -> Caller:
    """Find out who asks; a ticket wins over a token.

    Raises BareError(401), late, as a brake on guessing.
    """
    header = request.headers.get("Authorization", "")
    ticket = _value(request.headers.get("Cookie", ""), COOKIE) or _value(header, COOKIE)
    token = "" if ticket else _value(header, TOKEN)
    if (request.method, path) in OPEN_TO_ALL:
        return Caller(Identity(""), has_token=bool(token))
    refused, identity = "No ticket", None
    if token:
        refused, identity = FAILED, access.identify(sim.world, f"{TOKEN}={token}", sim.clock.now())
    elif ticket:
        refused, identity = FAILED, _ticket_owner(sim, ticket)
    facts = {"method": request.method, "path": path, "token": shown_token(request)}
    if identity is not None and sim.faults.take("token_rotated", facts):
        identity = None
    if identity is None:
        await _refuse(sim, refused, formatter)
        raise BareError(401, refused)
    if ticket and request.method != "GET" and not _UPLOAD.fullmatch(path):
        await _check_csrf(sim, request, identity)
    return Caller(identity, has_token=bool(token))


async def _refuse(sim: Simulation, refused: str, formatter: str) -> None:
    await sim.clock.sleep(REFUSAL_DELAY_S)
    if formatter == "html":
        page = f"<!DOCTYPE html>\n<html><body><h1>Login Required</h1><p>{refused}</p></body></html>"
        raise BareError(401, "Login Required", body=page)


def _ticket_owner(sim: Simulation, ticket: str) -> Identity | None:
    world, clock = sim.world, sim.clock
    user = tickets.owner(world.ticket_secret, ticket, clock.now(), clock.scale)
    return Identity(user) if access.is_enabled(world, user, clock.now()) else None


async def _check_csrf(sim: Simulation, request: web.BaseRequest, identity: Identity) -> None:
    given = request.headers.get("CSRFPreventionToken", "")
    secret, clock = sim.world.ticket_secret, sim.clock
    if not tickets.is_csrf(secret, identity.user, given, clock.now(), clock.scale):
        await clock.sleep(REFUSAL_DELAY_S)
        raise BareError(401, "Permission denied - invalid csrf token")
