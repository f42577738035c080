"""What every `Hypervisor` does about power: the same on the twin and on a real wire."""

from __future__ import annotations

import pytest

from integrations.base.errors import AlreadyDone
from integrations.proxmox.errors import GuestAbsent, GuestNotRunning, SnippetMissing
from integrations.proxmox.interface import (
    CloudInit,
    GuestConfig,
    Hypervisor,
    PowerState,
    TaskOutcome,
)
from tests.contract.cluster import NODE, Cluster


def test_started_guest_runs(hypervisor: Hypervisor, running: GuestConfig) -> None:
    assert hypervisor.guest_status(NODE, running.vmid).power is PowerState.RUNNING


def test_start_of_a_running_guest_is_already_done(cluster: Cluster, running: GuestConfig) -> None:
    ref = cluster.hypervisor.start_submit(node=NODE, vmid=running.vmid)
    assert type(cluster.finish(ref).failure) is AlreadyDone


def test_start_of_an_absent_guest_fails_as_absent(cluster: Cluster, vmid: int) -> None:
    ref = cluster.hypervisor.start_submit(node=NODE, vmid=vmid)
    assert type(cluster.finish(ref).failure) is GuestAbsent


def test_start_without_its_document_names_what_lacks_and_starts_once_it_is_there(
    cluster: Cluster, guest: GuestConfig
) -> None:
    name = f"web-{guest.vmid}.yml"
    documented = CloudInit(user="ops", vendor_snippet=f"local:snippets/{name}")
    ref = cluster.hypervisor.configure_submit(node=NODE, vmid=guest.vmid, cloud_init=documented)
    assert cluster.finish(ref).outcome is TaskOutcome.OK
    failure = cluster.finish(cluster.hypervisor.start_submit(node=NODE, vmid=guest.vmid)).failure
    assert isinstance(failure, SnippetMissing)
    assert (failure.storage, failure.name) == ("local", name)
    assert cluster.hypervisor.guest_status(NODE, guest.vmid).power is PowerState.STOPPED
    cluster.snippet_put(f"local:snippets/{name}")
    ref = cluster.hypervisor.start_submit(node=NODE, vmid=guest.vmid)
    assert cluster.finish(ref).failure is None


@pytest.mark.parametrize("is_forced", [False, True])
def test_stop_ends_a_running_guest(cluster: Cluster, running: GuestConfig, is_forced: bool) -> None:
    ref = cluster.hypervisor.stop_submit(node=NODE, vmid=running.vmid, is_forced=is_forced)
    assert cluster.finish(ref).failure is None
    status = cluster.hypervisor.guest_status(NODE, running.vmid)
    assert (status.power, status.uptime_s) == (PowerState.STOPPED, 0)


def test_stop_of_a_stopped_guest_succeeds(cluster: Cluster, guest: GuestConfig) -> None:
    ref = cluster.hypervisor.stop_submit(node=NODE, vmid=guest.vmid)
    assert cluster.finish(ref).outcome is TaskOutcome.OK


def test_shutdown_ends_a_running_guest(cluster: Cluster, running: GuestConfig) -> None:
    ref = cluster.hypervisor.shutdown_submit(
        node=NODE, vmid=running.vmid, timeout_s=30, is_forced=True
    )
    assert cluster.finish(ref).failure is None
    power = cluster.hypervisor.guest_status(NODE, running.vmid).power
    assert power is PowerState.STOPPED


def test_reboot_of_a_stopped_guest_is_refused(hypervisor: Hypervisor, guest: GuestConfig) -> None:
    with pytest.raises(GuestNotRunning):
        hypervisor.reboot_submit(node=NODE, vmid=guest.vmid)


def test_reboot_of_a_running_guest_is_a_task(cluster: Cluster, running: GuestConfig) -> None:
    ref = cluster.hypervisor.reboot_submit(node=NODE, vmid=running.vmid, timeout_s=30)
    assert cluster.finish(ref).failure is None


def test_what_works_on_a_guest_is_told(cluster: Cluster, running: GuestConfig) -> None:
    with cluster.slowed():
        ref = cluster.hypervisor.reboot_submit(node=NODE, vmid=running.vmid, timeout_s=30)
        assert cluster.hypervisor.tasks_running(NODE, running.vmid) == (ref,)
    cluster.finish(ref)
    assert cluster.hypervisor.tasks_running(NODE, running.vmid) == ()
