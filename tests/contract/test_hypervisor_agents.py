"""What every `Hypervisor` does with the agent inside a guest: the same on the twin and on a real wire."""

from __future__ import annotations

import pytest

from integrations.base.errors import Failed
from integrations.proxmox.errors import AgentAbsent, GuestNotRunning, RunUnknown
from integrations.proxmox.fake import FakeHypervisor
from integrations.proxmox.interface import AgentRun, GuestConfig, Hypervisor
from tests.contract.cluster import NODE, Cluster
from tests.simulator import wait_until


@pytest.fixture
def talkative(cluster: Cluster, running: GuestConfig) -> GuestConfig:
    """A running guest whose agent answers."""
    if isinstance(cluster.hypervisor, FakeHypervisor):
        cluster.hypervisor.guest_change(running.vmid, has_agent=True)
    wait_until(lambda: cluster.hypervisor.agent_ping(NODE, running.vmid))
    return running


def ended(hypervisor: Hypervisor, vmid: int, pid: int) -> AgentRun:
    runs: list[AgentRun] = []

    def has_ended() -> bool:
        runs.append(hypervisor.agent_exec_state(NODE, vmid, pid))
        return not runs[-1].is_running

    wait_until(has_ended)
    return runs[-1]


def test_a_stopped_guest_has_no_agent(hypervisor: Hypervisor, guest: GuestConfig) -> None:
    assert hypervisor.agent_ping(NODE, guest.vmid) is False


def test_a_script_tells_what_it_said_and_how_it_ended(
    hypervisor: Hypervisor, talkative: GuestConfig
) -> None:
    script = "echo one\necho two\nexit 3\n"
    pid = hypervisor.agent_exec_submit(
        node=NODE, vmid=talkative.vmid, command=("sh",), stdin=script
    )
    run = ended(hypervisor, talkative.vmid, pid)
    assert (run.exit_code, run.output.splitlines()[:2]) == (3, ["one", "two"])


def test_a_program_that_the_guest_does_not_have_fails(
    hypervisor: Hypervisor, talkative: GuestConfig
) -> None:
    with pytest.raises(Failed):
        hypervisor.agent_exec_submit(node=NODE, vmid=talkative.vmid, command=("absent-program",))


def test_nothing_runs_in_a_stopped_guest(hypervisor: Hypervisor, guest: GuestConfig) -> None:
    with pytest.raises((GuestNotRunning, AgentAbsent)):
        hypervisor.agent_exec_submit(node=NODE, vmid=guest.vmid, command=("true",))


def test_a_number_that_nobody_has_is_unknown(
    hypervisor: Hypervisor, talkative: GuestConfig
) -> None:
    with pytest.raises(RunUnknown):
        hypervisor.agent_exec_state(NODE, talkative.vmid, 99_999)
