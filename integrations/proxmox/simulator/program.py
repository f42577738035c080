"""The command line, and the life of the process from the first socket to the last."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import socket
import sys
from pathlib import Path

from aiohttp import web

from integrations.proxmox.simulator import certificates, fixtures
from integrations.proxmox.simulator.control import Control
from integrations.proxmox.simulator.listener import TlsListener
from integrations.proxmox.simulator.pipeline import Pipeline
from integrations.proxmox.simulator.simulation import LATEST, Simulation

# the idle ones are closed by their own clock, in `connections`
KEEP_ALIVE_S = 3600.0
GOODBYE_S = 0.1
LOOPBACK = "127.0.0.1"
VERSIONS = ("8.2.4", "8.4.2", "9.1.9", LATEST)
DESCRIPTION = """A Proxmox VE API server without Proxmox VE.

It speaks HTTPS like pveproxy, keeps a cluster of simulated nodes in the state folder and offers
a second, plain HTTP port on the loopback to look behind the scenes and to order faults.
When it is ready it prints one line of JSON: event, url, control_url, fingerprint, ca_file."""


def _positive(text: str) -> float:
    number = float(text)
    if number <= 0:
        raise argparse.ArgumentTypeError("has to be above 0")
    return number


def build_parser(parser: argparse.ArgumentParser | None = None) -> argparse.ArgumentParser:
    """Add the options to the given parser, or to a new one."""
    parser = parser or argparse.ArgumentParser(prog="proxmox_simulator", description=DESCRIPTION)
    add = parser.add_argument
    add("--host", default=LOOPBACK, help="address of the API (default: %(default)s)")
    add("--port", type=int, default=8006, help="port of the API, 0 = any (default: %(default)s)")
    add(
        "--control-port",
        type=int,
        default=8007,
        help="port of the control API, always on the loopback, 0 = any (default: %(default)s)",
    )
    add(
        "--state",
        type=Path,
        default=Path(".state/simulator"),
        help="folder for certificate and state (default: %(default)s)",
    )
    add(
        "--fixture",
        choices=tuple(fixtures.FIXTURES),
        default="demo",
        help="the cluster to begin with when the folder has no state yet (default: %(default)s); "
        + "; ".join(f"{name}: {text}" for name, (_, text) in fixtures.FIXTURES.items()),
    )
    add(
        "--time-scale",
        type=_positive,
        default=1.0,
        help="divides every duration; the ratios stay (default: %(default)s)",
    )
    add(
        "--pve-version",
        choices=VERSIONS,
        default=LATEST,
        help="which release answers; before 8.3 errors have no text in their body "
        "(default: %(default)s)",
    )
    return parser


def _bound(host: str, port: int) -> socket.socket:
    sock = socket.create_server((host, port), backlog=512)
    sock.setblocking(False)
    return sock


def _url(scheme: str, sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"{scheme}://{host}:{port}"


async def _control_runner(sim: Simulation, sock: socket.socket) -> web.AppRunner:
    runner = web.AppRunner(Control(sim).application(), access_log=None, shutdown_timeout=GOODBYE_S)
    await runner.setup()
    await web.SockSite(runner, sock).start()
    return runner


async def _serve(options: argparse.Namespace) -> None:
    farewell = _farewell()
    identity = certificates.ensure(options.state)
    api, control = _bound(options.host, options.port), _bound(LOOPBACK, options.control_port)
    sim = Simulation(
        state=options.state,
        fixture=options.fixture,
        scale=options.time_scale,
        version=options.pve_version,
    )
    sim.fingerprint = identity.fingerprint
    sim.certificate = identity.ca_file.read_text(encoding="ascii")
    server = web.Server(
        Pipeline(sim).handle,
        access_log=None,
        keepalive_timeout=KEEP_ALIVE_S,
    )
    sim.connections.server = server
    listener = TlsListener(api, server, identity.context(), lambda: sim.connections.is_full)
    listener.start()
    runner = await _control_runner(sim, control)
    observer = asyncio.create_task(sim.observe_forever())
    ready = {
        "event": "ready",
        "url": _url("https", api),
        "control_url": _url("http", control),
        "fingerprint": identity.fingerprint,
        "ca_file": str(identity.ca_file.resolve()),
    }
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    await farewell.wait()
    observer.cancel()
    await listener.close()
    await sim.close()
    server.pre_shutdown()
    await server.shutdown(GOODBYE_S)
    await runner.cleanup()


def _farewell() -> asyncio.Event:
    """Set on SIGTERM or Ctrl-C."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    return ended


def run(options: argparse.Namespace) -> int:
    """Serve until a signal comes; the state is saved when it returns."""
    options.state.mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(_serve(options))
    except OSError as error:
        sys.stderr.write(f"the simulator cannot serve: {error}\n")
        return 1
    return 0
