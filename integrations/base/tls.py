"""Trust in TLS servers: a named CA or a pinned certificate, and what a failed connection means."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from integrations.base.errors import Permanent

_FINGERPRINT = re.compile(r"(?:[0-9a-f]{2}:?){31}[0-9a-f]{2}", re.IGNORECASE)


@dataclass(frozen=True)
class TlsTrust:
    """Whom to believe: a CA in PEM form, a pinned SHA-256 fingerprint, or the system's CAs.

    The context is built once and shared by every connection: loading certificates costs many times
    a call.
    """

    ca_pem: str | None = None
    fingerprint: str | None = None

    @cached_property
    def context(self) -> ssl.SSLContext:
        """The TLS context. Raises: Permanent for a CA or fingerprint that is none."""
        if self.fingerprint is not None:
            return self._pinned_context()
        try:
            context = ssl.create_default_context(cadata=self.ca_pem)
        except (ssl.SSLError, ValueError) as error:
            raise Permanent(f"the CA certificate cannot be read: {error}") from error
        # Clusters sign with a CA of their own making that newer strict rules would turn away.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return context

    def _pinned_context(self) -> ssl.SSLContext:
        if not _FINGERPRINT.fullmatch(self.fingerprint or ""):
            raise Permanent("the fingerprint is not a SHA-256 fingerprint")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = False
        # Not unverified: the fingerprint is compared before the first byte of a request is sent.
        context.verify_mode = ssl.CERT_NONE
        return context


class TrustAdapter(HTTPAdapter):
    """Connects with one `TlsTrust` and one kept-alive connection, and never retries by itself."""

    def __init__(self, trust: TlsTrust) -> None:
        self._trust = trust
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any
    ) -> None:
        """Give the pool our context instead of the one made from requests' CA bundle."""
        pool_kwargs["ssl_context"] = self._trust.context
        if self._trust.fingerprint is not None:
            pool_kwargs["assert_fingerprint"] = self._trust.fingerprint
        super().init_poolmanager(connections, maxsize, block=block, **pool_kwargs)

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        """Keep requests from adding TLS settings of its own."""
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Keep requests from loading its CA bundle into our context."""


def is_unsent(error: requests.RequestException) -> bool:
    """Say whether the connection failed before any byte of the request could be sent."""
    if is_certificate_fault(error) or isinstance(error, requests.ConnectTimeout):
        return True
    unsent = (NewConnectionError, NameResolutionError, ConnectTimeoutError)
    return any(isinstance(cause, unsent) for cause in _causes(error))


def is_certificate_fault(error: requests.RequestException) -> bool:
    """Say whether the server's certificate is not the one we trust."""
    return any(
        isinstance(cause, ssl.SSLCertVerificationError)
        or "Fingerprints did not match" in str(cause)
        for cause in _causes(error)
        if isinstance(error, requests.exceptions.SSLError)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Walk through everything an exception wraps, as causes, reasons or arguments."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        wrapped = (current.__cause__, current.__context__, getattr(current, "reason", None))
        waiting.extend(
            cause for cause in (*wrapped, *current.args) if isinstance(cause, BaseException)
        )
