"""Names, zones and name servers over HTTP: who sees what, and what is refused with which words."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from portal.kernel.authz import Actor
from portal.kernel.errors import Refused
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from provisioning.errors import DeploymentInvalid
from provisioning.models import Deployment, DnsRecord, DnsZone
from provisioning.services.dns import servers
from tests.conftest import Cloud, World
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.names import names_made, zones_made
from tests.factories.provisioning import DnsServerFactory, DnsZoneFactory
from tests.provisioning.scenes import requested

ROOT = "/api/deployments"


@pytest.fixture
def machine(cloud: Cloud) -> Deployment:
    """A machine in a default zone, with the names of a picture."""
    deployment = requested(cloud, "lab")
    names_made(zones_made(), deployment)
    return deployment


def client_of(world: World, role: str = "ops") -> Client:
    client = Client()
    client.force_login(world.people[role] if role != "outsider" else world.stranger)
    return client


def asked(client: Client, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    options = {"content_type": "application/json", "headers": {"accept": "application/json"}}
    more = (body or {},) if method in {"post", "patch"} else ()
    answer = getattr(client, method)(path, *more, **options)
    return answer.status_code, answer.json()


def faults(body: Any) -> list[tuple[str, str]]:
    return [(error["attr"], error["code"]) for error in body["errors"]]


def test_both_addresses_show_the_same_names(machine: Deployment, cloud: Cloud) -> None:
    client = client_of(cloud.world, "viewer")
    first = asked(client, "get", f"{ROOT}/{machine.pk}/dns-records")
    second = asked(client, "get", f"/api/cloud-pods/{machine.pk}/dns-records")
    assert first == second
    shown = [(one["hostname"], one["type"], one["status"]) for one in first[1]["results"]]
    assert shown == [
        ("api.demo.uhub.local", "A", "error"),
        ("www.demo.uhub.local", "A", "pending"),
        ("lab.demo.uhub.local", "PTR", "active"),
        ("lab.demo.uhub.local", "A", "active"),
    ]


def test_another_organisations_names_are_absent(machine: Deployment, cloud: Cloud) -> None:
    client, record = client_of(cloud.world, "outsider"), DnsRecord.across_tenants.first()
    before = list(DnsRecord.across_tenants.order_by("pk").values())
    found = [
        asked(client, "get", f"{ROOT}/{machine.pk}/dns-records")[0],
        asked(client, "get", f"{ROOT}/{machine.pk}/dns-records/{record.pk}")[0],
        asked(client, "delete", f"{ROOT}/{machine.pk}/dns-records/{record.pk}")[0],
        asked(client, "post", f"{ROOT}/{machine.pk}/dns-records", {"hostname": "x"})[0],
    ]
    assert found == [404, 404, 404, 404]
    assert list(DnsRecord.across_tenants.order_by("pk").values()) == before


def test_an_own_zone_is_nobody_elses(cloud: Cloud) -> None:
    zone = DnsZoneFactory(name="north.test", organisation=cloud.world.north)
    mine, theirs = client_of(cloud.world), client_of(cloud.world, "outsider")
    assert [one["name"] for one in asked(mine, "get", "/api/dns-zones")[1]["results"]] == [
        "north.test"
    ]
    assert asked(theirs, "get", "/api/dns-zones")[1]["results"] == []
    assert asked(theirs, "get", f"/api/dns-zones/{zone.pk}")[0] == 404
    assert asked(theirs, "post", f"/api/dns-zones/{zone.pk}/check")[0] == 404
    assert Operation.across_tenants.filter(type="dns.check").count() == 0


def test_a_wrong_name_is_refused_by_field(machine: Deployment, cloud: Cloud) -> None:
    before, client = DnsRecord.across_tenants.count(), client_of(cloud.world)
    for body, expected in (
        ({}, ("hostname", "required")),
        ({"hostname": "a b"}, ("hostname", "invalid")),
        ({"hostname": "UPPER"}, ("hostname", "invalid")),
        ({"hostname": "x" * 254}, ("hostname", "max_length")),
        ({"hostname": "web.elsewhere.test"}, ("hostname", "no_zone")),
        ({"hostname": "demo.uhub.local"}, ("hostname", "no_zone")),
        ({"hostname": "api.demo.uhub.local"}, ("hostname", "unique")),
        ({"hostname": "b", "ip_address": "127.0.0.1"}, ("ip_address", "invalid")),
        ({"hostname": "b", "ip_address": "10.0.0.9"}, ("ip_address", "not_own")),
        ({"hostname": "b", "zone": "x"}, ("zone", "unknown")),
    ):
        status, told = asked(client, "post", f"{ROOT}/{machine.pk}/dns-records", body)
        assert (status, faults(told)) == (400, [expected])
    assert DnsRecord.across_tenants.count() == before


def test_the_plan_says_which_name_and_why_there_is_none(cloud: Cloud) -> None:
    zones_made()
    client = client_of(cloud.world)
    wanted = {"template": "linux-utility", "name": "shop"}
    named = asked(client, "post", f"{ROOT}?dry_run=true", wanted)[1]
    assert (named["hostname"], named["dns"]) == (
        "shop.north.demo.uhub.local",
        {"zone": "demo.uhub.local", "reason": ""},
    )
    nameless = asked(
        client, "post", f"{ROOT}?dry_run=true", wanted | {"hostname": "shop.elsewhere.test"}
    )[1]
    assert (nameless["dns"]["zone"], nameless["is_allowed"]) == ("", True)
    assert nameless["dns"]["reason"] == "It lies in no zone of your organisation."


def test_a_name_that_needs_nobody_is_not_set_again(machine: Deployment, cloud: Cloud) -> None:
    record = DnsRecord.across_tenants.get(hostname="lab.demo.uhub.local", type="A")
    path = f"{ROOT}/{machine.pk}/dns-records/{record.pk}"
    client = client_of(cloud.world)
    found = [asked(client, "post", f"{path}/{verb}")[0] for verb in ("set-again", "accept")]
    assert found == [409, 409]


def test_an_administrator_changes_how_an_own_zone_is_used_and_no_more(cloud: Cloud) -> None:
    zone = DnsZoneFactory(name="north.test", organisation=cloud.world.north)
    client = client_of(cloud.world, "admin")
    path = f"/api/dns-zones/{zone.pk}"
    assert asked(client, "patch", path, {"ttl": 60, "is_default": True})[0] == 200
    assert asked(client, "patch", path, {"is_active": False})[0] == 403
    zone.refresh_from_db(using="platform")
    assert (zone.ttl, zone.is_default, zone.is_active) == (60, True, True)


def test_a_shared_zone_is_staffs(cloud: Cloud) -> None:
    zone, _reverse = zones_made()
    status, _body = asked(
        client_of(cloud.world, "admin"), "patch", f"/api/dns-zones/{zone.pk}", {"ttl": 60}
    )
    zone.refresh_from_db(using="platform")
    assert (status, zone.ttl) == (403, 300)


@pytest.fixture
def staff(world: World) -> Client:
    """Somebody of the platform."""
    person = UserFactory(username="staff", is_platform_admin=True)
    MembershipFactory(user=person, tenant=world.north, role="admin")
    world.people["staff"] = person
    return client_of(world, "staff")


def test_staff_register_a_zone_once(world: World, staff: Client) -> None:
    DnsServerFactory(code="ns1")
    wanted = {"name": "south.test", "server": "ns1", "organisation": "south"}
    status, zone = asked(staff, "post", "/api/dns-zones", wanted)
    assert (status, zone["organisation_id"]) == (201, str(world.south.pk))
    status, told = asked(staff, "post", "/api/dns-zones", wanted)
    assert (status, faults(told)) == (400, [("name", "unique")])
    assert Operation.across_tenants.filter(type="dns.check").count() == 1


def test_a_name_server_is_tested_and_never_tells_its_key(world: World, staff: Client) -> None:
    server = DnsServerFactory(code="ns1")
    status, body = asked(staff, "post", f"/api/dns-servers/{server.pk}/test")
    assert (status, body["operation"]["status"]) == (202, "pending")
    assert "key" not in "".join(body)
    assert asked(client_of(world, "admin"), "get", "/api/dns-servers")[0] == 403


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "http://dns.example.org"),
        ("url", "https://10.0.0.1:8081/\nX: y"),
        ("server_id", "../admin"),
        ("nameservers", ["a b"]),
        ("nameservers", "ns1.test"),
        ("resolver", "ns1.test"),
    ],
)
def test_a_name_server_that_is_never_used_is_refused(
    world: World, field: str, value: object
) -> None:
    fields = {"name": "ns", "url": "https://dns.example.org", field: value}
    with pytest.raises(DeploymentInvalid):
        servers.server_save(actor=Actor.system("test"), code="ns", api_key="k", **fields)


def test_a_zone_with_others_in_it_is_given_to_nobody(machine: Deployment, cloud: Cloud) -> None:
    zone = DnsZone.objects.using("platform").get(name="demo.uhub.local")
    with pytest.raises(DeploymentInvalid, match="other organisations"):
        servers.zone_save(
            actor=Actor.system("test"), name=zone.name, organisation=cloud.world.south
        )


def test_who_only_looks_adds_no_name(machine: Deployment, cloud: Cloud) -> None:
    before = DnsRecord.across_tenants.count()
    status, _body = asked(
        client_of(cloud.world, "viewer"),
        "post",
        f"{ROOT}/{machine.pk}/dns-records",
        {"hostname": "b"},
    )
    assert (status, DnsRecord.across_tenants.count()) == (403, before)


def test_zones_are_written_by_who_manages_them(cloud: Cloud) -> None:
    with (
        tenant_scope(cloud.world.north.pk),
        pytest.raises(Refused),
        transaction.atomic(),
    ):
        servers.zone_save(actor=cloud.world.actor("admin"), name="north.test")
    assert DnsZone.objects.using("platform").count() == 0
