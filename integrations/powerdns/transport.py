"""The wire to PowerDNS: one request at a time with the key, behind the host's circuit breaker."""

from __future__ import annotations

import hashlib
import ssl
import tempfile
import threading
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from integrations.base.errors import Ambiguous, Permanent, ProviderError, Unavailable
from integrations.base.http import (
    AddressRefused,
    HttpAnswer,
    HttpPolicy,
    TooLarge,
    Unreachable,
    http_send,
    url_check,
)
from integrations.base.questions import Reply, question_ask
from integrations.base.registry import HOSTS, HostRegistry
from integrations.powerdns.errors import (
    PROVIDER,
    InvalidName,
    MalformedAnswer,
    ServerUnreachable,
)

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_ZONE_BYTES: Final = 16 * 1024 * 1024
_ca_files: dict[str, Path] = {}
_ca_lock: Final = threading.Lock()
_ca_folder: list[tempfile.TemporaryDirectory[str]] = []


@dataclass(frozen=True, slots=True)
class NameServerEndpoint:
    """Where the API and the resolver are, and the key; `resolver` is "address:port" or empty."""

    url: str
    server_id: str
    api_key: str = field(repr=False)
    ca_pem: str = field(default="", repr=False)
    resolver: str = ""
    timeout_s: float = 10.0
    question_timeout_s: float = 2.0

    def __post_init__(self) -> None:
        """Refuse to send the key in clear over a network. Raises: Permanent, InvalidName."""
        parts = url_check(self.url)
        if parts.scheme != "https" and parts.host not in _LOOPBACK:
            raise Permanent("the address of a name server is an https address", provider=PROVIDER)
        if self.resolver:
            resolver_read(self.resolver)

    @property
    def host(self) -> str:
        """The host as "name:port"."""
        return urlsplit(self.url).netloc


def resolver_read(text: str) -> tuple[IPv4Address | IPv6Address, int]:
    """Return address and port of a resolver such as 192.0.2.53:53. Raises: InvalidName."""
    host, _, port = text.rpartition(":")
    try:
        address, number = ip_address(host.strip("[]")), int(port)
    except ValueError as error:
        raise InvalidName("a resolver is an address and a port", provider=PROVIDER) from error
    if not 0 < number < 65536:
        raise InvalidName("a port is a number up to 65535", provider=PROVIDER)
    return address, number


class NameServerTransport:
    """Sends requests and questions to one name server."""

    def __init__(self, endpoint: NameServerEndpoint, *, registry: HostRegistry = HOSTS) -> None:
        self.endpoint = endpoint
        self._gate = registry.gate(endpoint.host)

    def send(self, method: str, path: str, body: bytes = b"") -> HttpAnswer:
        """Send one request; return the answer with whatever status.

        Raises: ServerUnreachable, MalformedAnswer, Permanent; Ambiguous for a write whose answer
        was lost.
        """
        headers = {"x-api-key": self.endpoint.api_key, "accept": "application/json"}
        if body:
            headers["content-type"] = "application/json"
        url = f"{self.endpoint.url.rstrip('/')}{path}"
        with self._gate.call():
            try:
                answer = http_send(method, url, headers=headers, body=body, policy=self._policy)
            except (Unreachable, Ambiguous) as error:
                self._gate.failed()
                raise _unanswered(error, is_write=method != "GET") from error
            except TooLarge as error:
                self._gate.succeeded()
                raise MalformedAnswer("the answer is too long", provider=PROVIDER) from error
            except AddressRefused as error:
                raise Permanent(error.message, provider=PROVIDER) from error
            self._gate.succeeded()
        return answer

    def ask(self, name: str, type_: str) -> Reply:
        """Ask the resolver one question. Raises: ServerUnreachable."""
        if not self.endpoint.resolver:
            raise ServerUnreachable("no resolver address is known", provider=PROVIDER)
        server = resolver_read(self.endpoint.resolver)
        try:
            return question_ask(server, name, type_, timeout_s=self.endpoint.question_timeout_s)
        except Unavailable as error:
            raise ServerUnreachable(error.message, provider=PROVIDER) from error

    @cached_property
    def _policy(self) -> HttpPolicy:
        """An operator names the server, so its own host may be in a private network."""
        return HttpPolicy(
            allowed_networks=(),
            allowed_hosts=(url_check(self.endpoint.url).host,),
            timeout_s=self.endpoint.timeout_s,
            max_bytes=_ZONE_BYTES,
            verify=_trusted(self.endpoint.ca_pem),
        )


def _trusted(ca_pem: str) -> Literal[True] | Path:
    """The file of a CA, written once per process; the system's CAs without one."""
    if not ca_pem.strip():
        return True
    digest = hashlib.sha256(ca_pem.encode()).hexdigest()
    with _ca_lock:
        if digest not in _ca_files:
            try:
                ssl.create_default_context(cadata=ca_pem)
            except (ssl.SSLError, ValueError) as error:
                raise Permanent("the CA certificate cannot be read", provider=PROVIDER) from error
            if not _ca_folder:
                _ca_folder.append(tempfile.TemporaryDirectory(prefix="uhub-ca-"))
            path = Path(_ca_folder[0].name) / f"{digest}.pem"
            path.write_text(ca_pem, encoding="ascii")
            _ca_files[digest] = path
        return _ca_files[digest]


def _unanswered(error: Unreachable | Ambiguous, *, is_write: bool) -> ProviderError:
    if "CERTIFICATE_VERIFY_FAILED" in error.message:
        text = "the name server shows a certificate we do not trust"
        return Permanent(text, provider=PROVIDER)
    if is_write and isinstance(error, Ambiguous):
        return Ambiguous("the name server did not answer a write", provider=PROVIDER)
    return ServerUnreachable(
        f"the name server does not answer ({error.message})", provider=PROVIDER, retry_after_s=5.0
    )
