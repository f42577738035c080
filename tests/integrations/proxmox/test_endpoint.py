from __future__ import annotations

import pytest

from integrations.base.errors import Permanent
from integrations.proxmox.transport import ProxmoxEndpoint
from tests.integrations.proxmox.conftest import endpoint_make
from tests.integrations.proxmox.scripted import ScriptedApi


@pytest.mark.parametrize(
    "changes",
    [
        {"hosts": ()},
        {"token_id": "root@pam"},
        {"token_id": "no realm!x"},
        {"ca_pem": None},
        {"fingerprints": ("AA:" * 31 + "AA",), "ca_pem": "both"},
        {"fingerprints": (), "ca_pem": ""},
        {"fingerprints": ("AA:" * 31 + "AA",) * 2},
    ],
)
def test_endpoint_that_cannot_work_is_refused(changes: dict[str, object], api: ScriptedApi) -> None:
    with pytest.raises(Permanent):
        endpoint_make(api, **changes)


def test_endpoint_hides_its_secret(api: ScriptedApi) -> None:
    assert "22222222" not in repr(endpoint_make(api))


def test_addresses_take_the_common_port_unless_they_name_one() -> None:
    endpoint = ProxmoxEndpoint(
        hosts=("pve1", "10.0.0.2:443", "pve3.example"),
        token_id="prov@pve!full",
        token_secret="c",
        ca_pem="x",
    )
    assert endpoint.addresses == ("pve1:8006", "10.0.0.2:443", "pve3.example:8006")
