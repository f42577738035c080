"""Each kind of finding appears once, is counted, and goes when its condition goes; nothing is ever sent."""

from __future__ import annotations

import pytest

from audit.models import Entry
from integrations.base.errors import Unavailable
from integrations.proxmox.interface import Disk, NetworkCard, PowerState
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.tenancy import PLATFORM_TENANT_ID
from provisioning.models import Finding, GuestObservation, VmidAllocation
from provisioning.services.findings import Ledger, Sighting
from provisioning.services.listing import listing_store
from provisioning.states import FindingKind
from tests.conftest import World
from tests.provisioning.scenes import reloaded
from tests.provisioning.twin import GIB, Twin, finding, kinds


@pytest.fixture
def twin(world: World) -> Twin:
    return Twin(world)


def test_what_is_as_it_should_be_makes_no_finding_and_sends_nothing(twin: Twin) -> None:
    twin.deployment()
    report = twin.sweep(times=3)
    assert (report.changes, report.doubt, kinds("open", "suspected")) == ([], "", [])
    assert twin.fake.writes == ()


def test_missing_needs_three_listings_and_a_free_number(twin: Twin) -> None:
    row = twin.deployment()
    twin.fake.guest_remove(row.vmid)
    twin.fake.guest_add(555)
    twin.sweep(times=2)
    assert (kinds(), kinds("suspected")) == ([], ["missing"])
    twin.sweep()
    found = finding("missing")
    assert (found.status, found.count, found.tenant_id) == ("open", 3, row.tenant_id)
    assert found.deployment_id == row.pk
    shown = reloaded(row)
    assert (shown.status, shown.health) == ("running", "failed")
    assert shown.attention is not None
    assert shown.attention["code"] == "guest_missing"
    assert [call.method for call in twin.fake.calls].count("is_vmid_free") == 1
    twin.sweep()
    assert finding("missing").count == 4
    assert Entry.objects.using("platform").filter(tag="finding.opened").count() == 1
    assert twin.fake.writes == ()


def test_a_missing_machine_that_is_back_is_well_again(twin: Twin) -> None:
    row = twin.deployment()
    twin.fake.guest_remove(row.vmid)
    twin.fake.guest_add(555)
    twin.sweep(times=3)
    twin.machine(row)
    twin.sweep(times=2)
    found, shown = finding("missing"), reloaded(row)
    assert (found.status, found.resolution) == ("resolved", "gone")
    assert (shown.attention, shown.health, shown.status) == (None, "ok", "running")


def test_a_suspicion_that_passes_leaves_no_row(twin: Twin) -> None:
    row = twin.deployment()
    twin.sweep(twin.listing(without=(row.vmid,)), times=2)
    assert kinds("suspected") == ["missing"]
    twin.sweep()
    assert not Finding.across_tenants.exists()


@pytest.mark.parametrize("question", ["is_vmid_free", "has_quorum"])
def test_absence_without_proof_stays_a_suspicion(twin: Twin, question: str) -> None:
    row = twin.deployment()
    twin.fake.guest_remove(row.vmid)
    twin.fake.guest_add(555)
    for _ in range(4):
        twin.fake.fail_next(question, Unavailable("no answer", provider="proxmox"))
    twin.sweep(times=6)
    assert (kinds(), reloaded(row).attention) == ([], None)


def test_a_stranger_under_our_number_is_a_finding_and_changes_no_state(twin: Twin) -> None:
    row = twin.deployment()
    twin.fake.replace_guest(row.vmid)
    twin.sweep()
    found, shown = finding("foreign"), reloaded(row)
    assert (found.status, found.tenant_id) == ("open", row.tenant_id)
    assert found.expected["marker"] == row.marker
    assert found.found["name"] == "stranger"
    assert (shown.status, shown.health) == ("running", "failed")
    assert shown.attention is not None
    assert shown.attention["code"] == "identity_mismatch"
    assert twin.fake.writes == ()


def test_a_machine_without_our_tag_is_followed_once_its_configuration_proves_it(twin: Twin) -> None:
    row = twin.deployment()
    twin.machine(row, tags=(), pool=None, power=PowerState.STOPPED)
    twin.fake.fail_next("guest_config", Unavailable("no answer", provider="proxmox"))
    twin.sweep()
    assert reloaded(row).status == "running"
    twin.sweep()
    assert reloaded(row).status == "stopped"


