"""The wire to Vault: sessions, login, time limits, and errors by class.

hvac speaks the protocol. It neither logs in again when a token has expired nor wraps connection
errors, so both happen here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import hvac
import requests
from hvac import exceptions as vault

from integrations.base.errors import AccessRefused, Ambiguous, Permanent, ProviderError
from integrations.base.registry import HOSTS, HostRegistry
from integrations.base.tls import TlsTrust, TrustAdapter, is_certificate_fault, is_unsent
from integrations.vault.errors import (
    PROVIDER,
    SecretConflict,
    SecretMissing,
    StoreUnreachable,
)

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_DOWN: Final = (
    vault.VaultDown,
    vault.BadGateway,
    vault.VaultNotInitialized,
    vault.RateLimitExceeded,
)


@dataclass(frozen=True, slots=True)
class TokenLogin:
    """A token that somebody else made and keeps alive."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AppRoleLogin:
    """A role that makes tokens for us."""

    role_id: str
    secret_id: str = field(repr=False)
    mount: str = "approle"


@dataclass(frozen=True, slots=True)
class VaultEndpoint:
    """Where the store is, how to be let in, and which part of it is ours."""

    url: str
    login: TokenLogin | AppRoleLogin
    mount: str = "secret"
    ca_pem: str | None = field(default=None, repr=False)
    namespace: str | None = None
    timeout_s: float = 3.0

    def __post_init__(self) -> None:
        """Refuse to send secrets in clear over a network. Raises: Permanent."""
        parts = urlsplit(self.url)
        is_safe = parts.scheme == "https" or parts.hostname in _LOOPBACK
        if parts.scheme not in {"http", "https"} or not parts.hostname or not is_safe:
            raise Permanent("the address of the store is an https address", provider=PROVIDER)

    @property
    def host(self) -> str:
        """The host as "name:port"."""
        return urlsplit(self.url).netloc


class VaultTransport:
    """Runs calls with a valid token, one client per thread, behind the host's circuit breaker."""

    def __init__(self, endpoint: VaultEndpoint, *, registry: HostRegistry = HOSTS) -> None:
        self.endpoint = endpoint
        self._gate = registry.gate(endpoint.host)
        self._trust = TlsTrust(ca_pem=endpoint.ca_pem)
        self._token = endpoint.login.token if isinstance(endpoint.login, TokenLogin) else ""
        self._login_lock = threading.Lock()
        self._local = threading.local()

    def call(self, action: Callable[[hvac.Client], Any], *, is_write: bool = False) -> Any:
        """Run an action; log in first where needed, and once more when the token is refused.

        Raises: SecretMissing, SecretConflict, StoreUnreachable, AccessRefused, Permanent; Ambiguous
        for a write whose answer was lost.
        """
        token = self._token or self._login(refused="")
        try:
            return self._run(action, token, is_write=is_write)
        except AccessRefused:
            token = self._login(refused=token)
        return self._run(action, token, is_write=is_write)

    def health_status(self) -> int:
        """Return the status of the health page, which needs no token. Raises: StoreUnreachable."""
        answer = self._run(lambda client: client.sys.read_health_status(method="GET"), "")
        return int(answer.status_code) if isinstance(answer, requests.Response) else 200

    def _login(self, *, refused: str) -> str:
        """Return a token other than the refused one; one thread logs in for all.

        Raises: AccessRefused when there is nothing to log in with.
        """
        login = self.endpoint.login
        with self._login_lock:
            if self._token != refused:
                return self._token
            if isinstance(login, TokenLogin):
                raise AccessRefused("the token is not accepted", provider=PROVIDER)
            answer = self._run(
                lambda client: client.auth.approle.login(
                    login.role_id, login.secret_id, use_token=False, mount_point=login.mount
                ),
                "",
            )
            try:
                self._token = str(answer["auth"]["client_token"])
            except (KeyError, TypeError) as error:
                raise AccessRefused("the login gave no token", provider=PROVIDER) from error
            return self._token

    def _run(
        self, action: Callable[[hvac.Client], Any], token: str, *, is_write: bool = False
    ) -> Any:
        client = self._client()
        client.token = token
        with self._gate.call():
            try:
                answer = self._answer(action, client, is_write=is_write)
            except vault.VaultError as error:
                self._gate.succeeded()
                raise _refused(error) from error
            except requests.RequestException as error:
                self._gate.failed()
                raise _unanswered(error, is_write=is_write) from error
            self._gate.succeeded()
        if isinstance(answer, requests.Response) and 300 <= answer.status_code < 400:
            raise Permanent("the store redirects; name its active address", provider=PROVIDER)
        return answer

    def _answer(
        self, action: Callable[[hvac.Client], Any], client: hvac.Client, *, is_write: bool
    ) -> Any:
        """Run an action; a read is repeated once when its kept-alive connection was dropped."""
        try:
            return action(client)
        except requests.ConnectionError as error:
            if is_write or is_unsent(error) or isinstance(error, requests.Timeout):
                raise
            return action(client)

    def _client(self) -> hvac.Client:
        """Return the calling thread's client: sessions are not made to be shared by threads."""
        client = getattr(self._local, "client", None)
        if client is None:
            session = requests.Session()
            session.trust_env = False
            session.mount("https://", TrustAdapter(self._trust))
            client = self._local.client = hvac.Client(
                url=self.endpoint.url,
                token="",  # an empty one keeps hvac from looking for others in the environment
                namespace=self.endpoint.namespace,
                session=session,
                verify=True,
                timeout=self.endpoint.timeout_s,
                allow_redirects=False,
            )
        return client


def _refused(error: vault.VaultError) -> ProviderError:
    """Return what an error answer means; its words are kept, they never contain values."""
    words = "; ".join(str(word) for word in error.errors or ()) or type(error).__name__
    if isinstance(error, _DOWN):
        return StoreUnreachable(words, provider=PROVIDER, retry_after_s=5.0)
    if isinstance(error, vault.Forbidden | vault.Unauthorized):
        return AccessRefused(words, provider=PROVIDER)
    if isinstance(error, vault.InvalidPath) and not error.errors:
        return SecretMissing("there is no such secret", provider=PROVIDER)
    if isinstance(error, vault.InvalidRequest) and "did not match the current version" in words:
        return SecretConflict("the secret has another version", provider=PROVIDER)
    if isinstance(error, vault.InternalServerError | vault.UnexpectedError):
        return StoreUnreachable(words, provider=PROVIDER, retry_after_s=5.0)
    return Permanent(words, provider=PROVIDER)


def _unanswered(error: requests.RequestException, *, is_write: bool) -> ProviderError:
    if is_certificate_fault(error):
        return Permanent("the store shows a certificate we do not trust", provider=PROVIDER)
    if is_write and not is_unsent(error):
        return Ambiguous("the store did not answer a write", provider=PROVIDER)
    return StoreUnreachable("the store does not answer", provider=PROVIDER, retry_after_s=5.0)
