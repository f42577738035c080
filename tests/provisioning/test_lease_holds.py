"""A hold suspends both ends and is known to the hypervisor; maintenance and a busy machine wait, too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from audit.models import Entry
from portal.kernel import clock
from portal.kernel.errors import DomainError
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from provisioning.errors import DeploymentInvalid, OnHold, WrongState
from provisioning.models import Cluster, Deployment, Node, Template
from provisioning.services import leases, lifecycle
from provisioning.services.copies import final
from provisioning.services.expiry import expiry_sweep
from tests.conftest import Cloud, World
from tests.engine import run_until_idle
from tests.factories.provisioning import ClusterFactory, TemplateFactory
from tests.provisioning import paper, scenes
from tests.provisioning.scenes import reloaded

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def template(world: World) -> Template:
    return TemplateFactory(code="linux-utility", cluster=ClusterFactory())


def held(world: World, row: Deployment, reason: str = "", role: str = "ops") -> None:
    with tenant_scope(world.north.pk):
        leases.deployment_hold(
            actor=world.actor(role), deployment_id=row.pk, hold=True, reason=reason
        )


def released(world: World, row: Deployment) -> None:
    with tenant_scope(world.north.pk):
        leases.deployment_hold(actor=world.actor("ops"), deployment_id=row.pk, hold=False)


def ended(world: World, template: Template, **fields: Any) -> Deployment:
    """A stopped deployment whose deletion is due and was warned of."""
    past = clock.now() - HOUR
    values = {"status": "stopped", "expires_at": past, "expired_at": past, "delete_after": past}
    row = paper.deployment(world, template, **values | fields)
    paper.warned(row)
    return row


def is_protected(cloud: Cloud, row: Deployment) -> bool:
    vm = cloud.simulator.vm(row.vmid)
    assert vm is not None
    return str(vm["config"].get("protection", 0)) == "1"


# --- on paper --------------------------------------------------------------------------------------


def test_a_hold_names_its_reason_and_moves_nothing(world: World, template: Template) -> None:
    row = paper.deployment(world, template)
    held(world, row, "Evidence for the audit")
    stored = reloaded(row)
    assert (stored.hold, stored.hold_reason, stored.lease_version) == (
        True,
        "Evidence for the audit",
        1,
    )
    assert stored.expires_at == row.expires_at
    entry = Entry.objects.using("platform").get(target_id=str(row.pk))
    assert (entry.tag, entry.detail) == ("pod.held", {"message": "Evidence for the audit"})


def test_the_lease_stands_still_while_it_is_held(world: World, template: Template) -> None:
    row = paper.deployment(world, template, expires_at=clock.now() + 10 * HOUR)
    held(world, row)
    with clock.travelled(5 * DAY):
        expiry_sweep()
        assert reloaded(row).expired_at is None
        released(world, row)
    stored = reloaded(row)
    assert stored.lease_version == 2
    assert 5 * DAY <= stored.expires_at - row.expires_at < 5 * DAY + HOUR


def test_the_grace_stands_still_while_it_is_held(world: World, template: Template) -> None:
    row = ended(world, template, delete_after=clock.now() + HOUR)
    held(world, row)
    with clock.travelled(5 * DAY):
        expiry_sweep()
        assert reloaded(row).status == "stopped"
        released(world, row)
        expiry_sweep()
        assert reloaded(row).status == "stopped"
    moved = reloaded(row)
    assert moved.expires_at == row.expires_at
    assert 5 * DAY <= moved.delete_after - row.delete_after < 5 * DAY + HOUR


def test_what_is_released_after_its_end_is_warned_of_anew_before_it_goes(
    world: World, template: Template
) -> None:
    row = ended(world, template, hold=True)
    released(world, row)
    expiry_sweep()
    assert reloaded(row).status == "stopped"
    assert reloaded(row).delete_after > clock.now() + 23 * HOUR


def test_holding_twice_keeps_the_first_moment(world: World, template: Template) -> None:
    row = paper.deployment(world, template)
    held(world, row, "One")
    since = reloaded(row).held_at
    held(world, row, "Two")
    assert (reloaded(row).held_at, reloaded(row).hold_reason) == (since, "Two")
    assert Operation.across_tenants.filter(type="pod.protect").count() == 1


@pytest.mark.parametrize("ask", [lifecycle.deployment_delete, final.delete_after_backup])
@pytest.mark.parametrize(
    ("reason", "why"), [("Evidence", r"on hold \(Evidence\)\."), ("", r"on hold\.")]
)
def test_what_is_held_is_not_deleted_and_the_way_out_is_named(
    world: World, template: Template, ask: Callable[..., object], reason: str, why: str
) -> None:
    row = paper.deployment(world, template, ready_at=clock.now())
    held(world, row, reason)
    with (
        tenant_scope(world.north.pk),
        pytest.raises(OnHold, match=why + " Who manages .* can lift the hold") as refused,
    ):
        ask(actor=world.actor("support"), deployment_id=row.pk)
    assert refused.value.data == {"reason": reason}
    assert Operation.across_tenants.exclude(type="pod.protect").count() == 0
    assert reloaded(row).status == "running"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"hold": True, "hold_reason": "x" * 201}, DeploymentInvalid),
        ({"hold_reason": "why"}, DeploymentInvalid),
    ],
)
def test_a_hold_is_asked_for_in_one_way(
    world: World, template: Template, changes: dict[str, Any], error: type[DomainError]
) -> None:
    row = paper.deployment(world, template)
    with tenant_scope(world.north.pk), pytest.raises(error) as refused:
        lifecycle.deployment_change(actor=world.actor("ops"), deployment_id=row.pk, **changes)
    assert refused.value.faults[0].field == "hold_reason"
    assert reloaded(row).hold is False


def test_what_is_being_deleted_is_not_held(world: World, template: Template) -> None:
    row = paper.deployment(world, template, status="deleting")
    with pytest.raises(WrongState):
        held(world, row)


# --- maintenance and busy machines -------------------------------------------------------------------


def of_the_cluster(row: Deployment, *, is_on: bool) -> None:
    Cluster.objects.using("platform").filter(pk=row.cluster_id).update(
        is_in_maintenance=is_on, maintenance_reason="New memory"
    )


def of_the_node(row: Deployment, *, is_on: bool) -> None:
    Node.objects.using("platform").update_or_create(
        cluster_id=row.cluster_id,
        name=row.node,
        defaults={"is_in_maintenance": is_on, "maintenance_reason": "New memory"},
    )


@pytest.mark.parametrize("switch", [of_the_cluster, of_the_node])
def test_both_ends_wait_for_maintenance(
    world: World, template: Template, switch: Callable[..., None]
) -> None:
    to_stop = paper.deployment(world, template, expires_at=clock.now() - HOUR)
    to_delete = ended(world, template)
    switch(to_stop, is_on=True)
    expiry_sweep()
    assert [reloaded(row).status for row in (to_stop, to_delete)] == ["running", "stopped"]
    assert reloaded(to_stop).expired_at is None
    switch(to_stop, is_on=False)
    expiry_sweep()
    assert [reloaded(row).status for row in (to_stop, to_delete)] == ["stopping", "deleting"]


@pytest.mark.parametrize("status", ["starting", "stopping", "provisioning"])
def test_a_deletion_waits_for_what_is_under_way(
    world: World, template: Template, status: str
) -> None:
    row = ended(world, template, status=status)
    expiry_sweep()
    assert reloaded(row).status == status


# --- on the hypervisor -------------------------------------------------------------------------------


def test_a_hold_protects_the_machine_until_it_is_lifted(cloud: Cloud) -> None:
    row = scenes.running(cloud)
    held(cloud.world, row)
    run_until_idle()
    assert (is_protected(cloud, row), reloaded(row).is_protected) == (True, True)
    released(cloud.world, row)
    run_until_idle()
    assert (is_protected(cloud, row), reloaded(row).is_protected) == (False, False)
    tags = Entry.objects.using("platform").filter(tag="pod.protection")
    assert [entry.after for entry in tags.order_by("seq")] == [
        {"is_protected": True},
        {"is_protected": False},
    ]


def test_a_deletion_right_after_the_release_succeeds(cloud: Cloud) -> None:
    """The deletion cancels what waits, the end of the protection too, and lifts it itself."""
    row = scenes.running(cloud)
    held(cloud.world, row)
    run_until_idle()
    released(cloud.world, row)
    scenes.acted(cloud, row, "delete")
    run_until_idle()
    assert (reloaded(row).status, cloud.simulator.vm(row.vmid)) == ("deleted", None)


def test_a_protection_that_somebody_else_set_is_left_alone(cloud: Cloud) -> None:
    row = scenes.running(cloud)
    path = f"/nodes/{row.node}/qemu/{row.vmid}/config"
    assert cloud.simulator.api("PUT", path, {"protection": 1}).status_code == 200
    for act in (held, released):
        act(cloud.world, row)
        run_until_idle()
    assert (is_protected(cloud, row), reloaded(row).is_protected) == (True, False)


def test_a_strangers_machine_is_never_protected(cloud: Cloud) -> None:
    row = scenes.running(cloud)
    cloud.simulator.foreign_vm(row.vmid)
    held(cloud.world, row)
    run_until_idle()
    operation = Operation.across_tenants.filter(type="pod.protect").latest("pk")
    assert (operation.status, operation.attention["code"]) == ("failed", "identity_mismatch")
    assert not is_protected(cloud, row)
    assert (reloaded(row).status, reloaded(row).attention["code"]) == (
        "running",
        "identity_mismatch",
    )
