"""Replays recorded exchanges of Proxmox VE 9.2 and says where the simulator answers otherwise."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.simulator import SimulatorProcess, wait_until

EXCHANGES: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("wire.json").read_text(encoding="utf-8")
)
_VOLATILE = {"digest", "vmgenid", "smbios1", "meta", "net0"}
# what the recording does not carry: odd headers and bodies, and the pace of the storage
_ODD: dict[str, dict[str, Any]] = {
    "bad token": {"headers": {"Authorization": "PVEAPIToken=prov@pve!sim=wrong"}},
    "malformed token": {"headers": {"Authorization": "PVEAPIToken=garbage"}},
    "bad ticket": {"headers": {"Cookie": "PVEAuthCookie=PVE:root@pam:0000::bad"}},
    "json body bool true (then real clone starts)": {"json": {"newid": 101, "full": True}},
    "DELETE with body": {"data": "purge=1"},
    "bad content type": {"data": "<x/>", "headers": {"Content-Type": "text/xml"}},
}
_PACE: dict[str, dict[str, float]] = {
    "slow full clone": {"copy_base_s": 17.0},
    "race same newid 1": {"copy_base_s": 3.0},
    "start": {"copy_base_s": 0.2},
    "sync PUT config with 36s disk alloc through pveproxy (30s proxy timeout)": {"alloc_s": 60.0},
    "after 596: did it apply?": {"alloc_s": 0.1},
}
# what was done between two recorded exchanges without being recorded
_UNRECORDED: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "start2": [("DELETE", "/nodes/pve1/qemu/9000", {})] * 2,
    "race same newid 1": [
        ("POST", "/nodes/pve1/qemu/101/status/stop", {}),
        ("POST", "/nodes/pve1/qemu/101/config", {"tags": "web;prod,web X", "cores": 2}),
    ],
}
# slow enough for a request to arrive within the moment it was recorded in
_SCALES = {
    "slow full clone": 1.0,
    "PUT config on template while being cloned (flock shared held)": 10.0,
    "start while cloning >10s": 1.0,
    "TASK start while cloning >10s": 5.0,
    "race same newid 1": 0.05,
    "TASK race same newid 0": 50.0,
    "agent not up yet": 3.0,
    "start already running": 50.0,
    "reboot": 4.0,
    "TASK reboot": 0.2,
    "start3": 1.0,
    "TASK start3": 50.0,
}
_WAITS = ("cleanup json clone", "after destroy")


class Replay:
    """Keeps the map from recorded to own UPIDs while it goes through the exchanges."""

    def __init__(self, process: SimulatorProcess) -> None:
        self._process = process
        self._upids: dict[str, str] = {}
        self.differences: dict[str, list[str]] = {}
        self.count = 0

    def run(self, exchanges: list[dict[str, Any]]) -> None:
        position = 0
        while position < len(exchanges):
            first = exchanges[position]
            group = [first]
            if first["note"].startswith("race"):
                group = [e for e in exchanges[position:] if e["note"].startswith("race")]
            self._prepare(first["note"], first)
            self._send(group)
            position += len(group)

    def _prepare(self, note: str, exchange: dict[str, Any]) -> None:
        process = self._process
        if note == "setup" and exchange.get("path", "").endswith("/qemu"):
            process.reset("wire")
        for method, path, params in _UNRECORDED.get(note, []):
            process.run(method, path, params, token="prov@pve!full")
        if note in _PACE:
            process.control("POST", "/storage", {"name": "local", **_PACE[note]})
        if note == "running task status":
            wait_until(lambda: len((process.vm(101) or {"volumes": []})["volumes"]) == 2)
        if note == "TASK reboot":
            wait_until(lambda: (process.vm(101) or {})["status"] == "stopped")
        if note in _SCALES:
            process.control("POST", "/clock", {"scale": _SCALES[note]})
        if note in _WAITS:
            wait_until(lambda: not process.running_tasks())
        if note.startswith("after 596"):
            wait_until(lambda: "scsi1" in (process.vm(101) or {}).get("config", {}))
        if note.startswith("TASK race"):
            self._match_winners()

    def _match_winners(self) -> None:
        """Which of three equal requests wins is anybody's guess: the winners are matched."""
        race = [e for e in EXCHANGES if e["note"].startswith("TASK race")]
        own = [self._upids[e["upid"]] for e in race]
        own.sort(key=lambda upid: self._process.task(upid, token="root@pam!adm") != "OK")
        race.sort(key=lambda exchange: bool(exchange["exitstatus"] != "OK"))
        self._upids |= {e["upid"]: upid for e, upid in zip(race, own, strict=True)}

    def _send(self, group: list[dict[str, Any]]) -> None:
        with ThreadPoolExecutor(len(group)) as pool:
            for exchange, found in zip(group, pool.map(self._one, group), strict=True):
                self.count += 1
                if found:
                    self.differences[f"{self.count} {exchange['note']}"] = found

    def _one(self, exchange: dict[str, Any]) -> list[str]:
        return self._task(exchange) if "upid" in exchange else self._request(exchange)

    def _task(self, exchange: dict[str, Any]) -> list[str]:
        upid, token = self._upids[exchange["upid"]], "root@pam!adm"
        path = f"/nodes/pve1/tasks/{upid}"
        found = _unequal("exit", exchange["exitstatus"], self._process.task(upid, token=token))
        status = self._process.api("GET", f"{path}/status", token=token).json()["data"]
        lines = self._process.api("GET", f"{path}/log", {"limit": 0}, token=token).json()["data"]
        found += _unequal("status keys", sorted(exchange["status"]), sorted(status))
        return found + _unequal("log", exchange["log"], [line["t"] for line in lines])

    def _request(self, exchange: dict[str, Any]) -> list[str]:
        path = exchange["path"]
        for recorded, own in self._upids.items():
            path = path.replace(recorded, own)
        options = dict(_ODD.get(exchange["note"], {}))
        if path.startswith("//api2"):
            path = "/../.." + path[1:].removeprefix("/api2/json")
        token = "" if "headers" in options and "Content-Type" not in options["headers"] else None
        answer = self._process.api(
            exchange["method"],
            path,
            exchange.get("params"),
            token=exchange["token"] if token is None else token,
            **options,
        )
        found = _unequal("status", exchange["status"], answer.status_code)
        found += _unequal("reason", exchange["reason"], answer.reason)
        if "text" in exchange:
            return found + _unequal("text", exchange["text"], answer.text)
        body = answer.json()
        data = exchange["body"].get("data")
        if isinstance(data, str) and data.startswith("UPID:") and answer.ok:
            self._upids[data] = body["data"]
        return found + differences(exchange["body"], body, "body")


