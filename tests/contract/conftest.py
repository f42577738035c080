"""A hypervisor to hold against its contract: the twin, and the adapter on a real wire."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from integrations.base.registry import HostRegistry
from integrations.proxmox.adapter import ProxmoxHypervisor
from integrations.proxmox.fake import FakeHypervisor
from integrations.proxmox.interface import GuestConfig, Hypervisor, TaskOutcome
from integrations.proxmox.transport import ProxmoxEndpoint, ProxmoxTransport
from tests.contract.cluster import NODE, SCALE, TEMPLATE, TOKEN, Cluster
from tests.simulator import TOKENS, SimulatorProcess

VMIDS = count(20_000)


@pytest.fixture(scope="package")
def simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(fixture="demo", time_scale=SCALE) as process:
        yield process


@pytest.fixture(params=["fake", "simulator"])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    if request.param == "fake":
        fake = FakeHypervisor()
        fake.guest_add(TEMPLATE, node=NODE, is_template=True)
        return Cluster(fake)
    simulator: SimulatorProcess = request.getfixturevalue("simulator")
    endpoint = ProxmoxEndpoint(
        hosts=(simulator.host,),
        port=simulator.port,
        token_id=TOKEN,
        token_secret=TOKENS[TOKEN],
        fingerprints=(simulator.fingerprint,),
    )
    transport = ProxmoxTransport(endpoint, registry=HostRegistry())
    return Cluster(ProxmoxHypervisor(transport), simulator)


@pytest.fixture
def hypervisor(cluster: Cluster) -> Hypervisor:
    return cluster.hypervisor


@pytest.fixture
def vmid() -> int:
    return next(VMIDS)


@pytest.fixture
def guest(cluster: Cluster, vmid: int) -> GuestConfig:
    """A stopped clone of the template."""
    assert cluster.finish(cluster.clone(vmid)).outcome is TaskOutcome.OK
    return cluster.hypervisor.guest_config(NODE, vmid)


@pytest.fixture
def running(cluster: Cluster, guest: GuestConfig) -> GuestConfig:
    """A running clone of the template."""
    ref = cluster.hypervisor.start_submit(node=NODE, vmid=guest.vmid)
    assert cluster.finish(ref).outcome is TaskOutcome.OK
    return guest
