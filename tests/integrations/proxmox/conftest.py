from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from integrations.base.registry import HostRegistry
from integrations.proxmox.transport import ProxmoxEndpoint, ProxmoxTransport, Timeouts
from tests.integrations.proxmox.scripted import (
    Certificate,
    ScriptedApi,
    certificate_make,
    scripted_api,
)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate_make(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def api(certificate: Certificate) -> Iterator[ScriptedApi]:
    with scripted_api(certificate) as server:
        yield server


# for servers that are made to be silent; whoever answers has all the time of a slow machine
HASTY = Timeouts(connect_s=10.0, read_s=0.4, write_s=0.6)
_PATIENT = Timeouts(connect_s=30.0, read_s=30.0, write_s=30.0)


def endpoint_make(*apis: ScriptedApi | str, **changes: Any) -> ProxmoxEndpoint:
    """An endpoint for scripted servers (or bare addresses) that share one certificate."""
    certificates = [api.certificate for api in apis if isinstance(api, ScriptedApi)]
    settings: dict[str, Any] = {
        "hosts": tuple(api if isinstance(api, str) else api.address for api in apis),
        "token_id": "prov@pve!full",
        "token_secret": "22222222-2222-2222-2222-222222222222",
        "timeouts": _PATIENT,
    }
    if "fingerprints" not in changes:
        settings["ca_pem"] = certificates[0].ca_pem
    return ProxmoxEndpoint(**(settings | changes))


def transport_make(*apis: ScriptedApi | str, **changes: Any) -> ProxmoxTransport:
    registry = changes.pop("registry", None) or HostRegistry()
    return ProxmoxTransport(endpoint_make(*apis, **changes), registry=registry)


@pytest.fixture
def transport(api: ScriptedApi) -> ProxmoxTransport:
    return transport_make(api)
