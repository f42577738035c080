from __future__ import annotations

import ssl
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from integrations.proxmox.simulator import framebuffer, rfb
from tests.loops import run_async
from tests.simulator import TOKENS, SimulatorProcess, wait_until

PVE1 = "/nodes/pve1/qemu"
VM = f"{PVE1}/100"
TOKEN = "uhub@pve!portal"
PIXELS = framebuffer.WIDTH * framebuffer.HEIGHT * framebuffer.BYTES_PER_PIXEL
Viewer = Callable[[aiohttp.ClientWebSocketResponse], Awaitable[Any]]


def _proxy(simulator: SimulatorProcess, kind: str = "vncproxy", **params: Any) -> dict[str, Any]:
    found: dict[str, Any] = simulator.api("POST", f"{VM}/{kind}", params).json()["data"]
    return found


def _watch(simulator: SimulatorProcess, proxy: dict[str, Any], viewer: Viewer) -> Any:
    async def connect() -> Any:
        context = ssl.create_default_context(cafile=simulator.ca_file)
        headers = {"Authorization": f"PVEAPIToken={TOKEN}={TOKENS[TOKEN]}"}
        query = {"port": str(proxy["port"]), "vncticket": proxy["ticket"]}
        url = f"{simulator.url}/api2/json{VM}/vncwebsocket"
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(
                url, params=query, headers=headers, ssl=context, protocols=["binary"]
            ) as socket,
        ):
            return await viewer(socket)

    return run_async(connect())


async def _greet(socket: aiohttp.ClientWebSocketResponse, password: str) -> str:
    """The handshake of a viewer; answers the title of the screen."""
    assert await socket.receive_bytes() == b"RFB 003.008\n"
    await socket.send_bytes(b"RFB 003.008\n")
    assert await socket.receive_bytes() == b"\x01\x02"
    await socket.send_bytes(b"\x02")
    challenge = await socket.receive_bytes()
    await socket.send_bytes(rfb.response_to(challenge, password))
    (result,) = struct.unpack(">I", (await socket.receive_bytes())[:4])
    if result:
        return "refused"
    await socket.send_bytes(b"\x01")
    init = await socket.receive_bytes()
    assert struct.unpack(">HH", init[:4]) == (framebuffer.WIDTH, framebuffer.HEIGHT)
    return init[24:].decode()


async def _picture(socket: aiohttp.ClientWebSocketResponse, *, incremental: bool) -> bytes:
    size = struct.pack(">HHHH", 0, 0, framebuffer.WIDTH, framebuffer.HEIGHT)
    await socket.send_bytes(b"\x03" + bytes([incremental]) + size)
    return (await socket.receive_bytes())[16:]


def test_a_proxy_answers_all_a_viewer_needs(demo: SimulatorProcess) -> None:
    proxy = _proxy(demo, websocket=1)

    assert sorted(proxy) == ["cert", "port", "ticket", "upid", "user"]
    assert proxy["upid"].split(":")[5:7] == ["vncproxy", "100"]
    assert proxy["cert"].startswith("-----BEGIN CERTIFICATE-----")


def test_a_viewer_sees_the_name_and_every_change_of_state(demo: SimulatorProcess) -> None:
    proxy = _proxy(demo, websocket=1)

    async def viewer(socket: aiohttp.ClientWebSocketResponse) -> tuple[str, bytes, bytes]:
        title = await _greet(socket, proxy["ticket"])
        before = await _picture(socket, incremental=False)
        demo.control("POST", "/power", {"vmid": 100, "status": "stopped"})
        return title, before, await _picture(socket, incremental=True)

    title, before, after = _watch(demo, proxy, viewer)

    assert title == "VM mail-gateway"
    assert before == framebuffer.picture("mail-gateway", "running")
    assert after == framebuffer.picture("mail-gateway", "stopped")
    assert (len(before), before != after) == (PIXELS, True)


def test_the_task_lives_as_long_as_the_viewer(demo: SimulatorProcess) -> None:
    proxy = _proxy(demo, websocket=1)

    async def viewer(socket: aiohttp.ClientWebSocketResponse) -> list[str]:
        await _greet(socket, proxy["ticket"])
        return [task["upid"] for task in demo.running_tasks()]

    assert _watch(demo, proxy, viewer) == [proxy["upid"]]
    assert demo.task(proxy["upid"]) == "OK"


def test_nobody_comes(demo: SimulatorProcess) -> None:
    proxy = _proxy(demo)

    assert demo.task(proxy["upid"]) == "connection timed out"


def test_a_ticket_opens_its_port_once_and_no_other(demo: SimulatorProcess) -> None:
    demo.control("POST", "/clock", {"scale": 1})
    proxy = _proxy(demo)
    path, query = f"{VM}/vncwebsocket", {"port": proxy["port"], "vncticket": proxy["ticket"]}

    assert demo.api("GET", path, query).json() == {"data": {"port": str(proxy["port"])}}
    wrong = demo.api("GET", path, {**query, "vncticket": "PVEVNC:0::0"})
    other = demo.api("GET", "/nodes/pve2/qemu/101/vncwebsocket", query)

    assert (wrong.status_code, other.status_code) == (401, 401)
    assert wrong.reason == "permission denied - invalid PVEVNC ticket"


@pytest.mark.parametrize(("password", "title"), [("", "VM mail-gateway"), ("wrong", "refused")])
def test_a_generated_password_is_the_one_asked_for(
    demo: SimulatorProcess, password: str, title: str
) -> None:
    wanted = {"websocket": 1, "generate-password": 1}
    proxy = demo.api("POST", f"{VM}/vncproxy", wanted).json()["data"]

    async def viewer(socket: aiohttp.ClientWebSocketResponse) -> str:
        return await _greet(socket, password or proxy["password"])

    assert len(proxy["password"]) == 8
    assert _watch(demo, proxy, viewer) == title


def test_a_terminal_needs_a_serial_line(demo: SimulatorProcess) -> None:
    refused = demo.api("POST", f"{VM}/termproxy")

    assert refused.reason == "unable to find a serial interface"


def test_a_terminal_echoes_what_is_typed(demo: SimulatorProcess) -> None:
    demo.api("PUT", f"{VM}/config", {"serial0": "socket"})
    demo.control("POST", "/power", {"vmid": 100, "status": "stopped"})
    demo.run("POST", f"{VM}/status/start")
    proxy = _proxy(demo, "termproxy")

    async def viewer(socket: aiohttp.ClientWebSocketResponse) -> list[bytes]:
        await socket.send_str(f"{proxy['user']}:{proxy['ticket']}\n")
        greeting = [await socket.receive_bytes(), await socket.receive_bytes()]
        await socket.send_str("0:3:abc")
        return [*greeting, await socket.receive_bytes()]

    assert _watch(demo, proxy, viewer) == [b"OK", b"\r\nmail-gateway login: ", b"abc"]
    wait_until(lambda: demo.running_tasks() == [])


def test_the_handshake_is_written_down_with_its_status(demo: SimulatorProcess) -> None:
    before, proxy = demo.log_position(), _proxy(demo)

    async def viewer(socket: aiohttp.ClientWebSocketResponse) -> str:
        return await _greet(socket, proxy["ticket"])

    _watch(demo, proxy, viewer)

    (entry,) = [e for e in demo.log(before) if e["path"].endswith("/vncwebsocket")]
    assert entry["status"] == 101
