"""What is unknown changes nothing: lost nodes, truncated and empty listings, old ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from integrations.base.errors import AccessRefused, Unavailable
from portal.kernel import clock
from portal.kernel.tenancy import PLATFORM_TENANT_ID
from provisioning.models import Deployment, Finding, Node
from provisioning.services import decisions
from provisioning.services.reconciliation import sweep
from tests.conftest import World
from tests.factories.accounts import UserFactory, actor_of
from tests.provisioning.scenes import reloaded
from tests.provisioning.twin import Twin, finding, kinds


@pytest.fixture
def twin(world: World) -> Twin:
    return Twin(world)


def looks(*rows: Deployment) -> list[tuple[object, ...]]:
    seen = [reloaded(row) for row in rows]
    return [(row.status, row.health, row.attention, row.node, row.updated_at) for row in seen]


def test_a_lost_node_makes_its_machines_unreachable_and_nothing_else(twin: Twin) -> None:
    row = twin.deployment()
    before = looks(row)
    lost = twin.listing(offline=("pve1",))
    twin.sweep(lost, times=2)
    assert kinds() == []
    twin.sweep(lost)
    assert kinds() == ["unreachable"]
    assert looks(row) == before
    assert twin.fake.writes == ()
    twin.sweep()
    assert (finding("unreachable").status, kinds("open", "suspected")) == ("resolved", [])


def test_a_node_missing_from_the_list_with_its_machines_proves_nothing(twin: Twin) -> None:
    rows = [twin.deployment(f"web-{number}") for number in range(5)]
    before = looks(*rows)
    whole = twin.listing()
    others = tuple(node for node in whole.nodes if node.name != "pve1")
    truncated = replace(whole, guests=(), nodes=others)
    twin.sweep(truncated, times=4)
    assert kinds() == ["unreachable"] * 5
    assert looks(*rows) == before


def test_too_much_vanished_stops_everything_and_clears_itself(twin: Twin) -> None:
    rows = [twin.deployment(f"web-{number}") for number in range(5)]
    twin.fake.guest_change(rows[0].vmid, cores=7)
    before = looks(*rows)
    gone = tuple(row.vmid for row in rows[1:4])
    report = twin.sweep(twin.listing(without=gone), times=5)
    assert report.doubt == "3 of 5 machines are not on the listing."
    assert kinds("open", "suspected") == ["too_much_vanished"]
    alarm = finding("too_much_vanished")
    assert (alarm.tenant_id, alarm.count) == (PLATFORM_TENANT_ID, 5)
    assert (alarm.expected["machines"], alarm.found["vmids"]) == (5, sorted(gone))
    assert looks(*rows) == before
    assert [call.method for call in twin.fake.calls if call.method != "listing"] == []
    twin.sweep()
    assert finding("too_much_vanished").status == "resolved"
    assert kinds() == ["drift"]


def test_an_empty_listing_is_never_believed(twin: Twin) -> None:
    row = twin.deployment()
    before = looks(row)
    empty = replace(twin.listing(), guests=())
    report = twin.sweep(empty, times=5)
    assert report.doubt == "1 of 1 machines are not on the listing."
    assert kinds() == ["too_much_vanished"]
    assert looks(row) == before


def test_a_few_of_many_may_vanish_and_are_proven_one_by_one(twin: Twin) -> None:
    rows = [twin.deployment(f"web-{number}") for number in range(9)]
    for row in rows[:2]:
        twin.fake.guest_remove(row.vmid)
    report = twin.sweep(times=3)
    assert (report.doubt, kinds()) == ("", ["missing", "missing"])


def test_a_loss_that_a_person_confirms_is_believed(twin: Twin) -> None:
    rows = [twin.deployment(f"web-{number}") for number in range(4)]
    for row in rows[:3]:
        twin.fake.guest_remove(row.vmid)
    assert twin.sweep().doubt
    staff = UserFactory(username="staff", is_platform_admin=True)
    decisions.finding_accept(
        actor=actor_of(staff, twin.world.north, "admin"),
        finding_id=finding("too_much_vanished").pk,
        reason="The rack burned down.",
    )
    assert twin.sweep(times=3).doubt == ""
    assert kinds() == ["missing"] * 3
    twin.sweep()
    assert finding("too_much_vanished").status == "resolved"


def test_an_old_listing_is_not_compared(twin: Twin) -> None:
    row = twin.deployment()
    twin.fake.guest_change(row.vmid, cores=7)
    asked_at = clock.now() - timedelta(seconds=61)
    report = sweep(twin.cluster, twin.listing(), twin.fake, asked_at=asked_at)
    assert report.doubt == "The listing is 61 s old."
    assert not Finding.across_tenants.exists()


@pytest.mark.parametrize("error", [Unavailable, AccessRefused])
def test_a_configuration_that_cannot_be_read_proves_nothing(
    twin: Twin, error: type[Unavailable | AccessRefused]
) -> None:
    row = twin.deployment()
    before = looks(row)
    twin.fake.replace_guest(row.vmid)
    for _ in range(3):
        twin.fake.fail_next("guest_config", error("no", provider="proxmox"))
    twin.sweep(times=3)
    assert kinds("open", "suspected") == []
    assert looks(row) == before


def test_a_row_that_changed_while_the_sweep_looked_stays_as_it_is(twin: Twin) -> None:
    row = twin.deployment()
    asked_at = clock.now()
    listing = twin.listing()
    Deployment.across_tenants.filter(pk=row.pk).update(updated_at=clock.now())
    twin.fake.replace_guest(row.vmid)
    sweep(twin.cluster, listing, twin.fake, asked_at=asked_at)
    assert reloaded(row).attention is None


def test_a_node_in_maintenance_is_missed_by_nobody(twin: Twin) -> None:
    twin.deployment()
    rows = Node.objects.using("platform").filter(cluster=twin.cluster, name="pve1")
    rows.update(is_in_maintenance=True)
    twin.sweep(twin.listing(offline=("pve1",)), times=4)
    assert kinds("open", "suspected") == []
