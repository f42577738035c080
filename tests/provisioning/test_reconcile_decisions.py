"""What people decide: forget, accept, adopt, set again, close; and who may."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import pytest
from django.db import connections, transaction

from audit.models import Entry
from billing.models import Quota
from billing.selectors.quotas import quota_used
from integrations.proxmox.interface import Disk, NetworkCard
from integrations.services import hypervisors
from portal.kernel.authz import Actor
from portal.kernel.errors import Conflict, DomainError, InvalidInput, NotFound, Refused
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from provisioning.errors import DeploymentInvalid, OnHold
from provisioning.models import Deployment, VmidAllocation
from provisioning.services import decisions
from provisioning.services.adoption import AdoptionRequest, finding_adopt
from tests.conftest import World
from tests.engine import run_until_idle
from tests.factories.accounts import UserFactory, actor_of
from tests.provisioning.scenes import quota_is_true, reloaded
from tests.provisioning.twin import Twin, finding, kinds

REASON = "Seen on site."


@pytest.fixture
def twin(world: World, monkeypatch: pytest.MonkeyPatch) -> Twin:
    built = Twin(world)
    monkeypatch.setattr(hypervisors, "_connect", lambda _connection: built.fake)
    hypervisors.hypervisors_forget()
    return built


@pytest.fixture(autouse=True)
def _forget(twin: Twin) -> Any:
    yield
    hypervisors.hypervisors_forget()


@pytest.fixture
def staff(world: World) -> Actor:
    user = UserFactory(username="staff", is_platform_admin=True)
    return actor_of(user, world.north, "admin")


def ops(twin: Twin) -> Actor:
    return twin.world.actor("ops")


def scoped(twin: Twin) -> Any:
    return tenant_scope(twin.world.north.pk)


def missing(twin: Twin) -> Deployment:
    row = twin.deployment()
    twin.fake.guest_remove(row.vmid)
    twin.fake.guest_add(555)
    twin.sweep(times=3)
    return row


def drifted(twin: Twin, **changes: Any) -> Deployment:
    row = twin.deployment()
    twin.fake.guest_change(row.vmid, **(changes or {"cores": 3, "name": "other"}))
    twin.sweep()
    return row


def adoption(name: str = "lost-1", **more: str) -> AdoptionRequest:
    values = {"tenant": "north", "owner": "ops-north", "template": "twin-linux", "name": name}
    return AdoptionRequest(**(values | more))


def orphaned(twin: Twin) -> UUID:
    twin.fake.guest_add(20_777, name="lost", pool="uhub", cores=4, description="Ask Kim.")
    twin.sweep()
    return finding("orphan").pk


def test_to_forget_releases_everything_and_sends_nothing(twin: Twin) -> None:
    row = missing(twin)
    with scoped(twin):
        found = decisions.finding_forget(
            actor=ops(twin), finding_id=finding("missing").pk, reason=REASON
        )
    assert (found.status, found.resolution, found.decided_by) == (
        "resolved",
        "forgotten",
        "ops-north",
    )
    gone = reloaded(row)
    assert (gone.status, gone.attention) == ("deleted", None)
    number = VmidAllocation.objects.using("platform").get(vmid=row.vmid)
    assert number.quarantined_until is not None
    assert quota_is_true(twin.world)
    entry = Entry.objects.using("platform").get(tag="pod.forgotten")
    assert entry.detail == {"reason": REASON, "kind": "missing"}
    assert twin.fake.writes == ()


def test_a_forgotten_machine_that_is_back_is_told(twin: Twin) -> None:
    row = missing(twin)
    with scoped(twin):
        decisions.finding_forget(actor=ops(twin), finding_id=finding("missing").pk, reason=REASON)
    twin.machine(row)
    twin.sweep()
    back = finding("reappeared")
    assert (back.status, back.tenant_id, back.deployment_id) == ("open", row.tenant_id, row.pk)
    assert back.expected["deployment"] == "web-1"
    assert kinds() == ["reappeared"]
    assert reloaded(row).status == "deleted"


def test_to_forget_needs_a_reason_and_no_hold(twin: Twin) -> None:
    row = missing(twin)
    key = {"actor": ops(twin), "finding_id": finding("missing").pk}
    with scoped(twin):
        with pytest.raises(InvalidInput):
            decisions.finding_forget(**key, reason="  ")
        for told, why in (("", r"on hold\. Who"), ("Evidence", r"on hold \(Evidence\)\. Who")):
            Deployment.across_tenants.filter(pk=row.pk).update(hold=True, hold_reason=told)
            with pytest.raises(OnHold, match=why):
                decisions.finding_forget(**key, reason=REASON)
    assert (reloaded(row).status, kinds()) == ("running", ["missing"])


def test_what_is_out_of_reach_is_forgotten_by_platform_staff_alone(
    twin: Twin, staff: Actor
) -> None:
    row = twin.deployment()
    twin.sweep(twin.listing(offline=("pve1",)), times=3)
    key = finding("unreachable").pk
    with scoped(twin):
        with pytest.raises(Refused):
            decisions.finding_forget(actor=ops(twin), finding_id=key, reason=REASON)
        assert reloaded(row).status == "running"
        decisions.finding_forget(actor=staff, finding_id=key, reason=REASON)
    assert reloaded(row).status == "deleted"


def test_to_accept_a_drift_takes_figures_quota_and_price(twin: Twin) -> None:
    row = drifted(twin)
    with scoped(twin):
        decisions.finding_accept(actor=ops(twin), finding_id=finding("drift").pk)
    now = reloaded(row)
    assert (now.cpu_cores, now.memory_mb, now.disk_gb) == (3, 2048, 20)
    assert now.price_hour > row.price_hour
    assert (now.guest_facts or {})["name"] == "other"
    assert quota_is_true(twin.world)
    twin.sweep()
    assert kinds() == []


def test_to_accept_beyond_the_quota_is_refused(twin: Twin) -> None:
    row = drifted(twin)
    Quota.objects.using("platform").create(
        tenant=twin.world.north, deployments=9, cpu_cores=2, memory_mb=9999, disk_gb=999
    )
    with scoped(twin), pytest.raises(DomainError, match="Over quota"):
        decisions.finding_accept(actor=ops(twin), finding_id=finding("drift").pk)
    assert (reloaded(row).cpu_cores, kinds()) == (2, ["drift"])


def test_to_set_again_writes_our_figures_and_ends_the_finding(twin: Twin) -> None:
    row = drifted(twin)
    with scoped(twin):
        decisions.finding_reapply(actor=ops(twin), finding_id=finding("drift").pk)
    run_until_idle()
    config = twin.fake.guest_config(row.node, row.vmid)
    assert (config.cores, config.name, config.marker) == (2, "web-1", row.marker)
    assert [call.method for call in twin.fake.writes] == ["configure_submit"]
    assert (finding("drift").status, finding("drift").resolution) == ("resolved", "reapplied")
    assert (reloaded(row).attention or {})["code"] == "restart_needed"
    twin.sweep()
    assert kinds() == []


def test_to_set_again_is_fenced(twin: Twin) -> None:
    row = drifted(twin)
    with scoped(twin):
        decisions.finding_reapply(actor=ops(twin), finding_id=finding("drift").pk)
    twin.fake.replace_guest(row.vmid)
    run_until_idle()
    assert twin.fake.writes == ()
    assert (reloaded(row).attention or {})["code"] == "identity_mismatch"


CANNOT = {
    "nets": ({"nets": (NetworkCard("net0", "e1000", None, "vmbr9"),)}, "network cards"),
    "disk": ({"disks": (Disk("scsi0", "ceph-vm", "x", 99 * 2**30),)}, "cannot shrink"),
}


@pytest.mark.parametrize("what", CANNOT)
def test_what_cannot_be_set_again_says_so(twin: Twin, what: str) -> None:
    changes, words = CANNOT[what]
    drifted(twin, **changes)
    with scoped(twin), pytest.raises(Conflict, match=words):
        decisions.finding_reapply(actor=ops(twin), finding_id=finding("drift").pk)
    assert not Operation.across_tenants.exists()


def test_to_adopt_makes_a_deployment_on_hold_and_writes_only_marker_and_tags(
    twin: Twin, staff: Actor
) -> None:
    key = orphaned(twin)
    with scoped(twin):
        row, _operation = finding_adopt(actor=staff, finding_id=key, request=adoption())
    run_until_idle()
    made = reloaded(row)
    assert (made.status, made.hold, made.vmid, made.cpu_cores) == ("stopped", True, 20_777, 4)
    assert (made.owner_id, made.tenant_id) == (
        twin.world.people["ops"].pk,
        twin.world.north.pk,
    )
    config = twin.fake.guest_config("pve1", 20_777)
    assert (config.marker, config.uuid) == (made.marker, made.guest_uuid)
    assert config.description == f"{made.marker}\nAsk Kim."
    assert {call.method for call in twin.fake.writes} == {"configure_submit", "protection_set"}
    assert quota_is_true(twin.world)
    twin.sweep()
    assert kinds() == []


def test_adoption_of_another_machine_than_the_chosen_one_writes_nothing(
    twin: Twin, staff: Actor
) -> None:
    key = orphaned(twin)
    with scoped(twin):
        row, _operation = finding_adopt(actor=staff, finding_id=key, request=adoption())
    twin.fake.replace_guest(20_777)
    run_until_idle()
    assert twin.fake.writes == ()
    assert reloaded(row).status == "deleted"
    assert quota_is_true(twin.world)
    twin.sweep()
    assert kinds() == ["orphan"]


def test_two_adoptions_at_once_make_one_deployment(twin: Twin, staff: Actor) -> None:
    key = orphaned(twin)
    gate = threading.Barrier(2)
    ends: list[str] = []

    def adopt(name: str) -> None:
        try:
            gate.wait()
            with scoped(twin):
                finding_adopt(actor=staff, finding_id=key, request=adoption(name))
            ends.append("made")
        except Conflict as error:
            ends.append(error.error_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=adopt, args=(f"lost-{n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["finding_ended", "made"]
    assert Deployment.across_tenants.filter(vmid=20_777).count() == 1
    assert Operation.across_tenants.filter(type="pod.adopt").count() == 1


def test_adoption_names_all_faults_at_once(twin: Twin, staff: Actor) -> None:
    key = orphaned(twin)
    wrong = adoption("No!", tenant="nobody", template="none", owner="ghost")
    with scoped(twin), pytest.raises(DeploymentInvalid) as caught:
        finding_adopt(actor=staff, finding_id=key, request=wrong)
    assert [fault.field for fault in caught.value.faults] == ["name", "tenant", "template", "owner"]
    with scoped(twin), transaction.atomic():
        assert quota_used(twin.world.north.pk).deployments == 0
    assert kinds() == ["orphan"]


def test_a_stale_number_is_released_into_quarantine(twin: Twin, staff: Actor) -> None:
    VmidAllocation.objects.using("platform").create(
        cluster=twin.cluster, vmid=20_900, is_blocked=True
    )
    twin.sweep(times=3)
    decisions.finding_accept(actor=staff, finding_id=finding("stale_vmid").pk)
    number = VmidAllocation.objects.using("platform").get(vmid=20_900)
    assert (number.is_blocked, number.quarantined_until is None) == (False, False)
    twin.sweep()
    assert kinds() == []


def test_findings_belong_to_their_tenant(twin: Twin) -> None:
    drifted(twin)
    key = finding("drift").pk
    south = actor_of(UserFactory(username="ops-south"), twin.world.south, "ops")
    with tenant_scope(twin.world.south.pk), pytest.raises(NotFound):
        decisions.finding_close(actor=south, finding_id=key, reason=REASON)
    orphaned(twin)
    with scoped(twin), pytest.raises(NotFound):
        decisions.finding_close(actor=ops(twin), finding_id=finding("orphan").pk, reason=REASON)
    assert kinds() == ["drift", "orphan"]


def test_an_action_that_does_not_fit_the_kind_is_refused(twin: Twin, staff: Actor) -> None:
    drifted(twin)
    key = finding("drift").pk
    with scoped(twin), pytest.raises(Conflict) as caught:
        decisions.finding_forget(actor=staff, finding_id=key, reason=REASON)
    assert caught.value.error_code == "wrong_action"
    with scoped(twin), pytest.raises(Conflict):
        finding_adopt(actor=staff, finding_id=key, request=adoption())
    assert kinds() == ["drift"]
