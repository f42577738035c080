"""What every `Hypervisor` tells of how a guest is: the same on the twin and on a real wire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from integrations.proxmox.errors import GuestAbsent
from integrations.proxmox.fake import FakeHypervisor
from integrations.proxmox.interface import GuestConfig, Hypervisor
from tests.contract.cluster import NODE, Cluster
from tests.simulator import wait_until


def agent_is(cluster: Cluster, vmid: int, *, answers: bool) -> None:
    """Lets the agent of a running guest answer, or fall silent."""
    if cluster.simulator is None:
        assert isinstance(cluster.hypervisor, FakeHypervisor)
        cluster.hypervisor.agents[vmid] = answers
        return
    cluster.simulator.clear_faults()
    if not answers:
        cluster.simulator.fault("agent_down", match={"vmid": vmid}, count=99)


def halted(cluster: Cluster, vmid: int) -> None:
    """Somebody else stops the guest."""
    if cluster.simulator is None:
        assert isinstance(cluster.hypervisor, FakeHypervisor)
        cluster.hypervisor.halts[vmid] = ("root@pam!adm", datetime.now(UTC))
        return
    path = f"/nodes/{NODE}/qemu/{vmid}/status/stop"
    assert cluster.simulator.run("POST", path, token="root@pam!adm") == "OK"


def test_an_agent_that_answers_and_then_falls_silent(
    cluster: Cluster, running: GuestConfig
) -> None:
    agent_is(cluster, running.vmid, answers=True)
    wait_until(lambda: cluster.hypervisor.agent_answers(NODE, running.vmid) is True)
    agent_is(cluster, running.vmid, answers=False)
    assert cluster.hypervisor.agent_answers(NODE, running.vmid) is False
    agent_is(cluster, running.vmid, answers=True)
    assert cluster.hypervisor.agent_answers(NODE, running.vmid) is True


def test_the_agent_of_a_guest_that_is_off_is_not_known(
    hypervisor: Hypervisor, guest: GuestConfig
) -> None:
    assert hypervisor.agent_answers(NODE, guest.vmid) is None


def test_the_agent_of_an_absent_guest(hypervisor: Hypervisor, vmid: int) -> None:
    with pytest.raises(GuestAbsent):
        hypervisor.agent_answers(NODE, vmid)


def test_who_stopped_a_guest_is_named_unless_it_was_us(
    cluster: Cluster, running: GuestConfig
) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    cluster.finish(cluster.hypervisor.stop_submit(node=NODE, vmid=running.vmid))
    assert cluster.hypervisor.halted_by(NODE, running.vmid, before) == ""
    halted(cluster, running.vmid)
    assert cluster.hypervisor.halted_by(NODE, running.vmid, before) == "root@pam!adm"


def test_a_stop_of_long_ago_is_not_named(cluster: Cluster, running: GuestConfig) -> None:
    halted(cluster, running.vmid)
    later = datetime.now(UTC) + timedelta(hours=1)
    assert cluster.hypervisor.halted_by(NODE, running.vmid, later) == ""
