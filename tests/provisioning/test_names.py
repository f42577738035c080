"""The life of names, on the real simulator and a real PowerDNS, asked by a real resolver."""

from __future__ import annotations

import pytest
from django.db import transaction

from portal.kernel.authz import Actor
from portal.kernel.errors import Conflict
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from provisioning.errors import DeploymentInvalid
from provisioning.models import Deployment, DnsRecord
from provisioning.services.dns import naming, records
from provisioning.services.dns.alignment import names_give_up
from tests.conftest import Cloud
from tests.engine import run_until_idle
from tests.factories.provisioning import DnsZoneFactory
from tests.provisioning.names import Names, machine_named, name_server_process, names
from tests.provisioning.scenes import acted, requested, running

__all__ = ["name_server_process", "names"]
WEB = "web-1.north.demo.test"
SYSTEM = Actor.system("test")


def told(deployment: Deployment, names: Names, *addresses: str) -> None:
    """The machine has these addresses by now, and workers have seen it."""
    names.addressed(deployment, *addresses)
    run_until_idle()


def pointer(address: str) -> str:
    return ".".join(reversed(address.split("."))) + ".in-addr.arpa"


def test_a_new_machine_is_found_by_its_name_and_no_longer_after_its_end(
    cloud: Cloud, names: Names
) -> None:
    deployment = running(cloud, "web-1")
    (address,) = deployment.ip_addresses
    assert deployment.hostname == WEB
    assert names.states(deployment) == {"A": "active", "PTR": "active"}
    assert names.asked(WEB) == (address,)
    assert names.asked(pointer(address), "PTR") == (f"{WEB}.",)

    acted(cloud, deployment, "delete")
    run_until_idle()

    assert names.states(deployment) == {"A": "removed", "PTR": "removed"}
    assert names.asked(WEB) == ("NXDOMAIN",)
    assert names.asked(pointer(address), "PTR") == ("NXDOMAIN",)


def test_a_machine_keeps_its_name_while_it_is_stopped_and_until_its_absence_is_proven(
    cloud: Cloud, names: Names
) -> None:
    deployment = running(cloud, "web-1")
    acted(cloud, deployment, "stop")
    run_until_idle()
    assert names.asked(WEB) == tuple(deployment.ip_addresses)

    acted(cloud, deployment, "delete")

    assert names.states(deployment) == {"A": "active", "PTR": "active"}


@pytest.fixture
def machine(cloud: Cloud, names: Names) -> Deployment:
    return machine_named(cloud, "web-1")


def test_the_name_is_held_before_the_address_is_known(machine: Deployment, names: Names) -> None:
    record = names.records(machine)["A"]
    assert (record.status, record.ip_address, record.hostname) == ("pending", None, WEB)


def test_a_changed_address_changes_name_and_pointer(machine: Deployment, names: Names) -> None:
    told(machine, names, "10.0.0.7")
    told(machine, names, "10.0.0.8")
    assert names.asked(WEB) == ("10.0.0.8",)
    assert names.asked(pointer("10.0.0.7"), "PTR") == ("NXDOMAIN",)
    assert names.asked(pointer("10.0.0.8"), "PTR") == (f"{WEB}.",)


def test_both_families_get_their_record(machine: Deployment, names: Names) -> None:
    told(machine, names, "fe80::1", "10.0.0.7", "2001:db8::7")
    assert names.asked(WEB, "A") == ("10.0.0.7",)
    assert names.asked(WEB, "AAAA") == ("2001:db8::7",)


def test_a_machine_with_the_newer_family_alone_holds_its_name_with_it(
    machine: Deployment, names: Names
) -> None:
    told(machine, names, "2001:db8::7")
    assert {(row.type, row.claims_name) for row in names.records(machine).values()} == {
        ("AAAA", True)
    }