DRIFTS = {
    "cores": ({"cores": 3}, {"cpu_cores": 2}, {"cpu_cores": 3}),
    "memory": ({"memory_mb": 4096}, {"memory_mb": 2048}, {"memory_mb": 4096}),
    "disk": (
        {"disks": (Disk("scsi0", "ceph-vm", "x", 32 * GIB),)},
        {"disk_gb": 20},
        {"disk_gb": 32},
    ),
    "name": ({"name": "other"}, {"name": "web-1"}, {"name": "other"}),
    "net": (
        {"nets": (NetworkCard("net0", "e1000", "AA:BB:CC:00:00:01", "vmbr1", 7),)},
        {"nets": ["net0 virtio BC:24:11:00:00:21 vmbr0"]},
        {"nets": ["net0 e1000 AA:BB:CC:00:00:01 vmbr1 vlan 7"]},
    ),
}


@pytest.mark.parametrize("what", DRIFTS)
def test_drift_shows_expected_and_found(twin: Twin, what: str) -> None:
    changes, expected, found = DRIFTS[what]
    row = twin.deployment()
    before = twin.fake.guest_config(row.node, row.vmid)
    twin.fake.guest_change(row.vmid, **changes)
    twin.sweep()
    drift = finding("drift")
    assert (drift.status, drift.expected, drift.found) == ("open", expected, found)
    twin.fake.guest_change(row.vmid, **{name: getattr(before, name) for name in changes})
    twin.sweep()
    assert (finding("drift").status, kinds()) == ("resolved", [])


def test_a_disk_that_was_larger_from_the_beginning_is_no_drift(twin: Twin) -> None:
    row = twin.deployment()
    larger = (Disk("scsi0", "ceph-vm", "x", 64 * GIB),)
    twin.fake.guest_change(row.vmid, disks=larger)
    facts = {**(row.guest_facts or {}), "disk_gb": 64}
    type(row).objects.using("platform").filter(pk=row.pk).update(guest_facts=facts)
    twin.sweep()
    assert kinds() == []


def test_an_orphan_is_the_platforms_and_says_what_it_is(twin: Twin) -> None:
    twin.deployment()
    twin.fake.guest_add(20_777, name="lost", pool="uhub", cores=4, memory_mb=1024)
    twin.fake.guest_add(101, name="mail-gateway")
    twin.sweep()
    orphan = finding("orphan")
    assert (orphan.tenant_id, orphan.vmid, orphan.status) == (PLATFORM_TENANT_ID, 20_777, "open")
    assert {name: orphan.found[name] for name in ("name", "cpu_cores", "memory_mb", "disk_gb")} == {
        "name": "lost",
        "cpu_cores": 4,
        "memory_mb": 1024,
        "disk_gb": 8,
    }
    assert kinds() == ["orphan"]
    twin.fake.guest_remove(20_777)
    twin.sweep()
    assert kinds() == []


def test_templates_are_nobodys_orphans(twin: Twin) -> None:
    twin.fake.guest_add(20_500, pool="uhub", is_template=True)
    twin.sweep()
    assert kinds() == []


def test_a_half_clone_is_shown_when_nothing_makes_it_any_more(twin: Twin) -> None:
    twin.fake.guest_add(20_600, lock="clone", pool="uhub")
    twin.sweep(times=2)
    assert kinds() == []
    twin.sweep()
    found = finding("half_clone")
    assert found.found["command"] == "qm unlock 20600 && qm destroy 20600 --purge 1"
    twin.fake.guest_change(20_600, lock=None)
    twin.sweep()
    assert finding("half_clone").status == "resolved"


def test_a_half_clone_of_ours_belongs_to_its_tenant_once_its_task_has_ended(twin: Twin) -> None:
    row = twin.deployment(status="error", ready_at=None, clone_requested_at=clock.now())
    twin.fake.guest_remove(row.vmid)
    twin.fake.polls_per_task = 1_000
    ref = twin.fake.clone_submit(
        source_node="pve1", source_vmid=9003, new_vmid=row.vmid, name=row.name, marker=row.marker
    )
    twin.sweep(times=4)
    assert kinds() == []
    twin.fake._tasks[ref.upid].message = "unexpected status"
    twin.sweep()
    found = finding("half_clone")
    assert (found.status, found.tenant_id, found.deployment_id) == ("open", row.tenant_id, row.pk)


