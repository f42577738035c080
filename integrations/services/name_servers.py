"""One client per name server and process; the key is resolved when the client is made."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

from integrations.powerdns.adapter import PowerDns
from integrations.powerdns.interface import NameServer
from integrations.powerdns.transport import NameServerEndpoint, NameServerTransport
from integrations.services.secrets import secret_resolve


@dataclass(frozen=True, slots=True)
class NameServerConnection:
    """How to reach a name server; `api_key_ref` is a reference into the secret store."""

    code: str
    url: str
    server_id: str
    api_key_ref: str
    ca_pem: str = ""
    resolver: str = ""


_clients: dict[NameServerConnection, NameServer] = {}
_lock = Lock()


def name_server_for(connection: NameServerConnection) -> NameServer:
    """The client of a name server. A changed connection gets a new one.

    Raises: Permanent for a connection that cannot be used, and what the secret store raises.
    """
    with _lock:
        client = _clients.get(connection)
        if client is None:
            client = _clients[connection] = _connect(connection)
        return client


def name_servers_forget() -> None:
    """Drops all clients: after a key was rotated, and between tests."""
    with _lock:
        _clients.clear()


def endpoint_check(connection: NameServerConnection) -> None:
    """Passes, or says why this connection is never used. Raises: Permanent."""
    _endpoint(connection, api_key="")


def _connect(connection: NameServerConnection) -> NameServer:
    endpoint = _endpoint(connection, api_key=secret_resolve(connection.api_key_ref))
    return PowerDns(NameServerTransport(endpoint))


def _endpoint(connection: NameServerConnection, *, api_key: str) -> NameServerEndpoint:
    return NameServerEndpoint(
        url=connection.url,
        server_id=connection.server_id,
        api_key=api_key,
        ca_pem=connection.ca_pem,
        resolver=connection.resolver,
    )
