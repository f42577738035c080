"""What every implementation of `Hypervisor` does: the same tests on the twin and on a real wire."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from integrations.base.errors import AlreadyDone, Failed, Permanent
from integrations.base.registry import HostRegistry
from integrations.proxmox.adapter import ProxmoxHypervisor
from integrations.proxmox.errors import (
    ConfigChanged,
    GuestAbsent,
    GuestLocked,
    GuestNotRunning,
    TaskUnknown,
    VmidTaken,
)
from integrations.proxmox.fake import FakeHypervisor
from integrations.proxmox.interface import (
    CloudInit,
    GuestConfig,
    GuestIdentity,
    Hypervisor,
    PowerState,
    TaskOutcome,
    TaskPhase,
    TaskRef,
    TaskState,
)
from integrations.proxmox.mapping import marker_build
from integrations.proxmox.transport import ProxmoxEndpoint, ProxmoxTransport
from tests.simulator import TOKENS, SimulatorProcess, wait_until

NODE = "pve1"
TEMPLATE = 9004
MARKER = marker_build("0192f0c1-7a3b-7000-8000-000000000001", "n0nce")
TOKEN = "uhub@pve!portal"
SCALE = 100.0
VMIDS = count(20_000)


@dataclass(frozen=True)
class Cluster:
    """A hypervisor with one template of at least 8 GiB, and free VMIDs."""

    hypervisor: Hypervisor
    simulator: SimulatorProcess | None = None

    @contextmanager
    def slowed(self) -> Iterator[None]:
        """Let tasks take so long that they certainly run throughout the block."""
        if self.simulator is not None:
            self.simulator.control("POST", "/clock", {"scale": 1})
        try:
            yield
        finally:
            if self.simulator is not None:
                self.simulator.control("POST", "/clock", {"scale": SCALE})

    def finish(self, ref: TaskRef | None) -> TaskState:
        """Poll a task until it has stopped."""
        assert ref is not None
        states: list[TaskState] = []

        def has_stopped() -> bool:
            states.append(self.hypervisor.task_state(ref))
            return states[-1].state is TaskPhase.STOPPED

        wait_until(has_stopped, within_s=20)
        return states[-1]

    def clone(self, vmid: int) -> TaskRef:
        return self.hypervisor.clone_submit(
            source_node=NODE, source_vmid=TEMPLATE, new_vmid=vmid, name="web-1", marker=MARKER
        )


@pytest.fixture(scope="module")
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


def test_version_is_told(hypervisor: Hypervisor) -> None:
    assert hypervisor.version().release[0].isdigit()


def test_permissions_are_told_by_path(hypervisor: Hypervisor) -> None:
    granted = frozenset().union(*hypervisor.permissions().values())
    assert {"VM.Audit", "VM.Allocate"} <= granted


def test_nodes_are_listed(hypervisor: Hypervisor) -> None:
    assert NODE in {node.name for node in hypervisor.nodes() if node.is_online}


def test_storages_of_a_node_are_listed(hypervisor: Hypervisor) -> None:
    (local,) = (s for s in hypervisor.storages(NODE) if s.name == "local")
    assert (local.node, local.kind, local.is_shared, local.is_active) == (NODE, "dir", False, True)


def test_listing_shows_the_template(hypervisor: Hypervisor) -> None:
    (template,) = (guest for guest in hypervisor.guests() if guest.vmid == TEMPLATE)
    assert (template.node, template.is_container, template.lock) == (NODE, False, None)


def test_free_vmid_is_free(hypervisor: Hypervisor, vmid: int) -> None:
    assert hypervisor.is_vmid_free(vmid) is True


def test_taken_vmid_is_not_free(hypervisor: Hypervisor) -> None:
    assert hypervisor.is_vmid_free(TEMPLATE) is False


def test_guest_is_found_on_its_node(hypervisor: Hypervisor) -> None:
    assert hypervisor.guest_find(TEMPLATE) == NODE


def test_absent_guest_is_found_nowhere(hypervisor: Hypervisor, vmid: int) -> None:
    assert hypervisor.guest_find(vmid) is None


@pytest.mark.parametrize("question", ["guest_config", "guest_status"])
def test_question_about_an_absent_guest_names_it(
    hypervisor: Hypervisor, vmid: int, question: str
) -> None:
    with pytest.raises(GuestAbsent) as caught:
        getattr(hypervisor, question)(NODE, vmid)
    assert (caught.value.node, caught.value.vmid) == (NODE, vmid)


def test_guest_is_absent_from_the_nodes_it_does_not_live_on(hypervisor: Hypervisor) -> None:
    with pytest.raises(GuestAbsent):
        hypervisor.guest_config("pve2", TEMPLATE)


def test_template_is_a_template(hypervisor: Hypervisor) -> None:
    assert hypervisor.guest_config(NODE, TEMPLATE).is_template is True


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


def test_configuration_is_changed(cluster: Cluster, guest: GuestConfig) -> None:
    ref = cluster.hypervisor.configure_submit(
        node=NODE,
        vmid=guest.vmid,
        cores=2,
        memory_mb=2048,
        tags=("uhub", "PBX"),
        cloud_init=CloudInit(user="ops", password="s3cret", ssh_keys=("ssh-ed25519 AAAA a@b",)),
        digest=guest.digest,
    )
    assert cluster.finish(ref).outcome is TaskOutcome.OK
    changed = cluster.hypervisor.guest_config(NODE, guest.vmid)
    assert (changed.cores, changed.memory_mb, changed.tags) == (2, 2048, ("pbx", "uhub"))


def test_change_keeps_the_identity(cluster: Cluster, guest: GuestConfig) -> None:
    cluster.finish(cluster.hypervisor.configure_submit(node=NODE, vmid=guest.vmid, cores=5))
    assert cluster.hypervisor.guest_config(NODE, guest.vmid).identity == guest.identity


def test_change_of_another_version_is_refused(cluster: Cluster, guest: GuestConfig) -> None:
    cluster.finish(cluster.hypervisor.configure_submit(node=NODE, vmid=guest.vmid, cores=5))
    with pytest.raises(ConfigChanged):
        raise_failure(
            cluster.finish(
                cluster.hypervisor.configure_submit(
                    node=NODE, vmid=guest.vmid, cores=6, digest=guest.digest
                )
            )
        )
    assert cluster.hypervisor.guest_config(NODE, guest.vmid).cores == 5


def raise_failure(state: TaskState) -> None:
    if state.failure is not None:
        raise state.failure


def system_disk(config: GuestConfig) -> tuple[str, int]:
    disk = next(disk for disk in config.disks if not disk.is_cdrom and disk.size_bytes)
    return disk.key, (disk.size_bytes or 0) // 2**30


def test_disk_grows_to_an_absolute_size_however_often(cluster: Cluster, guest: GuestConfig) -> None:
    key, size_gb = system_disk(guest)
    for _ in range(2):
        ref = cluster.hypervisor.resize_submit(
            node=NODE, vmid=guest.vmid, disk=key, size_gb=size_gb + 2
        )
        assert cluster.finish(ref).outcome is TaskOutcome.OK
    grown = cluster.hypervisor.guest_config(NODE, guest.vmid)
    assert system_disk(grown) == (key, size_gb + 2)


def test_disk_never_shrinks(cluster: Cluster, guest: GuestConfig) -> None:
    key, _ = system_disk(guest)
    ref = cluster.hypervisor.resize_submit(node=NODE, vmid=guest.vmid, disk=key, size_gb=1)
    assert type(cluster.finish(ref).failure) is Permanent
    assert cluster.hypervisor.guest_config(NODE, guest.vmid).disks == guest.disks


def test_started_guest_runs(hypervisor: Hypervisor, running: GuestConfig) -> None:
    assert hypervisor.guest_status(NODE, running.vmid).power is PowerState.RUNNING


def test_start_of_a_running_guest_is_already_done(cluster: Cluster, running: GuestConfig) -> None:
    ref = cluster.hypervisor.start_submit(node=NODE, vmid=running.vmid)
    assert type(cluster.finish(ref).failure) is AlreadyDone


def test_start_of_an_absent_guest_fails_as_absent(cluster: Cluster, vmid: int) -> None:
    ref = cluster.hypervisor.start_submit(node=NODE, vmid=vmid)
    assert type(cluster.finish(ref).failure) is GuestAbsent


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


def test_stopped_guest_has_no_addresses(hypervisor: Hypervisor, guest: GuestConfig) -> None:
    assert hypervisor.guest_addresses(NODE, guest.vmid) == ()


def test_running_guest_tells_its_addresses_at_last(
    hypervisor: Hypervisor, running: GuestConfig
) -> None:
    wait_until(lambda: bool(hypervisor.guest_addresses(NODE, running.vmid)))
    assert hypervisor.guest_addresses(NODE, running.vmid)[0].startswith("10.20.")


def test_addresses_of_an_absent_guest_say_so(hypervisor: Hypervisor, vmid: int) -> None:
    with pytest.raises(GuestAbsent):
        hypervisor.guest_addresses(NODE, vmid)


def test_deleted_guest_is_gone(cluster: Cluster, guest: GuestConfig) -> None:
    ref = cluster.hypervisor.delete_submit(node=NODE, vmid=guest.vmid)
    assert cluster.finish(ref).outcome is TaskOutcome.OK
    assert cluster.hypervisor.guest_find(guest.vmid) is None


def test_second_delete_finds_the_guest_absent(cluster: Cluster, guest: GuestConfig) -> None:
    cluster.finish(cluster.hypervisor.delete_submit(node=NODE, vmid=guest.vmid))
    with pytest.raises(GuestAbsent):
        cluster.hypervisor.delete_submit(node=NODE, vmid=guest.vmid)


def test_running_guest_is_not_deleted(hypervisor: Hypervisor, running: GuestConfig) -> None:
    with pytest.raises(Failed, match="is running"):
        hypervisor.delete_submit(node=NODE, vmid=running.vmid)
    assert hypervisor.guest_find(running.vmid) == NODE


def test_protected_guest_is_not_deleted(hypervisor: Hypervisor, guest: GuestConfig) -> None:
    hypervisor.protection_set(node=NODE, vmid=guest.vmid, is_protected=True)
    with pytest.raises(Permanent, match="protection"):
        hypervisor.delete_submit(node=NODE, vmid=guest.vmid)
    assert hypervisor.guest_config(NODE, guest.vmid).is_protected is True


def test_protection_is_lifted_again(hypervisor: Hypervisor, guest: GuestConfig) -> None:
    for is_protected in (True, False):
        hypervisor.protection_set(node=NODE, vmid=guest.vmid, is_protected=is_protected)
    found = hypervisor.guest_config(NODE, guest.vmid)
    assert replace(found, digest=None) == replace(guest, digest=None)
