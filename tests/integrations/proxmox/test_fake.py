from __future__ import annotations

import pytest

from integrations.base.errors import Ambiguous, NotExecuted
from integrations.proxmox.fake import FakeHypervisor
from integrations.proxmox.interface import GuestIdentity, PowerState, TaskPhase


@pytest.fixture
def fake() -> FakeHypervisor:
    hypervisor = FakeHypervisor(polls_per_task=0)
    hypervisor.guest_add(101)
    return hypervisor


def test_fault_before_a_call_keeps_it_from_having_an_effect(fake: FakeHypervisor) -> None:
    fake.fail_next("start_submit", NotExecuted("no"))
    with pytest.raises(NotExecuted):
        fake.start_submit(node="pve1", vmid=101)
    assert fake.guest_status("pve1", 101).power is PowerState.STOPPED


def test_fault_after_a_call_loses_only_its_answer(fake: FakeHypervisor) -> None:
    fake.fail_next("protection_set", Ambiguous("lost"), is_executed=True)
    with pytest.raises(Ambiguous):
        fake.protection_set(node="pve1", vmid=101, is_protected=True)
    assert fake.guest_config("pve1", 101).is_protected is True


def test_fault_hits_one_call_only(fake: FakeHypervisor) -> None:
    fake.fail_next("version", NotExecuted("no"))
    with pytest.raises(NotExecuted):
        fake.version()
    assert fake.version().release == "9.0"


def test_stranger_keeps_nothing_but_vmid_and_node(fake: FakeHypervisor) -> None:
    ours = fake.guest_config("pve1", 101).identity
    theirs = fake.replace_guest(101).identity
    assert theirs == GuestIdentity(101, theirs.uuid, None)
    assert theirs.uuid != ours.uuid


def test_writes_are_told_from_reads(fake: FakeHypervisor) -> None:
    fake.guests()
    fake.guest_config("pve1", 101)
    fake.stop_submit(node="pve1", vmid=101)
    assert [call.method for call in fake.writes] == ["stop_submit"]


def test_task_has_its_effect_only_when_it_ends() -> None:
    fake = FakeHypervisor(polls_per_task=1)
    fake.guest_add(101)
    ref = fake.start_submit(node="pve1", vmid=101)
    seen = [(fake.task_state(ref).state, fake.guest_status("pve1", 101).power) for _ in range(2)]
    assert seen == [
        (TaskPhase.RUNNING, PowerState.STOPPED),
        (TaskPhase.STOPPED, PowerState.RUNNING),
    ]
