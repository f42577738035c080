"""The control API: plain HTTP on the loopback, for tests and demonstrations."""

from __future__ import annotations

import dataclasses
import json
import re
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from integrations.proxmox.simulator import fixtures, routes, schema, settings
from integrations.proxmox.simulator.simulation import Simulation
from integrations.proxmox.simulator.standing import Standing
from integrations.proxmox.simulator.world import Machine, User

_MISSING = object()
_STORAGE_FIGURES = {
    "total",
    "alloc_s",
    "copy_base_s",
    "copy_gib_per_s",
    "is_full",
    "is_offline",
}


class Control:
    """Every answer is JSON; bad input is 400 with `error`."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._standing = Standing()

    def application(self) -> web.Application:
        app = web.Application(middlewares=[_guarded])
        app.router.add_get("/state", self.state)
        app.router.add_get("/log", self.log)
        app.router.add_get("/routes", self.routes)
        app.router.add_get("/faults", self.faults)
        app.router.add_post("/faults", self.order_fault)
        app.router.add_delete("/faults", self.clear_faults)
        app.router.add_post("/foreign-vm", self.foreign_vm)
        app.router.add_post("/clock", self.clock)
        app.router.add_post("/storage", self.storage)
        app.router.add_post("/snippet", self.snippet)
        app.router.add_post("/limits", self.limits)
        app.router.add_post("/rotate-token", self.rotate_token)
        app.router.add_post("/user", self.user)
        app.router.add_post("/crash-task", self.crash_task)
        app.router.add_post("/unlock", self.unlock)
        app.router.add_post("/remove-vm", self.remove_vm)
        app.router.add_post("/power", self.power)
        app.router.add_post("/reset", self.reset)
        return app

    async def state(self, request: web.Request) -> web.Response:
        """Answer the ground truth, without pvestatd's delay and without permissions."""
        del request
        world = self._sim.world
        dump = world.dump()
        body = {
            "fixture": world.fixture,
            "cluster": world.name,
            "scale": self._sim.clock.scale,
            "requests": self._sim.journal.count,
            "vms": [self._machine(machine) for machine in world.machines.values()],
            "tasks": list(dump["tasks"].values()),
            "nodes": [{**n, "online": self._sim.is_up(n["name"])} for n in dump["nodes"].values()],
            "storages": list(dump["storages"].values()),
            "volumes": list(dump["volumes"].values()),
            "pools": world.pools,
        }
        return web.json_response(body)

    def _machine(self, machine: Machine) -> dict[str, Any]:
        world = self._sim.world
        smbios = str(machine.config.get("smbios1", ""))
        parts = dict(p.partition("=")[::2] for p in smbios.split(","))
        return {
            "node": machine.node,
            "vmid": machine.vmid,
            "uuid": parts.get("uuid", ""),
            "name": machine.name,
            "status": machine.status,
            "lock": machine.config.get("lock"),
            "template": machine.is_template,
            "foreign": machine.is_foreign,
            "pool": world.pool_of(machine.vmid),
            "config": settings.view(machine, current=True),
            "pending": machine.pending,
            "volumes": sorted(volume.volid for volume in world.machine_volumes(machine.vmid)),
        }

    async def log(self, request: web.Request) -> web.Response:
        after = int(request.query.get("after", "0"))
        return web.json_response(self._sim.journal.after(after))

    async def routes(self, request: web.Request) -> web.Response:
        """List the endpoints: those that do something, and those that only check."""
        del request
        found: dict[str, list[str]] = {"simulated": [], "checked_only": []}
        for method, path in sorted(schema.endpoints(), key=lambda key: key[::-1]):
            is_simulated = (method, path) in routes.handlers()
            found["simulated" if is_simulated else "checked_only"].append(f"{method} {path}")
        return web.json_response(found)

    async def faults(self, request: web.Request) -> web.Response:
        del request
        return web.json_response(self._sim.faults.listing())

    async def order_fault(self, request: web.Request) -> web.Response:
        fault = self._sim.faults.order(await _body(request))
        self._standing.enact(self._sim, fault)
        return web.json_response({"id": fault.id, "kind": fault.kind}, status=201)

    async def clear_faults(self, request: web.Request) -> web.Response:
        """All of them, or the one of `?id=`."""
        wanted = request.query.get("id")
        removed = self._sim.faults.clear(int(wanted) if wanted else None)
        self._standing.revoke(self._sim, removed)
        return web.json_response({"removed": len(removed)})

    async def foreign_vm(self, request: web.Request) -> web.Response:
        """Let somebody else's machine appear, by default also where another was before."""
        body, sim = await _body(request), self._sim
        vmid = int(_required(body, "vmid"))
        known = sim.world.machines.get(vmid)
        node = str(body.get("node") or (known.node if known else next(iter(sim.world.nodes))))
        if node not in sim.world.nodes:
            raise ValueError(f"unknown node '{node}'")
        if known is not None and not body.get("replace", True):
            raise ValueError(f"VM {vmid} exists")
        name = str(body.get("name", "stranger"))
        machine = fixtures.stranger(sim.world, vmid=vmid, node=node, name=name, now=sim.clock.now())
        if body.get("status", "stopped") == "running":
            machine.status, machine.started = "running", sim.clock.now()
        sim.touch()
        sim.flush()
        return web.json_response(self._machine(machine), status=201)

    async def clock(self, request: web.Request) -> web.Response:
        scale = float(_required(await _body(request), "scale"))
        if scale <= 0:
            raise ValueError("scale has to be above 0")
        self._sim.clock.rescale(scale)
        return web.json_response({"scale": scale})

    async def storage(self, request: web.Request) -> web.Response:
        """Make a storage slower, fuller, or unreachable: any of its figures, by `name`."""
        body, sim = await _body(request), self._sim
        name = str(_required(body, "name"))
        if name not in sim.world.storages:
            raise ValueError(f"unknown storage '{name}'")
        changes = {key: value for key, value in body.items() if key != "name"}
        unknown = sorted(set(changes) - _STORAGE_FIGURES)
        if unknown:
            raise ValueError(f"unknown parameters: {', '.join(unknown)}")
        storage = dataclasses.replace(sim.world.storages[name], **changes)
        sim.world.storages[name] = storage
        sim.touch()
        return web.json_response(dataclasses.asdict(storage))

    async def snippet(self, request: web.Request) -> web.Response:
        """Put a cloud-init document on the nodes of its storage, or on some; on none is off all."""
        body, world = await _body(request), self._sim.world
        name = str(_required(body, "volume"))
        storage = world.storages.get(name.partition(":")[0])
        if storage is None or not re.fullmatch(r"[^:]+:snippets/[^/]+", name):
            raise ValueError(f"'{name}' names no snippet of a storage")
        nodes = body.get("nodes", storage.nodes)
        if unknown := sorted(set(nodes) - set(storage.nodes)):
            raise ValueError(f"unknown nodes: {', '.join(unknown)}")
        world.snippets[name] = list(nodes)
        self._sim.touch()
        return web.json_response({"volume": name, "nodes": world.snippets[name]})

    async def limits(self, request: web.Request) -> web.Response:
        """Set the limits of the daemon, by name; without any, show them."""
        return web.json_response(self._sim.connections.change(await _body(request)))

    async def rotate_token(self, request: web.Request) -> web.Response:
        """Give a token another secret, or let it expire: the old one is refused from now on."""
        body = await _body(request)
        owner = str(_required(body, "token"))
        token = self._sim.world.tokens.get(owner)
        if token is None:
            raise ValueError(f"unknown token '{owner}'")
        token.secret = str(body.get("secret", uuid.uuid4()))
        token.expires = int(body.get("expires", token.expires))
        self._sim.touch()
        return web.json_response({"token": owner, "secret": token.secret})

    async def user(self, request: web.Request) -> web.Response:
        """Change a user, or make one: password, is_enabled, expires."""
        body, world = await _body(request), self._sim.world
        name = str(_required(body, "name"))
        changes = {key: value for key, value in body.items() if key != "name"}
        unknown = sorted(set(changes) - {"password", "is_enabled", "expires"})
        if unknown:
            raise ValueError(f"unknown parameters: {', '.join(unknown)}")
        world.users[name] = dataclasses.replace(world.users.get(name, User()), **changes)
        self._sim.touch()
        return web.json_response({"name": name})

    async def crash_task(self, request: web.Request) -> web.Response:
        """Kill one worker as by kill -9; without `upid` every one that runs."""
        body, sim = await _body(request), self._sim
        wanted = body.get("upid")
        running = [t.upid for t in sim.world.tasks.values() if t.status == "running"]
        killed = [upid for upid in ([wanted] if wanted else running) if await sim.tasks.kill(upid)]
        sim.flush()
        return web.json_response({"killed": killed})

    async def unlock(self, request: web.Request) -> web.Response:
        """Do what `qm unlock` does on the node: the operator's answer to a lock a crash left."""
        machine = self._found(await _body(request))
        machine.config.pop("lock", None)
        return self._changed(machine)

    async def remove_vm(self, request: web.Request) -> web.Response:
        """Let a machine vanish behind everybody's back."""
        machine = self._found(await _body(request))
        fixtures.evict(self._sim.world, machine.vmid)
        return self._changed(machine)

    async def power(self, request: web.Request) -> web.Response:
        """Switch a machine on or off behind everybody's back."""
        body = await _body(request)
        machine, status = self._found(body), _required(body, "status")
        if status not in ("running", "stopped"):
            raise ValueError("status has to be running or stopped")
        machine.status = status
        machine.started = self._sim.clock.now() if status == "running" else 0.0
        return self._changed(machine)

    def _found(self, body: dict[str, Any]) -> Machine:
        machine = self._sim.world.machines.get(int(_required(body, "vmid")))
        if machine is None:
            raise ValueError(f"there is no VM {body['vmid']}")
        return machine

    def _changed(self, machine: Machine) -> web.Response:
        self._sim.touch()
        self._sim.flush()
        return web.json_response(self._machine(machine))

    async def reset(self, request: web.Request) -> web.Response:
        fixture = str((await _body(request)).get("fixture", self._sim.world.fixture))
        self._standing.forget()
        await self._sim.reset(fixture)
        self._sim.flush()
        return web.json_response({"fixture": fixture})


def _required(body: dict[str, Any], name: str) -> Any:
    value = body.get(name, _MISSING)
    if value is _MISSING:
        raise ValueError(f"{name} is missing")
    return value


async def _body(request: web.Request) -> dict[str, Any]:
    text = await request.text()
    body = json.loads(text) if text else {}
    if not isinstance(body, dict):
        raise TypeError("a JSON object is expected")
    return body


@web.middleware
async def _guarded(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except (ValueError, TypeError) as error:
        return web.json_response({"error": str(error)}, status=400)
