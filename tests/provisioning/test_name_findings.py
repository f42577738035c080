"""Names that are out of date, as findings, on a real PowerDNS: told, set again, removed, left."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from portal.kernel.authz import Actor
from portal.kernel.errors import Conflict
from portal.kernel.tenancy import tenant_scope
from provisioning.models import Deployment
from provisioning.services.dns import servers, stale
from tests.conftest import Cloud
from tests.engine import run_until_idle
from tests.provisioning.names import ZONE, Names, name_server_process, names
from tests.provisioning.test_reconcile_cluster import settled, swept
from tests.provisioning.twin import finding, kinds

__all__ = ["name_server_process", "names"]
STAFF = Actor.system("test")
NOBODY = "lost.demo.test"
MARK = "uhub deployment={0} record={0}".format("00000000-0000-7000-8000-000000000001")


def written(names: Names, name: str, address: str | None, mark: str = "") -> None:
    """Somebody changes a name at the name server itself; no address removes it."""
    comments = [{"content": mark, "account": "uhub"}] if mark else []
    rrset: dict[str, Any] = {"name": f"{name}.", "type": "A", "changetype": "DELETE"}
    if address:
        rrset |= {"changetype": "REPLACE", "ttl": 300, "comments": comments}
        rrset["records"] = [{"content": address, "disabled": False}]
    names.process.api("PATCH", f"/zones/{ZONE}.", {"rrsets": [rrset]})


def compared(cloud: Cloud, names: Names) -> None:
    """The zone is compared with its name server, then the cluster with uHub."""
    with tenant_scope(cloud.world.north.pk), transaction.atomic():
        servers.zone_check(actor=STAFF, zone_id=names.zone.pk)
    run_until_idle()
    swept(cloud)


@pytest.fixture
def machine(cloud: Cloud, names: Names) -> Deployment:
    row = settled(cloud)
    assert names.states(row)["A"] == "active"
    return row


def marked(names: Names, machine: Deployment) -> str:
    record = names.records(machine)["A"]
    return f"uhub deployment={machine.pk} record={record.pk}"


@pytest.mark.parametrize(("address", "found"), [(None, "–"), ("10.9.9.9", "10.9.9.9")])
def test_a_missing_name_and_one_that_leads_elsewhere_are_told_and_set_again(
    cloud: Cloud, names: Names, machine: Deployment, address: str | None, found: str
) -> None:
    own = machine.ip_addresses[0]
    written(names, machine.hostname, address, marked(names, machine))
    compared(cloud, names)
    told = finding("stale_record")
    assert (told.vmid, told.deployment_id, told.tenant_id) == (
        machine.vmid,
        machine.pk,
        machine.tenant_id,
    )
    assert told.expected == {"names": [f"{machine.hostname} A {own}"]}
    assert told.found == {"names": [f"{machine.hostname} A {found}"]}

    stale.names_repair(actor=STAFF, finding_id=told.pk)
    run_until_idle()
    assert names.asked(machine.hostname) == (own,)
    compared(cloud, names)
    assert kinds("open") == []


def test_a_name_that_is_right_again_by_itself_ends_the_finding(
    cloud: Cloud, names: Names, machine: Deployment
) -> None:
    mark = marked(names, machine)
    written(names, machine.hostname, "10.9.9.9", mark)
    compared(cloud, names)
    written(names, machine.hostname, machine.ip_addresses[0], mark)
    compared(cloud, names)
    assert (finding("stale_record").status, finding("stale_record").resolution) == (
        "resolved",
        "gone",
    )


def test_a_changed_name_is_removed_where_it_is_kept(
    cloud: Cloud, names: Names, machine: Deployment
) -> None:
    written(names, machine.hostname, "10.9.9.9", marked(names, machine))
    compared(cloud, names)
    stale.names_remove(actor=STAFF, finding_id=finding("stale_record").pk)
    run_until_idle()
    assert names.asked(machine.hostname) == ("NXDOMAIN",)
    assert (names.states(machine)["A"], finding("stale_record").resolution) == (
        "removed",
        "deleted",
    )


def test_a_name_of_somebody_else_is_left_to_them(
    cloud: Cloud, names: Names, machine: Deployment
) -> None:
    written(names, machine.hostname, "10.9.9.9")
    compared(cloud, names)
    stale.names_leave(actor=STAFF, finding_id=finding("stale_record").pk)
    run_until_idle()
    assert names.asked(machine.hostname) == ("10.9.9.9",)
    assert (names.states(machine)["A"], finding("stale_record").resolution) == (
        "removed",
        "forgotten",
    )


def test_a_name_of_no_machine_is_told_and_removed(
    cloud: Cloud, names: Names, machine: Deployment
) -> None:
    written(names, NOBODY, "10.9.9.9", MARK)
    compared(cloud, names)
    told = finding("stale_record")
    assert (told.vmid, told.deployment_id, told.found) == (
        0,
        None,
        {"names": [f"{NOBODY} A 10.9.9.9"]},
    )
    stale.names_remove(actor=STAFF, finding_id=told.pk)
    run_until_idle()
    assert names.asked(NOBODY) == ("NXDOMAIN",)
    assert (finding("stale_record").status, finding("stale_record").resolution) == (
        "resolved",
        "deleted",
    )


def test_a_name_of_nobody_that_somebody_took_meanwhile_is_left_alone(
    cloud: Cloud, names: Names, machine: Deployment
) -> None:
    written(names, NOBODY, "10.9.9.9", MARK)
    compared(cloud, names)
    written(names, NOBODY, "10.8.8.8")
    stale.names_remove(actor=STAFF, finding_id=finding("stale_record").pk)
    run_until_idle()
    assert names.asked(NOBODY) == ("10.8.8.8",)


def test_names_of_nobody_cannot_be_set_again(
    cloud: Cloud, names: Names, machine: Deployment
) -> None:
    written(names, NOBODY, "10.9.9.9", MARK)
    compared(cloud, names)
    with pytest.raises(Conflict, match="remove, close"):
        stale.names_repair(actor=STAFF, finding_id=finding("stale_record").pk)
    assert names.asked(NOBODY) == ("10.9.9.9",)
