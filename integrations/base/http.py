"""One hardened HTTP client for hosts that somebody typed into a form.

A request goes to an address that was judged (see `addresses`), is verified against its name, is
never redirected, uses no proxy of the environment, ends within one time limit from the first look
at the name to the last byte, and reads no more than it may.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import httpcore
import httpx

from integrations.base.addresses import (
    Address,
    AddressRefused,
    Exceptions,
    Network,
    Unreachable,
    addresses_checked,
)
from integrations.base.errors import Ambiguous, Permanent

__all__ = [
    "AddressRefused",
    "AnswerLost",
    "HttpAnswer",
    "HttpPolicy",
    "TooLarge",
    "TooSlow",
    "Unreachable",
    "http_send",
    "url_check",
]

_PORTS: Final = {"http": 80, "https": 443}
_OWN_HEADERS: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"}
)
_URL_LIMIT: Final = 2048
_PORT_LIMIT: Final = 65_535


@dataclass(frozen=True, slots=True)
class HttpPolicy:
    """Where a request may go, how long it may take and how much it may bring back.

    `verify` is True for the system's CAs or the file of a CA.
    """

    allowed_networks: tuple[Network, ...]
    allowed_hosts: tuple[str, ...] = ()
    timeout_s: float = 10.0
    max_bytes: int = 64 * 1024
    verify: Literal[True] | Path = True


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back; names of headers are in lower case, nothing is unpacked or followed."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    elapsed_ms: int
    address: str


class AnswerLost(Ambiguous):
    """The request went out, at least in part, and no answer came: it may have taken effect."""


class TooSlow(AnswerLost):
    """The answer was not complete within the time limit."""


class TooLarge(Permanent):
    """The answer is longer than allowed; `answer` has its status and the part that was read."""

    def __init__(self, message: str, answer: HttpAnswer) -> None:
        super().__init__(message)
        self.answer = answer


def url_check(url: str) -> httpx.URL:
    """Read an address of the web. Raises: Permanent, saying what is wrong with it."""
    if len(url) > _URL_LIMIT:
        raise Permanent(f"the address is longer than {_URL_LIMIT} characters")
    try:
        parts = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise Permanent(f"the address cannot be read: {error}") from error
    if parts.scheme not in _PORTS or not parts.host:
        raise Permanent("the address begins with https:// or http:// and names a host")
    if parts.userinfo:
        raise Permanent("the address carries no user name or password; use a header")
    if parts.port is not None and not 0 < parts.port <= _PORT_LIMIT:
        raise Permanent(f"a port is a number from 1 to {_PORT_LIMIT}")
    return parts


def http_send(
    method: str, url: str, *, headers: Mapping[str, str], body: bytes, policy: HttpPolicy
) -> HttpAnswer:
    """Send one request and return its answer, whatever status it has.

    Raises: AddressRefused, Unreachable (both: nothing was sent), TooSlow, AnswerLost (it may have
    taken effect), TooLarge, Permanent for a request that cannot be written.
    """
    started_s = time.monotonic()
    parts = url_check(url)
    port = parts.port or _PORTS[parts.scheme]
    exceptions = Exceptions(policy.allowed_networks, policy.allowed_hosts)
    addresses = addresses_checked(
        parts.raw_host.decode("ascii"), port, exceptions=exceptions, timeout_s=policy.timeout_s
    )
    wire = _PinnedBackend(addresses, port, deadline_s=started_s + policy.timeout_s)
    try:
        return _exchange(
            httpcore.Request(
                method,
                str(parts),
                headers=_headers(parts, headers, body),
                content=body,
                extensions={"timeout": {}},
            ),
            wire,
            policy,
            started_s,
        )
    except (httpcore.TimeoutException, TimeoutError) as error:
        text = f"{parts.host} did not answer within {policy.timeout_s:g} s"
        raise (TooSlow(text) if wire.is_sent else Unreachable(text)) from error
    except (httpcore.LocalProtocolError, httpcore.UnsupportedProtocol) as error:
        raise Permanent(f"the request cannot be sent: {error}") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        text = f"{parts.host}: {str(error) or type(error).__name__}"
        raise (AnswerLost(text) if wire.is_sent else Unreachable(text)) from error


def _exchange(
    request: httpcore.Request, wire: _PinnedBackend, policy: HttpPolicy, started_s: float
) -> HttpAnswer:
    with (
        httpcore.ConnectionPool(
            ssl_context=_trust(policy.verify),
            max_connections=1,
            max_keepalive_connections=0,
            retries=0,
            network_backend=wire,
        ) as pool,
        _Closing(pool.handle_request(request)) as response,
    ):
        body = bytearray()
        for chunk in response.iter_stream():
            body += chunk
            if len(body) > policy.max_bytes:
                break
        answer = HttpAnswer(
            status=response.status,
            headers=_headers_read(response.headers),
            body=bytes(body[: policy.max_bytes]),
            elapsed_ms=round((time.monotonic() - started_s) * 1000),
            address=wire.address,
        )
    if len(body) > policy.max_bytes:
        raise TooLarge(f"the answer is longer than {policy.max_bytes} bytes", answer)
    return answer


class _Closing:
    """Closes a response also when it was read in part."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __enter__(self) -> httpcore.Response:
        return self._response

    def __exit__(self, *_: object) -> None:
        self._response.close()


