"""A real PowerDNS as a process of its own, and a real resolver that asks it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import dns.message
import dns.query
import dns.rcode
import requests

from config.local.name_server import PACKAGES, EmbeddedNameServer
from config.local.ports import free_port

READY_WITHIN_S = 60.0


class NameServerProcess:
    """Starts the server on free ports of the loopback interface, and ends it."""

    def __init__(self) -> None:
        self.state_dir = Path(tempfile.mkdtemp(prefix="name-server-"))
        self.state_dir.chmod(0o711)
        server = EmbeddedNameServer.below(self.state_dir, port=free_port())
        if server is None:
            raise RuntimeError(f"the packages {PACKAGES} are missing: run `make packages`")
        self.server = server
        self._process: subprocess.Popen[bytes] | None = None
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["X-API-Key"] = server.key

    def __enter__(self) -> Self:
        self.server.prepare()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._session.close()
        shutil.rmtree(self.state_dir, ignore_errors=True)
        shutil.rmtree(self.server.folder, ignore_errors=True)

    @property
    def url(self) -> str:
        return self.server.url

    def start(self) -> None:
        program = self.server.program()
        self._process = subprocess.Popen(program.argv, env=program.env, cwd=program.cwd)
        deadline = time.monotonic() + READY_WITHIN_S
        while not self.server.is_ready():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError("the name server did not get ready")
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=60)
            self._process = None

    def reset(self) -> None:
        """Takes away all zones."""
        for zone in self.api("GET", "/zones").json():
            self.api("DELETE", f"/zones/{zone['id']}")

    def api(self, method: str, path: str, body: Any = None) -> requests.Response:
        """The API beside uHub, as somebody else's tool uses it."""
        url = f"{self.url}/api/v1/servers/localhost{path}"
        answer = self._session.request(method, url, json=body, timeout=60)
        answer.raise_for_status()
        return answer

    def write(
        self, zone: str, name: str, type_: str, *contents: str, mark: str = "", ttl: int = 60
    ) -> None:
        """Somebody else's hand: replaces what a name has."""
        change = {
            "name": f"{name}.",
            "type": type_,
            "ttl": ttl,
            "changetype": "REPLACE",
            "records": [{"content": content, "disabled": False} for content in contents],
            "comments": [{"content": mark, "account": ""}] if mark else [],
        }
        self.api("PATCH", f"/zones/{zone}.", {"rrsets": [change]})

    def erase(self, zone: str, name: str, type_: str) -> None:
        """Somebody else's hand: takes away what a name has."""
        change = {"name": f"{name}.", "type": type_, "changetype": "DELETE"}
        self.api("PATCH", f"/zones/{zone}.", {"rrsets": [change]})

    def asked(self, name: str, type_: str = "A") -> tuple[str, ...]:
        """What a resolver hears: the contents, or the code when there are none."""
        query = dns.message.make_query(f"{name}.", type_)
        answer = dns.query.udp(query, "127.0.0.1", port=self.server.port, timeout=60)
        found = sorted(str(item) for rrset in answer.answer for item in rrset)
        return tuple(found) or (dns.rcode.to_text(answer.rcode()),)