def test_a_moved_machine_is_followed(twin: Twin) -> None:
    row = twin.deployment()
    twin.fake.guest_change(row.vmid, node="pve2")
    twin.sweep()
    assert reloaded(row).node == "pve2"
    found = finding("moved")
    assert (found.status, found.resolution) == ("resolved", "followed")
    assert (found.expected, found.found) == ({"node": "pve1"}, {"node": "pve2"})
    twin.sweep()
    assert Finding.across_tenants.count() == 1


def test_a_number_held_for_nobody_is_stale(twin: Twin) -> None:
    VmidAllocation.objects.using("platform").create(cluster=twin.cluster, vmid=20_900)
    twin.sweep(times=3)
    assert (finding("stale_vmid").vmid, finding("stale_vmid").status) == (20_900, "open")
    VmidAllocation.objects.using("platform").filter(vmid=20_900).delete()
    twin.sweep()
    assert kinds() == []


def test_a_closed_finding_stays_quiet_until_it_changes(twin: Twin) -> None:
    row = twin.deployment()
    twin.fake.guest_change(row.vmid, cores=3)
    twin.sweep()
    Finding.across_tenants.filter(kind="drift").update(status="closed", reason="known")
    twin.sweep()
    assert (finding("drift").status, finding("drift").count) == ("closed", 2)
    twin.fake.guest_change(row.vmid, cores=4)
    twin.sweep()
    assert (finding("drift").status, finding("drift").found) == ("open", {"cpu_cores": 4})
    assert Finding.across_tenants.filter(kind="drift").count() == 1


@pytest.mark.parametrize("status", ["provisioning", "starting", "stopping"])
def test_what_is_under_way_is_left_alone(twin: Twin, status: str) -> None:
    row = twin.deployment()
    type(row).objects.using("platform").filter(pk=row.pk).update(status=status)
    twin.fake.replace_guest(row.vmid)
    twin.sweep(times=3)
    assert kinds("open", "suspected") == []


def test_a_dry_run_tells_and_writes_nothing(twin: Twin) -> None:
    row = twin.deployment()
    twin.fake.guest_change(row.vmid, cores=3)
    report = twin.dry()
    assert [(line.action, line.kind, line.vmid) for line in report.changes] == [
        ("opened", "drift", row.vmid)
    ]
    assert not Finding.across_tenants.exists()
    assert reloaded(row).updated_at == row.updated_at


@pytest.mark.parametrize("count", [3, 9])
def test_quiet_machines_cost_one_listing_and_two_reads(twin: Twin, count: int) -> None:
    for number in range(count):
        twin.deployment(f"web-{number}")
    listing_store(twin.cluster, twin.listing())
    twin.fake.calls.clear()
    twin.sweep()
    assert [call.method for call in twin.fake.calls].count("listing") == 1
    assert twin.reads() == 2


def test_reads_are_bounded_and_go_round(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioning.services.reconciliation.setting_get", lambda _key: 4)
    rows = [twin.deployment(f"web-{number}") for number in range(10)]
    for row in rows:
        twin.fake.guest_change(row.vmid, cores=3)
    listing_store(twin.cluster, twin.listing())
    for swept in (4, 8, 10):
        twin.fake.calls.clear()
        twin.sweep()
        assert twin.reads() == 4
        assert Finding.across_tenants.filter(kind="drift").count() == swept
    checked = GuestObservation.objects.using("platform").exclude(checked_at=None)
    assert checked.count() == 10


def test_two_sweeps_at_once_make_one_finding(twin: Twin) -> None:
    ledgers = [Ledger(twin.cluster, now=clock.now()) for _ in range(2)]
    for ledger in ledgers:
        ledger.see(Sighting(FindingKind.ORPHAN, 20_001))
        ledger.write(actor=Actor.system("test"))
    assert Finding.across_tenants.count() == 1


def test_the_same_listing_twice_changes_only_the_count(twin: Twin) -> None:
    row = twin.deployment()
    twin.fake.guest_change(row.vmid, cores=3)
    twin.sweep()
    first = finding("drift")
    twin.sweep()
    second = finding("drift")
    assert (second.count, second.first_seen_at) == (2, first.first_seen_at)
