"""Pages and API of what is watched, of names that are out of date, and of what volumes cost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from portal.kernel import clock
from portal.kernel.tenancy import PLATFORM, tenant_scope
from portal.models import Operation, User
from provisioning.models import Deployment, DnsRecord, Finding
from tests.calls import witnessed
from tests.conftest import World
from tests.factories.provisioning import (
    ClusterFactory,
    DnsZoneFactory,
    TemplateFactory,
    VolumeFactory,
)
from tests.provisioning import paper
from tests.provisioning.test_lease_api import api


@pytest.fixture
def machine(world: World) -> Deployment:
    template = TemplateFactory(code="linux-utility", cluster=ClusterFactory())
    return paper.deployment(world, template, name="web-1", guest_uuid="known")


@pytest.fixture
def forgotten(machine: Deployment) -> Deployment:
    now = clock.now()
    Deployment.across_tenants.filter(pk=machine.pk).update(
        status="deleted", deleted_at=now, watched_until=now + timedelta(days=30)
    )
    return machine


def stale(machine: Deployment, **fields: Any) -> Finding:
    now = clock.now()
    values: dict[str, Any] = {
        "tenant_id": machine.tenant_id,
        "cluster": machine.cluster,
        "vmid": machine.vmid,
        "kind": "stale_record",
        "status": "open",
        "deployment_id": machine.pk,
        "first_seen_at": now,
        "last_seen_at": now,
        "found": {"names": ["web-1.demo.test A 10.9.9.9"]},
    }
    return Finding.objects.using(PLATFORM).create(**values | fields)


def page(person: User, address: str) -> str:
    client = Client()
    client.force_login(person)
    return client.get(address).content.decode()


def test_what_is_watched_stands_below_the_findings_of_its_own_organisation(
    world: World, forgotten: Deployment
) -> None:
    shown = page(world.people["admin"], "/findings")
    assert ("Watched" in shown, "Not seen again" in shown, "web-1" in shown) == (True, True, True)
    assert world.stranger is not None
    assert "web-1" not in page(world.stranger, "/findings")


def test_the_api_tells_what_is_watched(world: World, forgotten: Deployment) -> None:
    status, told = api(world, "admin", "get", "findings/watched")
    assert (status, [(one["name"], one["is_back"]) for one in told["results"]]) == (
        200,
        [("web-1", False)],
    )
    assert api(world, "stranger", "get", "findings/watched")[0] == 403


def test_actions_of_a_name_out_of_date_depend_on_whose_it_is(
    world: World, machine: Deployment
) -> None:
    found = stale(machine)
    told = api(world, "admin", "get", f"findings/{found.pk}")[1]
    assert told["actions"] == ["repair", "remove", "leave", "close"]
    shown = page(world.people["admin"], f"/findings/{found.pk}")
    assert all(f"{code}-dialog" in shown for code in told["actions"])


@pytest.mark.parametrize("action", ["repair", "remove", "leave", "destroy"])
@pytest.mark.parametrize("role", ["viewer", "stranger"])
def test_others_are_refused_and_nothing_changes(
    world: World, machine: Deployment, action: str, role: str
) -> None:
    found = stale(machine, kind="reappeared" if action == "destroy" else "stale_record")
    body = {"typed": str(machine.vmid)} if action == "destroy" else None
    with witnessed() as witness:
        answer = api(world, role, "post", f"findings/{found.pk}/{action}", body)
    found.refresh_from_db(using=PLATFORM)
    assert (answer[0], found.status, witness.calls) == (403, "open", [])
    assert Operation.across_tenants.count() == 0


def test_volumes_are_a_line_of_their_own_in_the_costs(world: World, machine: Deployment) -> None:
    with tenant_scope(machine.tenant_id), transaction.atomic():
        VolumeFactory(deployment=machine, name="data-1", size_gb=10, price_gb_hour="0.01")
        VolumeFactory(
            deployment=machine,
            name="data-2",
            size_gb=5,
            price_gb_hour="0.01",
            status="detached",
            slot="",
        )
    shown = page(world.people["support"], f"/deployments/{machine.pk}?tab=costs")
    assert ("1 · 10" in shown, "€73.00" in shown, "Together" in shown) == (True, True, True)


def test_a_machine_without_a_name_gets_one_from_its_tab(world: World, machine: Deployment) -> None:
    DnsZoneFactory(name="demo.test", is_default=True)
    assert "Give it its name" in page(
        world.people["support"], f"/deployments/{machine.pk}?tab=names"
    )
    status, told = api(world, "support", "post", f"deployments/{machine.pk}/dns-records/give-name")
    assert (status, told["hostname"]) == (202, "web-1.north.demo.test")
    again = api(world, "support", "post", f"cloud-pods/{machine.pk}/dns-records/give-name")
    assert (again[0], again[1]["errors"][0]["code"]) == (409, "has_name")


def test_a_zone_gives_names_to_all_machines_without(world: World, machine: Deployment) -> None:
    zone = DnsZoneFactory(name="demo.test", is_default=True)
    assert "Give a name to 1 machine" in page(world.people["admin"], "/dns")
    status, told = api(world, "admin", "post", f"dns-zones/{zone.pk}/give-names")
    assert (status, told["given"], [one["hostname"] for one in told["results"]]) == (
        200,
        1,
        ["web-1.north.demo.test"],
    )
    assert "Give a name" not in page(world.people["admin"], "/dns")


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("stranger", 404)])
def test_names_are_not_given_by_others(
    world: World, machine: Deployment, role: str, status: int
) -> None:
    DnsZoneFactory(name="demo.test", is_default=True)
    answer = api(world, role, "post", f"deployments/{machine.pk}/dns-records/give-name")
    assert (answer[0], DnsRecord.across_tenants.count()) == (status, 0)
