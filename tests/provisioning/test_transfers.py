"""Machines that change hands: whom it takes, what follows, and books that stay right."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connections, transaction

from audit.models import Entry
from billing.errors import QuotaExceeded
from billing.models import Quota
from billing.selectors.quotas import quota_recomputed, quota_used
from billing.services.quotas import quota_reserve
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.errors import Conflict, InvalidInput, NotFound, Refused
from portal.kernel.tenancy import PLATFORM, tenant_scope
from portal.models import Notification, Operation
from provisioning.models import Bootstrap, Deployment, OwnershipTransfer, Template, Volume
from provisioning.services.lifecycle import deployment_stop
from provisioning.services.moves import deployment_move, followers
from provisioning.services.transfers import (
    deployment_transfer,
    transfer_accept,
    transfer_decline,
    transfer_withdraw,
    transfers_expire,
)
from tests.conftest import Cloud, World
from tests.factories.provisioning import DeploymentFactory, TemplateFactory, VolumeFactory
from tests.provisioning import scenes
from tests.provisioning.test_races import at_once

STAFF = Actor.system("staff")


@pytest.fixture
def machine(world: World) -> Deployment:
    return held(world)


def held(world: World, **values: object) -> Deployment:
    """A machine of `north` whose quota is reserved, as its creation did."""
    owner = world.people["support"]
    values.setdefault("template", Template.objects.using(PLATFORM).first() or TemplateFactory())
    with tenant_scope(world.north.pk), transaction.atomic():
        row: Deployment = DeploymentFactory(
            tenant=world.north, owner=owner, status="running", **values
        )
        quota_reserve(actor=STAFF, tenant_id=world.north.pk, subject_id=row.pk, amounts=row.amounts)
    return row


def owner_of(row: Deployment) -> str:
    return Deployment.across_tenants.select_related("owner").get(pk=row.pk).owner.username


def offered(world: World, row: Deployment, *, by: str = "support", to: str = "ops") -> UUID:
    with tenant_scope(world.north.pk):
        _, offer = deployment_transfer(
            actor=world.actor(by), deployment_id=row.pk, to_user_id=world.people[to].pk
        )
    return offer.pk


def moved(world: World, row: Deployment, reason: str = "Sold to South") -> Deployment:
    with tenant_scope(world.north.pk):
        return deployment_move(
            actor=STAFF,
            deployment_id=row.pk,
            to_tenant_id=world.south.pk,
            to_user_id=world.stranger.pk if world.stranger else "",
            reason=reason,
        )


def books(tenant_id: UUID) -> bool:
    with tenant_scope(tenant_id), transaction.atomic():
        return quota_used(tenant_id) == quota_recomputed(tenant_id)


def used(tenant_id: UUID) -> int:
    with tenant_scope(tenant_id), transaction.atomic():
        return quota_used(tenant_id).deployments


def test_an_offer_changes_nothing_until_it_is_accepted(world: World, machine: Deployment) -> None:
    offer = offered(world, machine)
    assert owner_of(machine) == "support-north"
    with tenant_scope(world.north.pk):
        transfer_accept(actor=world.actor("ops"), transfer_id=offer)
    assert owner_of(machine) == "ops-north"


def test_the_receiver_and_then_the_giver_are_told(world: World, machine: Deployment) -> None:
    offer = offered(world, machine)
    with tenant_scope(world.north.pk):
        transfer_accept(actor=world.actor("ops"), transfer_id=offer)
    told = Notification.objects.using(PLATFORM).order_by("created_at")
    assert [(one.kind, one.user.username) for one in told.select_related("user")] == [
        ("transfer.offered", "ops-north"),
        ("transfer.settled", "support-north"),
    ]


def test_nobody_but_the_receiver_answers(world: World, machine: Deployment) -> None:
    offer = offered(world, machine)
    for role in ("support", "admin"):
        with tenant_scope(world.north.pk), pytest.raises(Refused):
            transfer_accept(actor=world.actor(role), transfer_id=offer)
    assert owner_of(machine) == "support-north"


def test_who_manages_all_machines_hands_over_at_once(world: World, machine: Deployment) -> None:
    offered(world, machine, by="admin")
    assert owner_of(machine) == "ops-north"
    assert OwnershipTransfer.across_tenants.get().status == "accepted"


def test_a_declined_offer_may_be_made_anew(world: World, machine: Deployment) -> None:
    offer = offered(world, machine)
    with tenant_scope(world.north.pk):
        transfer_decline(actor=world.actor("ops"), transfer_id=offer, reason="Too large")
    assert owner_of(machine) == "support-north"
    offered(world, machine)
    assert OwnershipTransfer.across_tenants.filter(status="pending").count() == 1


def test_two_offers_at_a_time_are_one_too_many(world: World, machine: Deployment) -> None:
    offered(world, machine)
    with pytest.raises(Conflict) as caught:
        offered(world, machine)
    assert caught.value.error_code == "transfer_pending"


def test_a_withdrawn_offer_cannot_be_accepted(world: World, machine: Deployment) -> None:
    offer = offered(world, machine)
    with tenant_scope(world.north.pk):
        transfer_withdraw(actor=world.actor("support"), transfer_id=offer)
        with pytest.raises(Conflict):
            transfer_accept(actor=world.actor("ops"), transfer_id=offer)


def test_an_offer_ends_by_itself(world: World, machine: Deployment) -> None:
    offer = offered(world, machine)
    with clock.travelled(timedelta(days=8)):
        with tenant_scope(world.north.pk), pytest.raises(Conflict):
            transfer_accept(actor=world.actor("ops"), transfer_id=offer)
        transfers_expire()
    assert OwnershipTransfer.across_tenants.get().status == "expired"
    assert owner_of(machine) == "support-north"


@pytest.mark.parametrize("role", ["viewer", "projets"])
def test_who_may_not_operate_cannot_be_given_one(
    world: World, machine: Deployment, role: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        offered(world, machine, to=role)
    assert caught.value.faults[0].field == "owner_id"
    assert not OwnershipTransfer.across_tenants.exists()


def test_another_organisation_s_machine_is_not_there(world: World, machine: Deployment) -> None:
    with tenant_scope(world.south.pk), pytest.raises(NotFound):
        deployment_transfer(
            actor=world.outsider(), deployment_id=machine.pk, to_user_id=world.people["ops"].pk
        )
    assert owner_of(machine) == "support-north"


def test_everything_of_a_machine_goes_along(world: World, machine: Deployment) -> None:
    Bootstrap.objects.using(PLATFORM).create(
        tenant_id=world.north.pk, deployment_id=machine.pk, document="packages: [nginx]"
    )
    moved(world, machine)
    row = Deployment.across_tenants.get(pk=machine.pk)
    assert (row.tenant_id, row.owner_id) == (world.south.pk, world.outsider().user_id)
    assert Bootstrap.across_tenants.get().tenant_id == world.south.pk
    assert (used(world.north.pk), used(world.south.pk)) == (0, 1)
    assert books(world.north.pk)
    assert books(world.south.pk)


def test_every_reference_to_a_machine_follows_it(world: World) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND "
            "confrelid = 'provisioning_deployment'::regclass AND confupdtype <> 'c'"
        )
        assert cursor.fetchall() == []
        cursor.execute(
            "SELECT DISTINCT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f' "
            "AND confrelid = 'provisioning_deployment'::regclass"
        )
        tables = {row[0] for row in cursor.fetchall()}
    assert {model._meta.db_table for model in followers()} == tables


def test_both_organisations_read_of_it(world: World, machine: Deployment) -> None:
    moved(world, machine)
    rows = Entry.objects.using(PLATFORM).filter(target_id=str(machine.pk))
    assert sorted((one.tag, one.tenant_id) for one in rows) == [
        ("pod.joined_organisation", world.south.pk),
        ("pod.left_organisation", world.north.pk),
    ]


def test_it_comes_back_as_it_went(world: World, machine: Deployment) -> None:
    moved(world, machine)
    with tenant_scope(world.south.pk):
        deployment_move(
            actor=STAFF,
            deployment_id=machine.pk,
            to_tenant_id=world.north.pk,
            to_user_id=world.people["ops"].pk,
            reason="The sale fell through",
        )
    assert (used(world.north.pk), used(world.south.pk)) == (1, 0)
    assert books(world.north.pk)
    assert books(world.south.pk)


def test_a_receiver_without_room_is_named_the_dimension(world: World, machine: Deployment) -> None:
    Quota.objects.using(PLATFORM).create(tenant_id=world.south.pk, cpu_cores=0)
    with pytest.raises(QuotaExceeded) as caught:
        moved(world, machine)
    assert [one["dimension"] for one in caught.value.data["verdicts"]] == ["cpu_cores"]
    assert Deployment.across_tenants.get(pk=machine.pk).tenant_id == world.north.pk
    assert (used(world.north.pk), used(world.south.pk)) == (1, 0)


def test_a_name_that_is_taken_there_stops_it(world: World, machine: Deployment) -> None:
    with tenant_scope(world.south.pk), transaction.atomic():
        DeploymentFactory(
            tenant=world.south,
            owner=world.stranger,
            name=machine.name,
            template=machine.template,
        )
    with pytest.raises(Conflict) as caught:
        moved(world, machine)
    assert caught.value.error_code == "name_taken"
    assert (used(world.north.pk), used(world.south.pk)) == (1, 0)


def test_what_is_under_way_stops_it(world: World, machine: Deployment) -> None:
    with tenant_scope(world.north.pk):
        deployment_stop(actor=world.actor("support"), deployment_id=machine.pk)
    with pytest.raises(Conflict):
        moved(world, machine)
    assert Operation.across_tenants.filter(type="pod.stop").count() == 1
    assert Deployment.across_tenants.get(pk=machine.pk).tenant_id == world.north.pk


@pytest.mark.parametrize("role", ["admin", "ops", "support"])
def test_nobody_but_platform_staff_moves_it(world: World, machine: Deployment, role: str) -> None:
    with tenant_scope(world.north.pk), pytest.raises(Refused):
        deployment_move(
            actor=world.actor(role),
            deployment_id=machine.pk,
            to_tenant_id=world.south.pk,
            to_user_id=world.outsider().user_id or "",
            reason="Sold to South",
        )
    assert Deployment.across_tenants.get(pk=machine.pk).tenant_id == world.north.pk


def test_moves_and_creations_at_once_leave_the_books_right(cloud: Cloud) -> None:
    world = cloud.world
    Quota.objects.using(PLATFORM).create(tenant_id=world.north.pk, deployments=12)
    Quota.objects.using(PLATFORM).create(tenant_id=world.south.pk, deployments=4)
    machines = [held(world, cluster=cloud.cluster, vmid=30_000 + n) for n in range(6)]

    def act(number: int) -> None:
        if number < len(machines):
            moved(world, machines[number])
        else:
            scenes.requested(cloud, f"web-{number}")

    results = at_once(12, act)
    assert results == {"ok": 10, "QuotaExceeded": 2}
    assert (used(world.north.pk), used(world.south.pk)) == (8, 4)
    assert books(world.north.pk)
    assert books(world.south.pk)


def test_two_moves_of_one_machine_are_one(world: World, machine: Deployment) -> None:
    results = at_once(4, lambda _: moved(world, machine))
    assert results["ok"] == 1
    assert (used(world.north.pk), used(world.south.pk)) == (0, 1)
    assert books(world.south.pk)


def test_disks_that_are_plugged_in_go_along_and_others_stay(
    world: World, machine: Deployment
) -> None:
    common = {"tenant": world.north, "deployment": machine, "cluster": machine.cluster}
    with tenant_scope(world.north.pk), transaction.atomic():
        owner = world.people["support"]
        plugged = VolumeFactory(status="attached", name="data", owner=owner, **common)
        loose = VolumeFactory(status="detached", name="old", owner=owner, **common)
    moved(world, machine)
    rows = Volume.across_tenants.in_bulk([plugged.pk, loose.pk])
    assert (rows[plugged.pk].tenant_id, rows[plugged.pk].owner_id) == (
        world.south.pk,
        world.outsider().user_id,
    )
    assert (rows[loose.pk].tenant_id, rows[loose.pk].deployment_id) == (world.north.pk, None)
