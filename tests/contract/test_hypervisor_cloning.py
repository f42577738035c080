"""What every `Hypervisor` does about clones and their tasks: the same on the twin and on a real wire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from integrations.base.errors import Permanent
from integrations.proxmox.errors import GuestLocked, TaskUnknown, VmidTaken
from integrations.proxmox.interface import (
    GuestConfig,
    GuestIdentity,
    Hypervisor,
    TaskOutcome,
    TaskRef,
)
from tests.contract.cluster import MARKER, NODE, TEMPLATE, TOKEN, Cluster
from tests.simulator import wait_until


def test_clone_carries_name_and_marker(guest: GuestConfig) -> None:
    assert (guest.name, guest.marker, guest.lock, guest.is_template) == (
        "web-1",
        MARKER,
        None,
        False,
    )


def test_clone_has_an_identity_of_its_own(hypervisor: Hypervisor, guest: GuestConfig) -> None:
    template = hypervisor.guest_config(NODE, TEMPLATE)
    assert guest.uuid is not None
    assert guest.uuid != template.uuid
    assert guest.identity == GuestIdentity(guest.vmid, guest.uuid, MARKER)


def test_clone_has_network_cards_of_its_own(hypervisor: Hypervisor, guest: GuestConfig) -> None:
    template = hypervisor.guest_config(NODE, TEMPLATE)
    assert guest.nets[0].mac not in {None, template.nets[0].mac}


def test_clone_keeps_the_disk_size(hypervisor: Hypervisor, guest: GuestConfig) -> None:
    template = hypervisor.guest_config(NODE, TEMPLATE)
    sizes = [
        {disk.key: disk.size_bytes for disk in config.disks if not disk.is_cdrom}
        for config in (guest, template)
    ]
    assert sizes[0] == sizes[1]


def test_clone_to_another_node_ends_there(cluster: Cluster, vmid: int) -> None:
    ref = cluster.hypervisor.clone_submit(
        source_node=NODE,
        source_vmid=TEMPLATE,
        new_vmid=vmid,
        name="web-2",
        marker=MARKER,
        target_node="pve2",
    )
    assert cluster.finish(ref).outcome is TaskOutcome.OK
    assert cluster.hypervisor.guest_find(vmid) == "pve2"


def test_clone_to_a_taken_vmid_is_refused(hypervisor: Hypervisor, guest: GuestConfig) -> None:
    with pytest.raises(VmidTaken):
        hypervisor.clone_submit(
            source_node=NODE,
            source_vmid=TEMPLATE,
            new_vmid=guest.vmid,
            name="again",
            marker=MARKER,
        )
    assert hypervisor.guest_config(NODE, guest.vmid).identity == guest.identity


def test_clone_of_an_absent_guest_is_permanent(hypervisor: Hypervisor, vmid: int) -> None:
    with pytest.raises(Permanent):
        hypervisor.clone_submit(
            source_node=NODE, source_vmid=19_999, new_vmid=vmid, name="x", marker=MARKER
        )


def test_guest_is_locked_while_it_is_cloned(cluster: Cluster, vmid: int) -> None:
    with cluster.slowed():
        ref = cluster.clone(vmid)
        wait_until(lambda: any(guest.vmid == vmid for guest in cluster.hypervisor.guests()))
        assert cluster.hypervisor.guest_config(NODE, vmid).is_cloning is True
        with pytest.raises(GuestLocked) as caught:
            cluster.hypervisor.configure_submit(node=NODE, vmid=vmid, cores=2)
    cluster.finish(ref)
    assert caught.value.lock == "clone"


def test_running_clone_task_is_found_again(cluster: Cluster, vmid: int) -> None:
    since = datetime.now(UTC)
    with cluster.slowed():
        ref = cluster.clone(vmid)
        wait_until(lambda: bool(cluster.hypervisor.task_state(ref).log_tail))
        found = cluster.hypervisor.clone_find(
            source_node=NODE, source_vmid=TEMPLATE, new_vmid=vmid, since=since
        )
    cluster.finish(ref)
    assert found == ref


def test_finished_clone_task_is_found_again(cluster: Cluster, vmid: int) -> None:
    since = datetime.now(UTC)
    ref = cluster.clone(vmid)
    cluster.finish(ref)
    found = cluster.hypervisor.clone_find(
        source_node=NODE, source_vmid=TEMPLATE, new_vmid=vmid, since=since
    )
    assert found == ref


def test_clone_that_was_never_sent_is_not_found(
    hypervisor: Hypervisor, guest: GuestConfig, vmid: int
) -> None:
    since = datetime.now(UTC) - timedelta(minutes=1)
    assert (
        hypervisor.clone_find(
            source_node=NODE, source_vmid=TEMPLATE, new_vmid=vmid + 50_000, since=since
        )
        is None
    )


def test_task_log_is_read_from_where_it_was_left(cluster: Cluster, vmid: int) -> None:
    ref = cluster.clone(vmid)
    whole = cluster.finish(ref)
    rest = cluster.hypervisor.task_state(ref, log_from=1)
    assert rest.log_tail == whole.log_tail[1:]
    assert rest.log_next == whole.log_next == len(whole.log_tail)


def test_first_line_of_a_clone_names_both_guests(cluster: Cluster, vmid: int) -> None:
    state = cluster.finish(cluster.clone(vmid))
    assert state.log_tail[0] == f"creating a clone of VM {TEMPLATE} with ID {vmid}"


def test_unknown_task_is_ambiguous(hypervisor: Hypervisor) -> None:
    upid = f"UPID:{NODE}:0000AAAA:0000AAAA:60000000:qmclone:{TEMPLATE}:{TOKEN}:"
    with pytest.raises(TaskUnknown):
        hypervisor.task_state(TaskRef(upid=upid, node=NODE))
