"""One hypervisor per cluster and process: sessions are reused, tokens resolved when the client is made."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.module_loading import import_string

from integrations.proxmox.adapter import ProxmoxHypervisor
from integrations.proxmox.interface import Hypervisor
from integrations.proxmox.transport import ProxmoxEndpoint, ProxmoxTransport
from integrations.services.secrets import secret_resolve


@dataclass(frozen=True, slots=True)
class ClusterConnection:
    """How to reach a cluster; `token_ref` is a reference into the secret store."""

    code: str
    hosts: tuple[str, ...]
    port: int
    token_id: str
    token_ref: str
    ca_pem: str = ""
    fingerprints: tuple[str, ...] = ()


_clients: dict[ClusterConnection, Hypervisor] = {}
_lock = Lock()


def hypervisor_for(connection: ClusterConnection) -> Hypervisor:
    """The client of a cluster. A changed connection gets a new one.

    Raises: what the secret store raises when the token cannot be had.
    """
    with _lock:
        client = _clients.get(connection)
        if client is None:
            client = _connect(connection)
            _clients[connection] = client
        return client


def hypervisors_forget() -> None:
    """Drops all clients: after a token was rotated, and between tests."""
    with _lock:
        _clients.clear()


def _observe() -> None:
    if settings.CALL_OBSERVER:
        ProxmoxTransport.observer = import_string(settings.CALL_OBSERVER)()


def _connect(connection: ClusterConnection) -> Hypervisor:
    _observe()
    endpoint = ProxmoxEndpoint(
        hosts=connection.hosts,
        port=connection.port,
        token_id=connection.token_id,
        token_secret=secret_resolve(connection.token_ref),
        ca_pem=connection.ca_pem or None,
        fingerprints=connection.fingerprints,
    )
    return ProxmoxHypervisor(ProxmoxTransport(endpoint))


def host_and_port(url: str) -> tuple[str, int]:
    """The host and port of an API address such as https://pve.example.org:8006."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 8006
