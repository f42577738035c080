"""Every fault the simulator knows, as the provider's caller sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from integrations.base.errors import (
    AccessRefused,
    Ambiguous,
    Failed,
    NotExecuted,
    Permanent,
    Unavailable,
)
from integrations.base.registry import HostRegistry
from integrations.proxmox.adapter import ProxmoxHypervisor
from integrations.proxmox.errors import (
    CertificateRefused,
    GuestLocked,
    NodeUnreachable,
    TaskCrashed,
    VmidTaken,
)
from integrations.proxmox.interface import PowerState, TaskOutcome, TaskPhase, TaskRef, TaskState
from integrations.proxmox.transport import ProxmoxEndpoint, ProxmoxTransport, Timeouts
from tests.integrations.proxmox.scripted import unused_address
from tests.simulator import TOKENS, SimulatorProcess, wait_until

TOKEN = "uhub@pve!portal"
NODE, TEMPLATE = "pve1", 9004
MARKER = "uhub:0192f0c1-7a3b-7000-8000-000000000001:n0nce"
VMIDS = count(30_000)


@pytest.fixture(scope="module")
def process() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(fixture="demo", time_scale=100) as found:
        yield found


@pytest.fixture
def simulator(process: SimulatorProcess) -> Iterator[SimulatorProcess]:
    yield process
    process.clear_faults()


@pytest.fixture
def vmid() -> int:
    return next(VMIDS)


def hypervisor_make(simulator: SimulatorProcess, **changes: Any) -> ProxmoxHypervisor:
    settings: dict[str, Any] = {
        "hosts": (f"{simulator.host}:{simulator.port}",),
        "token_id": TOKEN,
        "token_secret": TOKENS[TOKEN],
        "fingerprints": (simulator.fingerprint,),
    }
    endpoint = ProxmoxEndpoint(**(settings | changes))
    return ProxmoxHypervisor(ProxmoxTransport(endpoint, registry=HostRegistry()))


@pytest.fixture
def hypervisor(simulator: SimulatorProcess) -> ProxmoxHypervisor:
    return hypervisor_make(simulator)


def clone(hypervisor: ProxmoxHypervisor, vmid: int) -> TaskRef:
    return hypervisor.clone_submit(
        source_node=NODE, source_vmid=TEMPLATE, new_vmid=vmid, name="web-1", marker=MARKER
    )


def finish(hypervisor: ProxmoxHypervisor, ref: TaskRef) -> TaskState:
    wait_until(lambda: hypervisor.task_state(ref).state is TaskPhase.STOPPED)
    return hypervisor.task_state(ref)


def finish_well(hypervisor: ProxmoxHypervisor, submit: Callable[[], TaskRef]) -> None:
    """Submit and wait; raise the task's failure as its caller would."""
    failure = finish(hypervisor, submit()).failure
    if failure is not None:
        raise failure


def find_clone(hypervisor: ProxmoxHypervisor, vmid: int, since: datetime) -> TaskRef | None:
    """Look for a clone until its task says what it makes."""
    found: list[TaskRef | None] = []

    def is_known() -> bool:
        with suppress(Unavailable):
            found.append(
                hypervisor.clone_find(
                    source_node=NODE, source_vmid=TEMPLATE, new_vmid=vmid, since=since
                )
            )
        return bool(found)

    wait_until(is_known)
    return found[0]


LOST_ANSWERS: list[dict[str, Any]] = [
    {"kind": "596", "execute": True, "delay_s": 1},
    {"kind": "drop_connection", "when": "after"},
    {"kind": "timeout", "execute": True},
]


@pytest.mark.parametrize("fault", LOST_ANSWERS, ids=lambda fault: fault["kind"])
def test_clone_whose_answer_was_lost_is_ambiguous_and_found_again(
    fault: dict[str, Any], simulator: SimulatorProcess, vmid: int
) -> None:
    hypervisor = hypervisor_make(simulator, timeouts=Timeouts(write_s=1.0))
    since = datetime.now(UTC)
    simulator.fault(fault["kind"], match={"newid": vmid}, **_params(fault))
    with pytest.raises(Ambiguous):
        clone(hypervisor, vmid)
    wait_until(lambda: find_clone(hypervisor, vmid, since) is not None)
    ref = find_clone(hypervisor, vmid, since)
    assert ref is not None
    assert finish(hypervisor, ref).outcome is TaskOutcome.OK
    assert hypervisor.guest_config(NODE, vmid).marker == MARKER


