"""A scripted HTTPS server: it answers what a test tells it to, and counts connections."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.ports import HOST, port_hold


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    params: dict[str, str]
    authorization: str


@dataclass(frozen=True)
class Reply:
    """`is_dropped` closes the connection without an answer; `wait` holds the answer back."""

    data: Any = None
    status: int = 200
    reason: str = "OK"
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    is_dropped: bool = False
    wait: threading.Event | None = None

    @property
    def payload(self) -> bytes:
        return self.body if self.body is not None else json.dumps({"data": self.data}).encode()


def refusal(status: int, reason: str, *, message: str | None = None, **more: Any) -> Reply:
    """An error as the API words it: first line as reason, whole text in the body."""
    body = json.dumps({"data": None, "message": message or f"{reason}\n", **more}).encode()
    return Reply(status=status, reason=reason, body=body)


Script = Callable[[Request], Reply]


def always(reply: Reply) -> Script:
    return lambda _: reply


def once(first: Reply, then: Reply) -> Script:
    replies = iter([first])
    return lambda _: next(replies, then)


@dataclass(frozen=True)
class Certificate:
    pem_file: Path
    ca_pem: str
    fingerprint: str


def certificate_make(folder: Path, name: str = "server") -> Certificate:
    """Make a self-signed certificate for the loopback address, its own CA."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem = cert.public_bytes(serialization.Encoding.PEM)
    key_pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    pem_file = folder / f"{name}.pem"
    pem_file.write_bytes(pem + key_pem)
    return Certificate(pem_file, pem.decode(), cert.fingerprint(hashes.SHA256()).hex(":").upper())


class ScriptedApi(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, certificate: Certificate) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate.pem_file)
        self.certificate = certificate
        self.script: Script = lambda _: Reply()
        self.requests: list[Request] = []
        self.connections = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.lock = threading.Lock()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        with self.lock:
            self.connections += 1
        return self.context.wrap_socket(
            connection, server_side=True, do_handshake_on_connect=False
        ), address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Broken connections are part of the script."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: ScriptedApi

    def answer(self) -> None:
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        form = self.rfile.read(length).decode()
        request = Request(
            method=self.command,
            path=url.path.removeprefix("/api2/json"),
            params=dict(parse_qsl(url.query) + parse_qsl(form)),
            authorization=self.headers.get("Authorization", ""),
        )
        with self.server.lock:
            self.server.requests.append(request)
            self.server.in_flight += 1
            self.server.most_in_flight = max(self.server.most_in_flight, self.server.in_flight)
        try:
            self.reply(self.server.script(request))
        finally:
            with self.server.lock:
                self.server.in_flight -= 1

    def reply(self, reply: Reply) -> None:
        if reply.wait is not None:
            reply.wait.wait(60)
        if reply.is_dropped:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(reply.status, reply.reason)
        self.send_header("Content-Type", "application/json;charset=UTF-8")
        self.send_header("Content-Length", str(len(reply.payload)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status >= 400:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(reply.payload)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep the test's output clean."""

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)


@contextmanager
def scripted_api(certificate: Certificate) -> Iterator[ScriptedApi]:
    """Run a scripted server until the block ends."""
    server = ScriptedApi(certificate)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def unused_address() -> str:
    """Return an address that refuses connections."""
    return f"{HOST}:{port_hold()}"
