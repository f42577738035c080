"""The wire to Proxmox VE: sessions, TLS, time limits, fail-over, and errors by class.

proxmoxer builds the requests. What it leaves open is decided here: which certificate is trusted,
how long a call may take, which host is asked, and what a missing answer means.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol
from urllib.parse import quote

import requests
from proxmoxer.backends.https import Backend
from proxmoxer.core import ProxmoxResource, ResourceException

from integrations.base.errors import Permanent, ProviderError
from integrations.base.registry import HOSTS, GateClosed, HostRegistry
from integrations.base.tls import TlsTrust, TrustAdapter, is_certificate_fault, is_unsent
from integrations.proxmox.errors import (
    MESSAGE_LIMIT,
    PROVIDER,
    Answer,
    CertificateRefused,
    HostUnreachable,
    answer_error,
    lost_answer,
)
from integrations.proxmox.interface import HostReport

Method = Literal["GET", "POST", "PUT", "DELETE"]
Segment = str | int

_TOKEN_ID = re.compile(r"[^\s:/@!]+@[A-Za-z][A-Za-z0-9._-]+![A-Za-z][A-Za-z0-9._-]+")
# The server drops connections after 5 s of silence. A write on one that is about to be dropped
# would end ambiguous, so it gets a new connection a little earlier.
_FRESH_FOR_S = 4.0


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Time limits of calls. A write waits longer than the server's own limit of 30 s."""

    connect_s: float = 5.0
    read_s: float = 10.0
    write_s: float = 35.0