UNSENT: list[dict[str, Any]] = [
    {"kind": "drop_connection", "when": "before"},
    {"kind": "timeout", "execute": False},
    {"kind": "596", "execute": False, "delay_s": 1},
]


@pytest.mark.parametrize("fault", UNSENT, ids=lambda fault: fault["kind"])
def test_clone_that_was_lost_on_the_way_is_ambiguous_and_found_nowhere(
    fault: dict[str, Any], simulator: SimulatorProcess, vmid: int
) -> None:
    hypervisor = hypervisor_make(simulator, timeouts=Timeouts(write_s=0.5))
    since = datetime.now(UTC)
    simulator.fault(fault["kind"], match={"newid": vmid}, **_params(fault))
    with pytest.raises(Ambiguous):
        clone(hypervisor, vmid)
    assert find_clone(hypervisor, vmid, since) is None
    assert hypervisor.guest_find(vmid) is None


def _params(fault: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fault.items() if name != "kind"}


@pytest.mark.parametrize(
    ("kind", "error"),
    [("no_worker_upid", NotExecuted), ("595", NodeUnreachable), ("no_quorum", NotExecuted)],
)
def test_refused_clone_was_not_executed_and_is_sent_again(
    kind: str, error: type[Exception], simulator: SimulatorProcess, vmid: int
) -> None:
    hypervisor = hypervisor_make(simulator)
    simulator.fault(kind, match={"newid": vmid})
    with pytest.raises(error):
        clone(hypervisor, vmid)
    assert finish(hypervisor, clone(hypervisor, vmid)).outcome is TaskOutcome.OK


def test_write_is_sent_exactly_once_whatever_happens(
    simulator: SimulatorProcess, hypervisor: ProxmoxHypervisor, vmid: int
) -> None:
    before = simulator.log_position()
    simulator.fault("drop_connection", match={"newid": vmid}, when="before")
    with pytest.raises(Ambiguous):
        clone(hypervisor, vmid)
    assert len(simulator.mutations(before)) == 1


def test_crashed_clone_leaves_a_lock_for_the_operator(
    simulator: SimulatorProcess, hypervisor: ProxmoxHypervisor, vmid: int
) -> None:
    simulator.fault("worker_crash", match={"task": "qmclone"}, at="half")
    state = finish(hypervisor, clone(hypervisor, vmid))
    assert (state.outcome, type(state.failure)) == (TaskOutcome.CRASHED, TaskCrashed)
    assert hypervisor.guest_config(NODE, vmid).lock == "clone"


def test_half_clone_cannot_be_deleted(
    simulator: SimulatorProcess, hypervisor: ProxmoxHypervisor, vmid: int
) -> None:
    simulator.fault("worker_crash", match={"task": "qmclone"}, at="half")
    finish(hypervisor, clone(hypervisor, vmid))
    with pytest.raises(GuestLocked) as caught:
        finish_well(hypervisor, lambda: hypervisor.delete_submit(node=NODE, vmid=vmid))
    leftover = caught.value.as_leftover(node=NODE, vmid=vmid)
    assert leftover.command == f"qm unlock {vmid}"


def test_full_storage_is_permanent(
    simulator: SimulatorProcess, hypervisor: ProxmoxHypervisor, vmid: int
) -> None:
    simulator.fault("storage_full", count=5)
    assert type(finish(hypervisor, clone(hypervisor, vmid)).failure) is Permanent


def test_storage_lock_fails_the_attempt(
    simulator: SimulatorProcess, hypervisor: ProxmoxHypervisor, vmid: int
) -> None:
    simulator.fault("lock_storm", scope="storage", count=5)
    assert type(finish(hypervisor, clone(hypervisor, vmid)).failure) is Failed


