"""A small KV version 2 engine over HTTP, with the answers and error texts of the real one."""

from __future__ import annotations

import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Any]
NOT_FOUND: Answer = (404, {"errors": []})


class KvServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.role = ("role-1", "secret-1")
        self.tokens: set[str] = {"root-token"}
        self.numbers = itertools.count(1)
        self.logins = 0
        self.connections = 0
        self.requests: list[tuple[str, str]] = []
        self.secrets: dict[str, list[dict[str, Any]]] = {}
        self.health_status = 200
        self.script: Callable[[str, str], Answer | None] = lambda _method, _path: None
        self.drops = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def get_request(self) -> tuple[socket.socket, Any]:
        with self.lock:
            self.connections += 1
        return super().get_request()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Broken connections are part of the tests."""

    def answer(self, method: str, path: str, token: str, body: dict[str, Any]) -> Answer:
        scripted = self.script(method, path)
        if scripted is not None:
            return scripted
        if path == "sys/health":
            return self.health_status, {"sealed": self.health_status == 503}
        if self.health_status == 503:
            return 503, {"errors": ["Vault is sealed"]}
        if path == "auth/approle/login":
            return self.login(body)
        if token not in self.tokens:
            return 403, {"errors": ["permission denied"]}
        mount, kind, name = ([*path.split("/", 2), "", ""])[:3]
        if mount != "secret":
            return 404, {"errors": [f'no handler for route "{path}"']}
        return self.engine(method, kind, name, body)

    def login(self, body: dict[str, Any]) -> Answer:
        self.logins += 1
        if (body.get("role_id"), body.get("secret_id")) != self.role:
            return 400, {"errors": ["invalid role or secret ID"]}
        token = f"token-{next(self.numbers)}"
        self.tokens.add(token)
        return 200, {"auth": {"client_token": token}}

    def engine(self, method: str, kind: str, name: str, body: dict[str, Any]) -> Answer:
        path, _, query = name.partition("?")
        if kind == "data" and method == "GET":
            return self.read(path, parse_qs(query))
        if kind == "data":
            return self.write(path, body)
        if method == "DELETE":
            self.secrets.pop(path, None)
            return 204, None
        return self.names(path)

    def read(self, path: str, query: dict[str, list[str]]) -> Answer:
        versions = self.secrets.get(path, [])
        number = int(query.get("version", ["0"])[0]) or len(versions)
        if not 1 <= number <= len(versions):
            return NOT_FOUND
        return 200, {"data": {"data": versions[number - 1], "metadata": {"version": number}}}

    def write(self, path: str, body: dict[str, Any]) -> Answer:
        versions = self.secrets.setdefault(path, [])
        if body.get("options", {}).get("cas", len(versions)) != len(versions):
            text = "check-and-set parameter did not match the current version"
            return 400, {"errors": [text]}
        versions.append(body["data"])
        return 200, {"data": {"version": len(versions)}}

    def names(self, path: str) -> Answer:
        folder = f"{path.strip('/')}/" if path.strip("/") else ""
        below = [
            p.removeprefix(folder) for p, v in self.secrets.items() if v and p.startswith(folder)
        ]
        found = {name[: name.find("/") + 1] or name for name in below}
        return (200, {"data": {"keys": sorted(found)}}) if found else NOT_FOUND


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: KvServer

    def handle_call(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        url = urlsplit(self.path)
        path = url.path.removeprefix("/v1/") + (f"?{url.query}" if url.query else "")
        with self.server.lock:
            self.server.requests.append((self.command, path))
            is_dropped = self.server.drops > 0
            self.server.drops -= is_dropped
        if is_dropped:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        route = path if path.startswith("secret/") else url.path.removeprefix("/v1/")
        token = self.headers.get("X-Vault-Token", "")
        status, data = self.server.answer(self.command, route, token, body)
        payload = b"" if data is None else json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        if 300 <= status < 400:
            self.send_header("Location", "http://127.0.0.1:9/")
        self.end_headers()
        self.wfile.write(payload)

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self.handle_call
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep the test's output clean."""


@contextmanager
def kv_server() -> Iterator[KvServer]:
    """Run an engine until the block ends."""
    server = KvServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