def _unequal(what: str, recorded: Any, own: Any) -> list[str]:
    return [] if recorded == own else [f"{what}: {recorded!r} recorded, {own!r} now"]


def differences(recorded: Any, own: Any, where: str) -> list[str]:
    """Where the shape differs: missing keys, other types; errors and messages to the letter."""
    if type(recorded) is not type(own) and not _both_numbers(recorded, own):
        return [f"{where}: {recorded!r} recorded, {own!r} now"]
    if isinstance(recorded, dict):
        return _dict_differences(recorded, own, where)
    if isinstance(recorded, list):
        return _list_differences(recorded, own, where)
    is_text = where.endswith(("message", "status", ".type", ".pending")) or "errors" in where
    return _unequal(where, recorded, own) if is_text else []


def _both_numbers(recorded: Any, own: Any) -> bool:
    return all(isinstance(value, int | float) for value in (recorded, own))


def _dict_differences(recorded: dict[str, Any], own: dict[str, Any], where: str) -> list[str]:
    found = _unequal(f"{where} keys", sorted(recorded), sorted(own))
    if "digest" in recorded:
        for key in set(recorded) & set(own) - _VOLATILE:
            found += _unequal(f"{where}.{key}", recorded[key], own[key])
        return found
    for key in set(recorded) & set(own):
        found += differences(recorded[key], own[key], f"{where}.{key}")
    return found


def _list_differences(recorded: list[Any], own: list[Any], where: str) -> list[str]:
    """Each recorded row needs one of its kind."""
    found: list[str] = []
    for row in recorded:
        tries = [differences(row, other, f"{where}[]") for other in own]
        if not any(not attempt for attempt in tries):
            found.append(min(tries, key=len)[0] if tries else f"{where}: {row!r} missing")
    return found