def test_warnings_are_success(
    simulator: SimulatorProcess, hypervisor: ProxmoxHypervisor, vmid: int
) -> None:
    simulator.fault("task_warnings", match={"task": "qmclone"}, message="be careful")
    state = finish(hypervisor, clone(hypervisor, vmid))
    assert (state.outcome, state.failure) == (TaskOutcome.WARNINGS, None)


def test_start_that_lies_shows_in_the_status(
    simulator: SimulatorProcess, hypervisor: ProxmoxHypervisor, vmid: int
) -> None:
    finish(hypervisor, clone(hypervisor, vmid))
    simulator.fault("start_lies", match={"task": "qmstart"})
    state = finish(hypervisor, hypervisor.start_submit(node=NODE, vmid=vmid))
    assert type(state.failure) is Failed
    assert hypervisor.guest_status(NODE, vmid).power is PowerState.RUNNING


def test_vmid_taken_at_the_last_moment_is_refused(
    simulator: SimulatorProcess, hypervisor: ProxmoxHypervisor, vmid: int
) -> None:
    simulator.fault("foreign_vm", match={"newid": vmid})
    with pytest.raises(VmidTaken):
        finish_well(hypervisor, lambda: clone(hypervisor, vmid))
    assert hypervisor.guest_config(NODE, vmid).marker is None


def test_stranger_under_our_vmid_has_another_identity(
    simulator: SimulatorProcess, hypervisor: ProxmoxHypervisor, vmid: int
) -> None:
    finish(hypervisor, clone(hypervisor, vmid))
    ours = hypervisor.guest_config(NODE, vmid).identity
    simulator.foreign_vm(vmid, node=NODE)
    theirs = hypervisor.guest_config(NODE, vmid).identity
    assert (theirs.marker, theirs.uuid == ours.uuid) == (None, False)


def test_guest_on_a_node_that_is_down_is_not_absent(
    simulator: SimulatorProcess, hypervisor: ProxmoxHypervisor, vmid: int
) -> None:
    ref = hypervisor.clone_submit(
        source_node=NODE,
        source_vmid=TEMPLATE,
        new_vmid=vmid,
        name="web-1",
        marker=MARKER,
        target_node="pve2",
    )
    finish(hypervisor, ref)
    simulator.fault("node_down", node="pve2", count=0)
    with pytest.raises(NodeUnreachable):
        hypervisor.guest_config("pve2", vmid)
    assert hypervisor.guest_find(vmid) == "pve2"


def test_missing_agent_delays_nothing(
    simulator: SimulatorProcess, hypervisor: ProxmoxHypervisor, vmid: int
) -> None:
    finish(hypervisor, clone(hypervisor, vmid))
    finish(hypervisor, hypervisor.start_submit(node=NODE, vmid=vmid))
    simulator.fault("agent_down", count=0)
    assert hypervisor.guest_addresses(NODE, vmid) == ()


def test_wrong_secret_is_a_configuration_fault(simulator: SimulatorProcess) -> None:
    wrong = "55555555-5555-5555-5555-555555555555"
    with pytest.raises(AccessRefused, match="Authentication failed"):
        hypervisor_make(simulator, token_secret=wrong).version()


def test_cluster_is_trusted_by_its_ca(simulator: SimulatorProcess) -> None:
    ca_pem = Path(simulator.ca_file).read_text()
    hypervisor = hypervisor_make(simulator, ca_pem=ca_pem, fingerprints=())
    assert hypervisor.version().release != ""


def test_cluster_with_another_certificate_is_refused(simulator: SimulatorProcess) -> None:
    with pytest.raises(CertificateRefused):
        hypervisor_make(simulator, fingerprints=("AA:" * 31 + "AA",)).version()


def test_second_host_of_a_cluster_takes_over(simulator: SimulatorProcess, vmid: int) -> None:
    hypervisor = hypervisor_make(
        simulator,
        hosts=(unused_address(), f"{simulator.host}:{simulator.port}"),
        fingerprints=(simulator.fingerprint, simulator.fingerprint),
    )
    assert finish(hypervisor, clone(hypervisor, vmid)).outcome is TaskOutcome.OK
