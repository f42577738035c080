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
    "no_worker_upid": {"does": "500 `got no worker upid - start worker failed`, not executed."},
    "no_quorum": {"does": "500 `cluster not ready - no quorum?` on anything that writes."},
    "node_down": {
        "does": "A node is unreachable (595) and offline until the fault is deleted.",
        "node": "its name",
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
        "scope": "`vm`, `storage` or `both` (default vm)",
    },
    "storage_full": {"does": "Allocations fail for lack of space. match.storage narrows it."},
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
    "node_down", "595", "no_quorum", "no_worker_upid", "foreign_vm",
    "status", "596", "timeout", "delay", "drop_connection",
)  # fmt: skip


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
            match, count = {**match, "node": params.get("node", match.get("node"))}, 0
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
            is_here = fault.kind == "lock_storm" and fault.param("scope", "vm") in (scope, "both")
            if is_here and fault.hits(facts):
                self._use(fault)
                return fault
        return None

    def is_down(self, node: str) -> bool:
        return any(f.kind == "node_down" and f.match.get("node") == node for f in self._active)

    def _use(self, fault: Fault) -> None:
        fault.fired += 1
        if not fault.is_endless:
            fault.count -= 1
            if fault.count <= 0:
                self._active.remove(fault)

    def clear(self, fault_id: int | None = None) -> int:
        before = len(self._active)
        self._active = [f for f in self._active if fault_id is not None and f.id != fault_id]
        return before - len(self._active)

    def listing(self) -> dict[str, Any]:
        active = [asdict(fault) for fault in self._active]
        return {"kinds": KINDS, "match": MATCHES, "active": active}


def _is_fitting(fault: Fault, facts: Facts) -> bool:
    """Tell whether the kind makes sense for this call: some need one that writes."""
    is_write = facts.get("method") != "GET"
    return is_write or fault.kind not in ("no_quorum", "no_worker_upid")