@dataclass(frozen=True, slots=True)
class ProxmoxEndpoint:
    """Where a cluster's API is and how to be let in.

    `hosts` are entry points of one cluster in order of preference, each "name" or "name:port".
    Trust comes from the cluster's CA (`ca_pem`) or from one pinned SHA-256 fingerprint per host;
    without either there is no connection.
    """

    hosts: tuple[str, ...]
    token_id: str
    token_secret: str = field(repr=False)
    port: int = 8006
    ca_pem: str | None = field(default=None, repr=False)
    fingerprints: tuple[str, ...] = ()
    timeouts: Timeouts = field(default_factory=Timeouts)

    def __post_init__(self) -> None:
        """Refuse an endpoint that cannot work. Raises: Permanent."""
        if not self.hosts:
            raise Permanent("a cluster needs at least one API host", provider=PROVIDER)
        if not _TOKEN_ID.fullmatch(self.token_id):
            raise Permanent("the token id has the form user@realm!name", provider=PROVIDER)
        if bool(self.ca_pem) == bool(self.fingerprints):
            raise Permanent("give either the CA or the fingerprints", provider=PROVIDER)
        if self.fingerprints and len(self.fingerprints) != len(self.hosts):
            raise Permanent("give one fingerprint per API host", provider=PROVIDER)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The hosts as "name:port"."""
        return tuple(
            host if re.search(r"[^:]:\d+$", host) else f"{host}:{self.port}" for host in self.hosts
        )


class CallObserver(Protocol):
    """Is told of every call before it is sent and after its result is known.

    `outcome` is "ok", the name of the error's class, or "interrupted".
    """

    def before(self, method: str, path: str) -> None:
        """Run before anything is sent."""
        ...

    def after(self, method: str, path: str, outcome: str) -> None:
        """Run when the answer, or its absence, is known and before the caller sees it."""
        ...


class SilentObserver:
    """Observes nothing."""

    def before(self, method: str, path: str) -> None:
        """Do nothing."""

    def after(self, method: str, path: str, outcome: str) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class _Call:
    method: Method
    segments: tuple[Segment, ...]
    params: Mapping[str, Any]
    timeout_s: float
    is_probe: bool = False

    @property
    def is_write(self) -> bool:
        return self.method != "GET"

    @property
    def path(self) -> str:
        return "/" + "/".join(str(segment) for segment in self.segments)


class _HostFailedError(Exception):
    """One host gave no answer and the next one may be asked."""

    def __init__(self, error: ProviderError) -> None:
        super().__init__(str(error))
        self.error = error


class _HostClient:
    """One connection to one API host, used by one thread."""

    def __init__(self, endpoint: ProxmoxEndpoint, address: str, trust: TlsTrust) -> None:
        user, _, token_name = endpoint.token_id.partition("!")
        self.address = address
        self._connect_s = endpoint.timeouts.connect_s
        self._backend = Backend(
            address, user=user, token_name=token_name, token_value=endpoint.token_secret
        )
        self._session = self._backend.get_session()
        self._session.trust_env = False
        self._session.max_redirects = 0
        self._session.headers["User-Agent"] = "uHub"
        self._session.mount("https://", TrustAdapter(trust))
        self._session.hooks["response"].append(self._response_keep)
        self._root = ProxmoxResource(
            base_url=self._backend.get_base_url(),
            session=self._session,
            serializer=self._backend.get_serializer(),
        )
        self._response: requests.Response | None = None
        self._used_at_s = time.monotonic()

    def send(self, call: _Call) -> Any:
        """Send a call once; a read is sent again when its kept-alive connection was dropped."""
        if call.is_write and time.monotonic() - self._used_at_s > _FRESH_FOR_S:
            self.close()
        try:
            return self._send_once(call)
        except requests.ConnectionError as error:
            if call.is_write or is_unsent(error) or isinstance(error, requests.Timeout):
                raise
            self.close()
            return self._send_once(call)
        finally:
            self._used_at_s = time.monotonic()

    def close(self) -> None:
        """Drop the connection; the next call opens a new one."""
        self._session.close()

    def _send_once(self, call: _Call) -> Any:
        self._response = None
        self._backend.auth.timeout = (min(self._connect_s, call.timeout_s), call.timeout_s)
        resource = self._root([_segment(part) for part in call.segments])
        params = {name: _wire(value) for name, value in call.params.items()}
        try:
            data = getattr(resource, call.method.lower())(**params)
        except ResourceException as error:
            raise answer_error(self._answer(error), is_write=call.is_write) from error
        except (KeyError, TypeError) as error:  # proxmoxer reads ["data"] of any JSON
            raise lost_answer("the answer has no data", is_write=call.is_write) from error
        self._api_answer_check(data, call)
        return data

    def _response_keep(self, response: requests.Response, **_: object) -> None:
        self._response = response

    def _answer(self, error: ResourceException) -> Answer:
        """Read the answer itself: proxmoxer drops the body's `message`."""
        body: Any = None
        if self._response is not None:
            try:
                body = self._response.json()
            except ValueError:
                body = None
        is_from_api = isinstance(body, dict) and "data" in body
        message = str(body.get("message") or "") if is_from_api else ""
        errors = body.get("errors") if is_from_api else None
        fields = errors if isinstance(errors, dict) else {}
        return Answer(
            status=int(error.status_code),
            text=(message or str(error.content or "")).strip().partition("\n")[0],
            is_from_api=is_from_api,
            fields={str(name): str(words) for name, words in fields.items()},
        )

    def _api_answer_check(self, data: Any, call: _Call) -> None:
        status = self._response.status_code if self._response is not None else 0
        is_bare = isinstance(data, dict) and isinstance(data.get("errors"), bytes)
        if is_bare or not 200 <= status <= 299:
            raise lost_answer("the answer is not from the API", is_write=call.is_write)


