"""A call to the hypervisor beside proxmoxer itself, both on warm connections."""

from __future__ import annotations

import ssl
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

from proxmoxer import ProxmoxAPI

from integrations.proxmox.transport import ProxmoxEndpoint, ProxmoxTransport
from tests.bench.subjects import measured
from tests.bench.timing import Act
from tests.bench.world import BenchWorld
from tests.simulator import TOKENS, SimulatorProcess

GOAL = 1.2
TOKEN_ID = "uhub@pve!portal"
WARM_CALLS = 80


@measured("provider.call", beside="proxmoxer, object reused", goal=GOAL, calls=40)
def provider_call(_world: BenchWorld, stack: ExitStack) -> tuple[Act, Act]:
    """`GET /version`."""
    simulator = stack.enter_context(SimulatorProcess(fixture="demo"))
    address = f"{simulator.host}:{simulator.port}"
    transport = ProxmoxTransport(
        ProxmoxEndpoint(
            hosts=(address,),
            token_id=TOKEN_ID,
            token_secret=TOKENS[TOKEN_ID],
            ca_pem=Path(simulator.ca_file).read_text(encoding="ascii"),
        )
    )
    user, _, name = TOKEN_ID.partition("!")
    proxmox = ProxmoxAPI(
        address,
        user=user,
        token_name=name,
        token_value=TOKENS[TOKEN_ID],
        verify_ssl=simulator.ca_file,
    )
    assert _handshakes(lambda: transport.read("version")) == 0, "a warm call shook hands"
    return (lambda: transport.read("version")), proxmox.version.get


def _handshakes(act: Act) -> int:
    """How many TLS handshakes warm calls need; the server itself ends a connection after a hundred."""
    act()
    original = ssl.SSLSocket.do_handshake
    with patch.object(
        ssl.SSLSocket, "do_handshake", autospec=True, side_effect=original
    ) as handshake:
        for _ in range(WARM_CALLS):
            act()
    return handshake.call_count
