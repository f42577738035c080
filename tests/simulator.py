"""The bundled Proxmox VE simulator as a process of its own, for every test that needs one."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import requests

from tests.ports import port_hold

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN_S = 60.0
# waiting ends with what is waited for: this is only how long a test may be in vain
PATIENCE_S = 60.0
TOKENS = {
    "uhub@pve!portal": "44444444-4444-4444-4444-444444444444",
    "prov@pve!full": "22222222-2222-2222-2222-222222222222",
    "prov@pve!sim": "11111111-1111-1111-1111-111111111111",
    "root@pam!adm": "33333333-3333-3333-3333-333333333333",
}
# the second cluster knows the same token under another secret
LYON_SECRET = "55555555-5555-5555-5555-555555555555"


class SimulatorProcess:
    """Starts the program, waits for its ready line, and ends it; ports stay across a restart."""

    def __init__(
        self,
        *,
        fixture: str = "demo",
        time_scale: float = 50.0,
        state: Path | None = None,
        options: tuple[str, ...] = (),
    ) -> None:
        self._options = options
        self.fixture = fixture
        self.time_scale = time_scale
        self._is_own = state is None
        self.state_dir = state or Path(tempfile.mkdtemp(prefix="simulator-"))
        self.url = ""
        self.control_url = ""
        self.fingerprint = ""
        self.ca_file = ""
        self._ports = port_hold(), port_hold()
        self._process: subprocess.Popen[str] | None = None
        self._session = requests.Session()
        self._session.trust_env = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._session.close()
        if self._is_own:
            shutil.rmtree(self.state_dir, ignore_errors=True)

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    def start(self) -> None:
        command = [
            sys.executable, "-m", "integrations.proxmox.simulator",
            "--port", str(self._ports[0]), "--control-port", str(self._ports[1]),
            "--state", str(self.state_dir), "--fixture", self.fixture,
            "--time-scale", str(self.time_scale), *self._options,
        ]  # fmt: skip
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": ""},
        )
        ready = self._ready_line()
        self.url, self.control_url = ready["url"], ready["control_url"]
        self.fingerprint, self.ca_file = ready["fingerprint"], ready["ca_file"]

    def _ready_line(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], READY_WITHIN_S)
        line = self._process.stdout.readline() if readable else ""
        if not line:
            self.kill()
            raise RuntimeError("the simulator did not get ready")
        ready: dict[str, Any] = json.loads(line)
        return ready

    def stop(self) -> int:
        """SIGTERM, as an operator would; answers the exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """SIGKILL, as a power cut would."""
        return self._end(signal.SIGKILL)

    def _end(self, number: int) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(number)
        status = self._process.wait(timeout=PATIENCE_S)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None
        return status

    def restart(self, *, kill: bool = False) -> None:
        """The same state, the same ports, the same certificate."""
        self.kill() if kill else self.stop()
        self.start()

    def control(self, method: str, path: str, json: Any = None) -> Any:
        """One call of the control API; an error status raises."""
        answer = self._session.request(
            method, self.control_url + path, json=json, timeout=PATIENCE_S
        )
        if answer.status_code >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json()

    def state(self) -> dict[str, Any]:
        truth: dict[str, Any] = self.control("GET", "/state")
        return truth

    def vm(self, vmid: int) -> dict[str, Any] | None:
        """The ground truth about one machine."""
        return next((vm for vm in self.state()["vms"] if vm["vmid"] == vmid), None)

    def running_tasks(self) -> list[dict[str, Any]]:
        return [task for task in self.state()["tasks"] if task["status"] == "running"]

    def log(self, after: int = 0) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.control("GET", f"/log?after={after}")
        return entries

    def log_position(self) -> int:
        """For `mutations(after=…)`: everything up to here is known."""
        return int(self.state()["requests"])

    def mutations(self, after: int = 0) -> list[dict[str, Any]]:
        """The requests since then that could have changed something."""
        return [entry for entry in self.log(after) if entry["method"] != "GET"]

    def fault(
        self, kind: str, *, match: dict[str, Any] | None = None, count: int = 1, **params: Any
    ) -> int:
        """Orders a fault and answers its id."""
        body = {"kind": kind, "match": match or {}, "count": count, **params}
        return int(self.control("POST", "/faults", body)["id"])

    def clear_faults(self) -> None:
        self.control("DELETE", "/faults")

    def foreign_vm(
        self, vmid: int, *, node: str = "pve1", name: str = "stranger"
    ) -> dict[str, Any]:
        """Somebody else's machine takes this VMID, whoever had it before."""
        body = {"vmid": vmid, "node": node, "name": name, "replace": True}
        found: dict[str, Any] = self.control("POST", "/foreign-vm", body)
        return found

    def reset(self, fixture: str | None = None) -> None:
        self.control("POST", "/reset", {"fixture": fixture or self.fixture})

    def api(
        self,
        method: str,
        path: str,
        params: dict[str, Any] | None = None,
        *,
        token: str = "uhub@pve!portal",
        timeout: float = PATIENCE_S,
        **options: Any,
    ) -> requests.Response:
        """One call of the API proper."""
        headers = dict(options.pop("headers", {}))
        if token:
            headers["Authorization"] = f"PVEAPIToken={token}={self._secret(token)}"
        place = "data" if method in ("POST", "PUT") else "params"
        return self._session.request(
            method, f"{self.url}/api2/json{path}", verify=self.ca_file, headers=headers,
            timeout=timeout, **{place: params, **options},
        )  # fmt: skip

    def _secret(self, token: str) -> str:
        is_lyon = self.fixture == "demo-b" and token == "uhub@pve!portal"
        return LYON_SECRET if is_lyon else TOKENS.get(token, "wrong")

    def task(
        self, upid: str, *, token: str = "uhub@pve!portal", within_s: float = PATIENCE_S
    ) -> str:
        """Waits for the end of a task and answers its exit status."""
        path = f"/nodes/{upid.split(':')[1]}/tasks/{upid}/status"
        found: dict[str, Any] = {}

        def has_ended() -> bool:
            found.update(self.api("GET", path, token=token).json()["data"])
            return bool(found["status"] == "stopped")

        wait_until(has_ended, within_s=within_s)
        return str(found["exitstatus"])

    def run(
        self, method: str, path: str, params: dict[str, Any] | None = None, **options: Any
    ) -> str:
        """A call that starts a task, and its exit status."""
        token = options.get("token", "uhub@pve!portal")
        answer = self.api(method, path, params, **options)
        assert answer.status_code == 200, f"{answer.status_code} {answer.reason} {answer.text}"
        return self.task(answer.json()["data"], token=token)


def wait_until(condition: Callable[[], bool], *, within_s: float = PATIENCE_S) -> None:
    """Polls until it is so; fails loudly when it never is."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "the awaited state was never reached"
        time.sleep(0.02)
