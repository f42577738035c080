"""The faults somebody may order: which exist, which are active, and whom they hit."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any

Facts = dict[str, Any]

# kind: what it does, with its parameters
KINDS: dict[str, dict[str, str]] = {
    "timeout": {
        "does": "The request is never answered.",
        "execute": "true: the operation happens all the same (default false)",
        "hold_s": "simulated seconds until the connection is closed (default 120)",
    },
    "595": {
        "does": "595 at once, nothing executed: the node's daemon cannot be reached.",
        "reason": "reason phrase (default `Connection refused`)",
    },
    "596": {
        "does": "596 `Connection timed out` by the proxy.",
        "execute": "the operation completes server-side (default true)",
        "delay_s": "simulated seconds before the answer (default 30)",
    },
    "status": {
        "does": "Any status and reason, with a JSON message.",
        "status": "number (default 500)",
        "reason": "reason phrase (default `simulated fault`)",
        "execute": "the operation happens before the answer (default false)",
        "empty": "true: an empty body instead of the JSON message",
    },
    "delay": {
        "does": "The answer comes late; the 30 s limit of the proxy still cuts it.",
        "delay_s": "simulated seconds (default 5)",
    },
    "drop_connection": {
        "does": "The connection is reset instead of an answer.",
        "when": "`before` or `after` executing (default after)",
    },
    "garbage": {
        "does": "200 with a body that is no JSON, or only the beginning of some.",
        "body": "the body (default the beginning of a list)",
        "execute": "the operation happens (default true)",
    },
    "empty_reason": {
        "does": "An error whose reason phrase got lost, as behind HTTP/2; the JSON body is there.",
        "status": "number (default 500)",
        "message": "in the body (default `simulated fault`)",
        "execute": "the operation happens before the answer (default false)",
    },
    "reverse_proxy": {
        "does": "An HTML page by a proxy in front: 502, 503 or 504.",
        "status": "number (default 502)",
        "execute": "the operation happens (default only with 504)",
    },
    "slow_listing": {
        "does": "`content` of a storage takes long; above 30 s the proxy cuts it (596).",
        "delay_s": "simulated seconds (default 34)",
    },
    "truncated_listing": {
        "does": "Lists of guests lack some, with 200: cluster/resources, qemu, pools.",
        "node": "lacks the guests of this node",
        "vmids": "lacks these",
        "share": "without both: lacks this share of all, by chance (default 1: all of them)",
    },
    "task_invisible": {"does": "400 `no such task` for the status of a task that is there."},
    "token_rotated": {
        "does": "401 `Authentication failed!`: the secret of the token is another by now.",
    },
    "no_worker_upid": {"does": "500 `got no worker upid - start worker failed`, not executed."},
    "no_quorum": {"does": "500 `cluster not ready - no quorum?` on anything that writes."},
    "node_down": {
        "does": "A node is unreachable (595) and offline until the fault is deleted.",
        "node": "its name",
    },
    "partition": {
        "does": "Nodes are cut off (595) until the fault is deleted; with half of all nodes or "
        "more nothing can be written on this side: no quorum.",
        "nodes": "their names",
        "reason": "reason phrase (default `No route to host`)",
    },
    "vanished_guests": {
        "does": "Guests are gone, volumes and all, until the fault is deleted; without parameters "
        "all that are no templates.",
        "node": "those of this node",
        "vmids": "these",
    },
    "config_lock": {
        "does": "Machines bear a lock in their configuration until the fault is deleted. "
        "match.vmid narrows it.",
        "lock": "backup, clone, create, migrate, rollback, snapshot, ... (default backup)",
    },
    "id_reuse": {
        "does": "Somebody else takes the VMID at once when a destroy has ended.",
        "name": "default `stranger`",
        "node": "default: the same",
    },
    "hung_task": {"does": "The task never ends by itself; it can be stopped or killed."},
    "ha_delay": {
        "does": "The HA manager acts late on what it was asked for.",
        "delay_s": "simulated seconds (default 60)",
    },
    "agent_slow": {
        "does": "The guest agent answers late.",
        "delay_s": "simulated seconds (default 20)",
    },
    "foreign_vm": {
        "does": "Somebody else's machine takes the VMID right before the matching request.",
        "vmid": "default: the `newid`, else the VMID of the request",
        "node": "default: the node of the request",
        "name": "default `stranger`",
        "replace": "replaces a machine that is there (default true)",
    },
    "lock_storm": {
        "does": "The file lock (or storage lock) is not granted: waits its time, then fails.",
        "scope": "`vm`, `storage`, `cfs` (shared storages only) or `both` (default vm)",
    },
    "storage_full": {
        "does": "Allocations fail for lack of space. match.storage narrows it.",
        "message": "`No space left on device` or `not enough free space` (default by its kind)",
    },
    "storage_offline": {"does": "Allocations fail: `storage 'x' is not online`."},
    "worker_crash": {
        "does": "The worker dies like under kill -9: `unexpected status`, leftovers stay.",
        "at": "`begin`, `locked`, `half`, `unlocked` (clones) or `done`; default locked",
    },
    "task_error": {
        "does": "The task fails before it has done anything.",
        "message": "exit status (default `simulated failure`)",
    },
    "task_warnings": {
        "does": "The task does its work and ends with `WARNINGS: 1`; a destroy leaves a volume.",
        "message": "the warning",
    },
    "start_lies": {"does": "A start task fails with a timeout while the machine does run."},
    "agent_down": {"does": "The guest agent does not answer. match.vmid narrows it."},
}
MATCHES = {
    "method": "HTTP method",
    "path": "regular expression on the path behind /api2/json",
    "token": "user@realm!tokenid",
    "node": "node of the request",
    "vmid": "VMID in the path",
    "newid": "VMID to be created",
    "task": "task type (qmclone, qmstart, ...)",
    "storage": "storage of an allocation",
}
REQUEST_KINDS = (
    "node_down", "595", "no_quorum", "no_worker_upid", "foreign_vm", "status",
    "596", "timeout", "delay", "drop_connection", "garbage", "empty_reason", "reverse_proxy",
    "slow_listing", "truncated_listing", "task_invisible", "agent_slow",
)  # fmt: skip
STANDING_KINDS = ("node_down", "partition", "vanished_guests", "config_lock")
_SCOPES = {
    "vm": ("vm",),
    "storage": ("storage", "cfs"),
    "cfs": ("cfs",),
    "both": ("vm", "storage", "cfs"),
}
_ROUTES = {
    "slow_listing": r"/content$",
    "truncated_listing": r"^/cluster/resources$|^/nodes/{node}/qemu$|^/pools",
    "task_invisible": r"/tasks/{upid}/status$",
    "agent_slow": r"/agent/",
}


@dataclass(slots=True)
class Fault:
    """`count` is how often it may still fire; 0 or less in the order means without limit."""

    id: int
    kind: str
    match: dict[str, Any] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    count: int = 1
    is_endless: bool = False
    fired: int = 0

    def hits(self, facts: Facts) -> bool:
        return all(_is_match(key, wanted, facts) for key, wanted in self.match.items())

    def param(self, name: str, default: Any) -> Any:
        return self.params.get(name, default)


def _is_match(key: str, wanted: Any, facts: Facts) -> bool:
    if key not in facts:
        return False
    found = str(facts[key])
    if key == "path":
        return re.search(str(wanted).replace("/api2/json", ""), found) is not None
    return found.lower() == str(wanted).lower()


class FaultTable:
    """Orders are served first come, first served."""

    def __init__(self) -> None:
        self._active: list[Fault] = []
        self._ordered = 0

    def order(self, raw: dict[str, Any]) -> Fault:
        """Take `{kind, match, count, ...}`.

        Raises ValueError naming what is unknown.
        """
        params = dict(raw)
        kind = str(params.pop("kind", "")).replace("-", "_")
        match = params.pop("match", None) or {}
        if isinstance(match, str):
            match = {"path": match}
        count = params.pop("count", 1)
        if kind not in KINDS:
            raise ValueError(f"unknown kind '{kind}', one of: {', '.join(sorted(KINDS))}")
        unknown = [f"match.{key}" for key in match if key not in MATCHES]
        unknown += [key for key in params if key not in KINDS[kind] or key == "does"]
        if unknown:
            raise ValueError(f"unknown parameters: {', '.join(unknown)}")
        if kind == "node_down":
            match = {**match, "node": params.get("node", match.get("node"))}
        if kind in STANDING_KINDS:
            count = 0
        self._ordered += 1
        limit = int(count or 0)
        fault = Fault(self._ordered, kind, match, params, limit, is_endless=limit <= 0)
        self._active.append(fault)
        return fault

    def take(self, kind: str, facts: Facts) -> Fault | None:
        """Answer the first active order of that kind that fits, used up by one."""
        for fault in self._active:
            if fault.kind == kind and fault.hits(facts):
                self._use(fault)
                return fault
        return None

    def take_for_request(self, facts: Facts) -> Fault | None:
        for fault in self._active:
            if fault.kind in REQUEST_KINDS and fault.hits(facts) and _is_fitting(fault, facts):
                self._use(fault)
                return fault
        return None

    def take_crash(self, point: str, facts: Facts) -> Fault | None:
        for fault in self._active:
            is_here = fault.kind == "worker_crash" and fault.param("at", "locked") == point
            if is_here and fault.hits(facts):
                self._use(fault)
                return fault
        return None

    def take_lock(self, scope: str, facts: Facts) -> Fault | None:
        for fault in self._active:
            scopes = _SCOPES.get(str(fault.param("scope", "vm")), ())
            is_here = fault.kind == "lock_storm" and scope in scopes
            if is_here and fault.hits(facts):
                self._use(fault)
                return fault
        return None

    def _outage(self, node: str) -> Fault | None:
        for fault in self._active:
            is_down = fault.kind == "node_down" and fault.match.get("node") == node
            if is_down or (fault.kind == "partition" and node in fault.param("nodes", [])):
                return fault
        return None

    def is_down(self, node: str) -> bool:
        return self._outage(node) is not None

    def unreachable(self, node: str) -> str:
        """Answer the reason phrase for a node that cannot be reached."""
        fault = self._outage(node)
        return str(fault.param("reason", "No route to host")) if fault else "No route to host"

    def lost_nodes(self) -> set[str]:
        """Answer the nodes partitions have cut off."""
        parted = (f.param("nodes", []) for f in self._active if f.kind == "partition")
        return {str(node) for nodes in parted for node in nodes}

    def _use(self, fault: Fault) -> None:
        fault.fired += 1
        if not fault.is_endless:
            fault.count -= 1
            if fault.count <= 0:
                self._active.remove(fault)

    def clear(self, fault_id: int | None = None) -> list[Fault]:
        """Forget one order, or all of them, and answer what is gone."""
        gone = [f for f in self._active if fault_id is None or f.id == fault_id]
        self._active = [f for f in self._active if f not in gone]
        return gone

    def listing(self) -> dict[str, Any]:
        active = [asdict(fault) for fault in self._active]
        return {"kinds": KINDS, "match": MATCHES, "active": active}


def _is_fitting(fault: Fault, facts: Facts) -> bool:
    """Tell whether the kind makes sense for this call: for some it has to write, or to list."""
    if fault.kind in _ROUTES:
        return re.search(_ROUTES[fault.kind], str(facts.get("route", ""))) is not None
    is_write = facts.get("method") != "GET"
    return is_write or fault.kind not in ("no_quorum", "no_worker_upid")