class _PinnedBackend(httpcore.NetworkBackend):
    """Connects to addresses that were judged, whatever name it is asked for."""

    def __init__(self, addresses: tuple[Address, ...], port: int, *, deadline_s: float) -> None:
        self._addresses = addresses
        self._port = port
        self._deadline_s = deadline_s
        self.address = ""
        self.is_sent = False

    def left_s(self) -> float:
        """Return the time that is left. Raises: httpcore.ReadTimeout when there is none."""
        left_s = self._deadline_s - time.monotonic()
        if left_s <= 0:
            raise httpcore.ReadTimeout("the time is over")
        return left_s

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers; each gets its share of the time."""
        fault: OSError | None = None
        for place, address in enumerate(self._addresses):
            share_s = self.left_s() / (len(self._addresses) - place)
            try:
                connection = _connected(address, self._port, timeout_s=share_s)
            except OSError as error:
                fault = error
                continue
            self.address = str(address)
            return _TimedStream(self, connection)
        if isinstance(fault, TimeoutError):
            raise httpcore.ConnectTimeout(str(fault)) from fault
        raise httpcore.ConnectError(str(fault)) from fault


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every read and write ends with the request's one time limit."""

    def __init__(self, wire: _PinnedBackend, connection: socket.socket) -> None:
        self._wire = wire
        self._connection = connection

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there."""
        self._connection.settimeout(self._wire.left_s())
        try:
            return self._connection.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it; from the first byte on the request may have taken effect."""
        rest = memoryview(buffer)
        while rest:
            self._connection.settimeout(self._wire.left_s())
            self._wire.is_sent = True
            try:
                rest = rest[self._connection.send(rest) :]
            except TimeoutError as error:
                raise httpcore.WriteTimeout(str(error)) from error
            except OSError as error:
                raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Shake hands and verify the certificate against the name, within the time limit."""
        self._connection.settimeout(self._wire.left_s())
        try:
            secured = ssl_context.wrap_socket(self._connection, server_hostname=server_hostname)
        except TimeoutError as error:
            self.close()
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:
            self.close()
            raise httpcore.ConnectError(str(error)) from error
        return _TimedStream(self._wire, secured)

    def get_extra_info(self, info: str) -> Any:
        """Return what is known of the connection."""
        if info == "ssl_object" and isinstance(self._connection, ssl.SSLSocket):
            return self._connection
        return None


def _connected(address: Address, port: int, *, timeout_s: float) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_s)
        connection.connect((str(address), port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        connection.close()
        raise
    return connection


def _headers(
    parts: httpx.URL, headers: Mapping[str, str], body: bytes
) -> list[tuple[bytes, bytes]]:
    """Return the headers to send. Raises: Permanent for one that is not the caller's to set."""
    own = sorted(name for name in headers if name.lower() in _OWN_HEADERS)
    if own:
        raise Permanent(f"the header {own[0]} is set by uHub itself")
    wanted = {"user-agent": "uHub", "accept": "*/*", "accept-encoding": "identity"}
    wanted |= {name.lower(): value for name, value in headers.items()}
    wanted["connection"] = "close"
    if body:
        wanted["content-length"] = str(len(body))
    try:
        lines = [(name.encode("ascii"), value.encode("latin-1")) for name, value in wanted.items()]
    except UnicodeEncodeError as error:
        raise Permanent(f"a header has characters that no header may have: {error}") from error
    return [(b"host", parts.netloc), *lines]


def _headers_read(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


@lru_cache(maxsize=8)
def _trust(verify: Literal[True] | Path) -> ssl.SSLContext:
    """Return the TLS context; made once, as loading certificates costs many times a call."""
    cafile = None if verify is True else str(verify)
    try:
        return ssl.create_default_context(cafile=cafile)
    except (OSError, ssl.SSLError) as error:
        raise Permanent(f"the CA file {cafile} cannot be read: {error}") from error
