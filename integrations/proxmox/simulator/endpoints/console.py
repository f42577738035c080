"""Looking at a machine: a ticket by a task, then a websocket to its screen or serial line."""

from __future__ import annotations

import asyncio
import secrets
import string
from functools import partial
from typing import Any

from aiohttp import WSMsgType, web

from integrations.proxmox.simulator import rfb, views
from integrations.proxmox.simulator.consoles import Console
from integrations.proxmox.simulator.errors import ApiError, WorkError
from integrations.proxmox.simulator.routes import VM, Upgrade, route
from integrations.proxmox.simulator.scope import Call
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.tasks import Worker

COME_WITHIN_S = 10.0
_LETTERS = string.ascii_letters + string.digits


async def _attend(sim: Simulation, console: Console, worker: Worker) -> None:
    """Live as long as the viewer does; without one, not for long."""
    worker.say(f"starting {worker.task.kind} {worker.task.upid}")
    patience = asyncio.create_task(sim.clock.sleep(COME_WITHIN_S))
    coming = asyncio.create_task(console.seen.wait())
    try:
        await asyncio.wait({patience, coming}, return_when=asyncio.FIRST_COMPLETED)
        if not console.seen.is_set():
            raise WorkError("connection timed out")
        await console.ended.wait()
    finally:
        patience.cancel()
        coming.cancel()
        sim.consoles.close(console)


def _opened(
    sim: Simulation, call: Call, *, password: str = "", is_text: bool = False
) -> dict[str, Any]:
    machine = sim.machine(call.node, call.vmid)
    console = sim.consoles.open(machine, password, is_text=is_text)
    upid = sim.spawn(call, "vncproxy", call.vmid, partial(_attend, sim, console))
    user = call.identity.owner
    return {"port": console.port, "ticket": console.ticket, "user": user, "upid": upid}


@route("POST", f"{VM}/vncproxy")
async def vnc(sim: Simulation, call: Call) -> dict[str, Any]:
    """The password of the screen is the ticket, or one of eight letters when asked for."""
    wanted = call.flag("generate-password")
    password = "".join(secrets.choice(_LETTERS) for _ in range(8)) if wanted else ""
    answer = {**_opened(sim, call, password=password), "cert": sim.certificate}
    return {**answer, "password": password} if wanted else answer


@route("POST", f"{VM}/termproxy")
async def terminal(sim: Simulation, call: Call) -> dict[str, Any]:
    machine = sim.machine(call.node, call.vmid)
    serial = call.params.get("serial")
    lines = [key for key in machine.config if key.startswith("serial")]
    if not lines or (serial and serial not in lines):
        raise WorkError("unable to find a serial interface")
    return _opened(sim, call, is_text=True)


@route("POST", f"{VM}/spiceproxy")
async def spice(sim: Simulation, call: Call) -> dict[str, Any]:
    machine = sim.machine(call.node, call.vmid)
    if not machine.is_running:
        raise WorkError(f"VM {call.vmid} not running")
    if not str(machine.config.get("vga", "")).startswith("qxl"):
        raise WorkError("no spice port")
    return {
        "type": "spice",
        "title": f"VM {call.vmid} - {machine.name}",
        "host": f"pvespiceproxy:{int(sim.clock.now()):08X}:{call.vmid}:{call.node}:61000",
        "proxy": f"http://{call.params.get('proxy', sim.world.nodes[call.node].ip)}:3128",
        "tls-port": 61000,
        "password": secrets.token_hex(20),
        "host-subject": f"OU=PVE Cluster Node,O=Proxmox Virtual Environment,CN={call.node}",
        "ca": sim.certificate.replace("\n", "\\n"),
        "delete-this-file": 1,
        "secure-attention": "Ctrl+Alt+Ins",
        "toggle-fullscreen": "Shift+F11",
        "release-cursor": "Ctrl+Alt+R",
    }


@route("GET", f"{VM}/vncwebsocket")
async def websocket(sim: Simulation, call: Call) -> Upgrade:
    """Connect with the ticket; it opens its port once."""
    machine = sim.machine(call.node, call.vmid)
    console = sim.consoles.find(call.params["port"], call.params["vncticket"], machine)
    if console is None:
        raise ApiError(401, "permission denied - invalid PVEVNC ticket")
    return Upgrade({"port": str(console.port)}, partial(_serve, sim, console))


async def _serve(sim: Simulation, console: Console, request: web.BaseRequest) -> web.StreamResponse:
    console.seen.set()
    socket = web.WebSocketResponse(protocols=("binary",), max_msg_size=1 << 20)
    try:
        await socket.prepare(request)
        await (_line if console.is_text else _screen)(console, socket)
    except (rfb.GoneError, ConnectionError):
        # the viewer has left: that is how every console ends
        return socket
    finally:
        sim.consoles.close(console)
    return socket


async def _screen(console: Console, socket: web.WebSocketResponse) -> None:
    async def receive() -> bytes | None:
        message = await socket.receive()
        return bytes(message.data) if message.type is WSMsgType.BINARY else None

    machine = console.machine
    look = partial(views.qmp_status, machine)
    name = machine.name or str(machine.vmid)
    session = rfb.Session(rfb.Stream(receive), socket.send_bytes, name=name, look=look)
    await session.run(console.password)


async def _line(console: Console, socket: web.WebSocketResponse) -> None:
    """Speak as termproxy does: the ticket, `OK`, then bytes with their length before them."""
    first = await socket.receive()
    told = str(first.data.decode() if isinstance(first.data, bytes) else first.data)
    if console.ticket not in told:
        return
    await socket.send_bytes(b"OK")
    await socket.send_bytes(f"\r\n{console.machine.name} login: ".encode())
    async for message in socket:
        text = message.data.decode() if isinstance(message.data, bytes) else str(message.data)
        kind, _, rest = text.partition(":")
        if kind == "0":
            await socket.send_bytes(rest.partition(":")[2].encode())