def test_a_family_that_is_gone_loses_its_record_and_hands_the_name_on(
    machine: Deployment, names: Names
) -> None:
    told(machine, names, "10.0.0.7")
    told(machine, names, "2001:db8::7")
    rows = names.records(machine)
    assert {name: (row.status, row.claims_name) for name, row in rows.items()} == {
        "A": ("removed", False),
        "AAAA": ("active", True),
        "PTR": ("removed", False),
    }
    assert (names.asked(WEB, "A"), names.asked(WEB, "AAAA")) == (("NOERROR",), ("2001:db8::7",))


def test_addresses_nobody_else_can_reach_lead_nowhere(machine: Deployment, names: Names) -> None:
    told(machine, names, "127.0.0.1", "169.254.1.1", "fe80::1%eth0", "nonsense")
    assert names.records(machine)["A"].ip_address is None


def test_the_same_addresses_again_send_nothing(machine: Deployment, names: Names) -> None:
    told(machine, names, "10.0.0.7")
    before = Operation.across_tenants.count()
    told(machine, names, "10.0.0.7")
    assert Operation.across_tenants.count() == before


def test_a_second_machine_of_the_same_name_is_refused_naming_the_field(
    cloud: Cloud, names: Names, machine: Deployment
) -> None:
    with pytest.raises(DeploymentInvalid) as refused:
        requested(cloud, "other", hostname=WEB)
    assert [(fault.field, fault.code) for fault in refused.value.faults] == [("hostname", "unique")]


def test_a_name_is_free_once_it_was_removed(
    cloud: Cloud, names: Names, machine: Deployment
) -> None:
    told(machine, names, "10.0.0.7")
    with tenant_scope(machine.tenant_id), transaction.atomic():
        names_give_up(machine.pk, actor=Actor.system("test"))
    with pytest.raises(DeploymentInvalid):
        requested(cloud, "other", hostname=WEB)
    run_until_idle()
    assert requested(cloud, "other", hostname=WEB).hostname == WEB


def test_what_somebody_else_has_under_a_name_is_left_alone(
    machine: Deployment, names: Names
) -> None:
    names.process.write("demo.test", WEB, "A", "192.0.2.1")
    told(machine, names, "10.0.0.7")
    record = names.records(machine)["A"]
    assert (record.status, record.attention["code"], record.found) == (
        "error",
        "name_taken",
        ["192.0.2.1"],
    )
    assert names.asked(WEB) == ("192.0.2.1",)


def test_what_somebody_else_has_outlives_the_machine(machine: Deployment, names: Names) -> None:
    told(machine, names, "10.0.0.7")
    names.process.write("demo.test", WEB, "A", "192.0.2.1", mark="mine")
    with tenant_scope(machine.tenant_id), transaction.atomic():
        names_give_up(machine.pk, actor=Actor.system("test"))
    run_until_idle()
    assert names.states(machine) == {"A": "removed", "PTR": "removed"}
    assert names.asked(WEB) == ("192.0.2.1",)


def test_an_alias_of_the_same_name_is_a_conflict_that_is_told(
    machine: Deployment, names: Names
) -> None:
    names.process.write("demo.test", WEB, "CNAME", "elsewhere.test.")
    told(machine, names, "10.0.0.7")
    assert names.records(machine)["A"].attention["code"] == "name_conflict"


def test_a_zone_that_the_server_lacks_is_told(machine: Deployment, names: Names) -> None:
    names.process.api("DELETE", "/zones/demo.test.")
    told(machine, names, "10.0.0.7")
    assert names.records(machine)["A"].attention["code"] == "zone_missing"


def test_names_below_somebody_elses_zone_get_no_record(cloud: Cloud, names: Names) -> None:
    DnsZoneFactory(server=names.server, name="south.demo.test", organisation=cloud.world.south)
    deployment = requested(cloud, "web-1", hostname="web.south.demo.test")
    assert names.records(deployment) == {}