class ProxmoxTransport:
    """Calls a cluster through whichever of its API hosts answers.

    A read goes to the next host when one gives no answer. A write does so only when it was
    certainly not sent; otherwise it ends as Ambiguous and is never repeated here.
    """

    observer: ClassVar[CallObserver] = SilentObserver()

    def __init__(self, endpoint: ProxmoxEndpoint, *, registry: HostRegistry = HOSTS) -> None:
        self.endpoint = endpoint
        self._gates = {address: registry.gate(address) for address in endpoint.addresses}
        pins = endpoint.fingerprints or (None,) * len(endpoint.hosts)
        self._trusts = {
            address: TlsTrust(ca_pem=endpoint.ca_pem, fingerprint=pin)
            for address, pin in zip(endpoint.addresses, pins, strict=True)
        }
        self._preferred = 0
        self._local = threading.local()

    def read(
        self,
        *segments: Segment,
        params: Mapping[str, Any] | None = None,
        timeout_s: float | None = None,
    ) -> Any:
        """GET a path. With `timeout_s` a slow answer does not count against the host.

        Raises: Unavailable, NodeUnreachable, AccessRefused, Permanent, GuestAbsent, InvalidInput.
        """
        return self._call(
            _Call(
                method="GET",
                segments=segments,
                params=params or {},
                timeout_s=timeout_s or self.endpoint.timeouts.read_s,
                is_probe=timeout_s is not None,
            )
        )

    def host_preferred(self) -> tuple[str, TlsTrust]:
        """Return the API host that answered last, as "name:port", and whom to believe there."""
        address = self.endpoint.addresses[self._preferred]
        return address, self._trusts[address]

    def hosts_ask(self, *segments: Segment) -> tuple[HostReport, ...]:
        """GET a path from every API host; one that was known to be down is asked when its time has come."""
        call = _Call("GET", segments, {}, self.endpoint.timeouts.connect_s)
        return tuple(self._host_report(address, call) for address in self.endpoint.addresses)

    def _host_report(self, address: str, call: _Call) -> HostReport:
        began = time.monotonic()
        try:
            self._ask(address, call)
        except _HostFailedError as failure:
            is_news = not isinstance(failure.error, GateClosed)
            message = failure.error.message if is_news else ""
            return HostReport(address, is_reachable=False, message=message)
        except ProviderError as error:
            return HostReport(address, is_reachable=False, message=error.message)
        latency_ms = round(1000 * (time.monotonic() - began))
        return HostReport(address, is_reachable=True, latency_ms=latency_ms)

    def write(
        self,
        method: Literal["POST", "PUT", "DELETE"],
        *segments: Segment,
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        """Send a change, at most once.

        Raises: any ProviderError; only NotExecuted and Permanent mean that nothing happened.
        """
        return self._call(
            _Call(
                method=method,
                segments=segments,
                params=params or {},
                timeout_s=self.endpoint.timeouts.write_s,
            )
        )

    def _call(self, call: _Call) -> Any:
        self.observer.before(call.method, call.path)
        outcome = "interrupted"
        try:
            data = self._first_answer(call)
            outcome = "ok"
        except ProviderError as error:
            outcome = type(error).__name__
            raise
        finally:
            self.observer.after(call.method, call.path, outcome)
        return data

    def _first_answer(self, call: _Call) -> Any:
        addresses = self.endpoint.addresses
        errors: list[ProviderError] = []
        for offset in range(len(addresses)):
            index = (self._preferred + offset) % len(addresses)
            try:
                data = self._ask(addresses[index], call)
            except _HostFailedError as failure:
                errors.append(failure.error)
            else:
                self._preferred = index
                return data
        raise next((error for error in errors if error.retryable), errors[0])

    def _ask(self, address: str, call: _Call) -> Any:
        gate = self._gates[address]
        try:
            with gate.call():
                data = self._client(address).send(call)
        except GateClosed as error:
            raise _HostFailedError(error) from error
        except requests.RequestException as error:
            if not (call.is_probe and isinstance(error, requests.ReadTimeout)):
                gate.failed()
            raise _unanswered(address, call, error) from error
        except HostUnreachable as error:
            gate.failed()
            raise _HostFailedError(error) from error
        except ProviderError:
            gate.succeeded()
            raise
        gate.succeeded()
        return data

    def _client(self, address: str) -> _HostClient:
        """Return the calling thread's client: sessions are not made to be shared by threads."""
        clients = self._clients()
        if address not in clients:
            clients[address] = _HostClient(self.endpoint, address, self._trusts[address])
        return clients[address]

    def _clients(self) -> dict[str, _HostClient]:
        clients: dict[str, _HostClient] | None = getattr(self._local, "clients", None)
        if clients is None:
            clients = self._local.clients = {}
        return clients


def _unanswered(address: str, call: _Call, error: requests.RequestException) -> Exception:
    """Return what a call without an answer means for its caller or for the next host."""
    text = f"{address}: {error}"[:MESSAGE_LIMIT]
    if isinstance(error, requests.TooManyRedirects):
        return Permanent(f"{address} redirects; it is not the API itself", provider=PROVIDER)
    if is_certificate_fault(error):
        return _HostFailedError(CertificateRefused(text, provider=PROVIDER))
    if not call.is_write or is_unsent(error):
        return _HostFailedError(HostUnreachable(text, provider=PROVIDER, retry_after_s=5.0))
    return lost_answer(text, is_write=True)


def _segment(part: Segment) -> str:
    """Escape one part of a path so that no value can reach another path."""
    text = quote(str(part), safe="@:!")
    if text in {"", ".", ".."}:
        raise Permanent("a part of the path is empty", provider=PROVIDER)
    return text


def _wire(value: Any) -> Any:
    """Return a parameter as the API reads it: booleans are 1 and 0 there, nothing else."""
    return int(value) if isinstance(value, bool) else value