def test_an_own_zone_goes_before_the_platforms(cloud: Cloud, names: Names) -> None:
    DnsZoneFactory(
        server=names.server, name="north.test", organisation=cloud.world.north, is_default=True
    )
    assert requested(cloud, "web-1").hostname == "web-1.north.test"


def test_a_further_name_follows_the_machine(machine: Deployment, names: Names) -> None:
    told(machine, names, "10.0.0.7")
    with tenant_scope(machine.tenant_id), transaction.atomic():
        records.record_add(
            actor=names.world.actor("ops"), deployment_id=machine.pk, hostname="www.demo.test"
        )
    told(machine, names, "10.0.0.8")
    assert names.asked("www.demo.test") == ("10.0.0.8",)


def test_a_shared_zone_leads_to_own_addresses_alone(machine: Deployment, names: Names) -> None:
    told(machine, names, "10.0.0.7")
    with (
        tenant_scope(machine.tenant_id),
        pytest.raises(DeploymentInvalid, match="its own machine"),
        transaction.atomic(),
    ):
        records.record_add(
            actor=names.world.actor("ops"),
            deployment_id=machine.pk,
            hostname="www.demo.test",
            ip_address="10.0.0.9",
        )
    assert DnsRecord.across_tenants.filter(hostname="www.demo.test").count() == 0


def test_a_removed_name_is_answered_no_longer(machine: Deployment, names: Names) -> None:
    told(machine, names, "10.0.0.7")
    with tenant_scope(machine.tenant_id), transaction.atomic():
        records.record_remove(
            actor=names.world.actor("ops"),
            deployment_id=machine.pk,
            record_id=names.records(machine)["A"].pk,
        )
    run_until_idle()
    assert names.asked(WEB) == ("NXDOMAIN",)


def unnamed(cloud: Cloud, names: Names, name: str) -> Deployment:
    """A machine that is older than its zone."""
    names.zone.is_active = names.reverse.is_active = False
    for zone in (names.zone, names.reverse):
        zone.save(using="platform")
    deployment = running(cloud, name)
    for zone in (names.zone, names.reverse):
        zone.is_active = True
        zone.save(using="platform")
    assert (names.states(deployment), deployment.hostname) == ({}, name)
    return deployment


def test_a_machine_older_than_its_zone_gets_its_name(cloud: Cloud, names: Names) -> None:
    deployment = unnamed(cloud, names, "web-1")
    with tenant_scope(deployment.tenant_id):
        record, operation = naming.name_give(actor=SYSTEM, deployment_id=deployment.pk)
    run_until_idle()
    assert (record.hostname, operation and operation.type) == (WEB, "dns.create")
    assert names.asked(WEB) == tuple(deployment.ip_addresses)
    with tenant_scope(deployment.tenant_id), pytest.raises(Conflict, match="already"):
        naming.name_give(actor=SYSTEM, deployment_id=deployment.pk)


def test_machines_without_names_get_theirs_at_once_each_by_itself(
    cloud: Cloud, names: Names
) -> None:
    rows = [unnamed(cloud, names, name) for name in ("web-1", "web-2")]
    third = running(cloud, "web-3")
    with tenant_scope(third.tenant_id), transaction.atomic():
        records.record_add(actor=SYSTEM, deployment_id=third.pk, hostname=WEB)
    actor = cloud.world.actor("admin")
    with tenant_scope(cloud.world.north.pk):
        zones = [names.zone, names.reverse]
        with transaction.atomic():
            assert naming.nameless_by_zone(actor, zones, most=9) == {names.zone.pk: 2}
        results = naming.names_give(actor=actor, zone_id=names.zone.pk)
    run_until_idle()
    assert [(one.deployment.name, one.hostname) for one in results] == [
        ("web-1", ""),
        ("web-2", "web-2.north.demo.test"),
    ]
    assert "Another machine has this name" in results[0].reason
    assert names.asked("web-2.north.demo.test") == tuple(rows[1].ip_addresses)
