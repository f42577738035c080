"""Sweeps about what is left: disks of machines that are gone, and templates that are not what they were."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from audit.models import Entry
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.errors import Conflict, InvalidInput, Refused
from portal.kernel.tenancy import PLATFORM, tenant_scope
from portal.models import Operation
from provisioning.models import Deployment, Finding, Template
from provisioning.services import decisions
from provisioning.services.observation import cluster_look
from provisioning.services.reconciliation import cluster_reconcile
from provisioning.services.retired_disks import finding_delete_disks
from tests.conftest import Cloud
from tests.engine import run_until_idle, wait_until
from tests.provisioning import scenes
from tests.provisioning.twin import finding, kinds

STAFF = Actor.system("test")
MINUTES = timedelta(minutes=2)


@pytest.fixture
def gone(cloud: Cloud) -> Deployment:
    """A machine whose destruction left its disk on the storage."""
    cluster_look(cloud.cluster)
    row = scenes.running(cloud)
    cloud.simulator.fault("task_warnings", match={"task": "qmdestroy"}, count=1)
    scenes.acted(cloud, row, "delete")
    run_until_idle()
    assert scenes.reloaded(row).status == "deleted"
    return row


def disks(cloud: Cloud, vmid: int) -> list[str]:
    rows = cloud.simulator.api("GET", "/nodes/pve1/storage/ceph-vm/content").json()["data"]
    return [row["volid"] for row in rows if row.get("vmid") == vmid]


def swept(cloud: Cloud) -> None:
    with clock.travelled(MINUTES):
        cluster_reconcile(cloud.cluster)


def deleted(found: Finding, typed: str | None = None) -> None:
    finding_delete_disks(actor=STAFF, finding_id=found.pk, typed=typed or str(found.vmid))


def last(kind: str) -> Operation:
    return Operation.across_tenants.filter(type=kind).latest("pk")


def test_a_disk_that_a_deletion_left_is_told_with_its_command_and_not_freed(
    cloud: Cloud, gone: Deployment
) -> None:
    position = cloud.simulator.log_position()
    with clock.travelled(MINUTES):
        report = cluster_reconcile(cloud.cluster, is_dry=True)
    assert [(one.action, one.kind) for one in report.changes] == [("opened", "orphan_disk")]
    assert not Finding.across_tenants.exists()
    swept(cloud)
    assert cloud.simulator.mutations(position) == []
    found = finding("orphan_disk")
    assert (found.vmid, found.status) == (gone.vmid, "open")
    (volume,) = disks(cloud, gone.vmid)
    assert found.found["volumes"] == [volume]
    assert found.found["command"] == f"pvesm free {volume}"


def test_a_clean_deletion_leaves_no_finding(cloud: Cloud) -> None:
    cluster_look(cloud.cluster)
    row = scenes.running(cloud)
    scenes.acted(cloud, row, "delete")
    run_until_idle()
    swept(cloud)
    assert kinds() == []


def test_who_types_the_number_and_no_other_has_the_disk_deleted(
    cloud: Cloud, gone: Deployment
) -> None:
    swept(cloud)
    with pytest.raises(InvalidInput):
        deleted(finding("orphan_disk"), "20999")
    assert not Operation.across_tenants.filter(type="disks.free").exists()
    assert len(disks(cloud, gone.vmid)) == 1
    deleted(finding("orphan_disk"))
    run_until_idle()
    assert last("disks.free").status == "completed"
    assert disks(cloud, gone.vmid) == []
    found = finding("orphan_disk")
    assert (found.status, found.resolution) == ("resolved", "deleted")
    assert Entry.objects.using(PLATFORM).filter(tag="finding.disks_deleted").count() == 1


def test_nobody_but_who_manages_clusters_deletes_disks(cloud: Cloud, gone: Deployment) -> None:
    swept(cloud)
    found = finding("orphan_disk")
    Finding.objects.using(PLATFORM).filter(pk=found.pk).update(tenant_id=cloud.world.north.pk)
    for role in ("admin", "ops"):
        with tenant_scope(cloud.world.north.pk), pytest.raises(Refused):
            finding_delete_disks(
                actor=cloud.world.actor(role), finding_id=found.pk, typed=str(found.vmid)
            )
    assert not Operation.across_tenants.filter(type="disks.free").exists()
    assert len(disks(cloud, gone.vmid)) == 1


def test_a_number_that_a_machine_has_by_now_is_left_alone(cloud: Cloud, gone: Deployment) -> None:
    swept(cloud)
    cloud.simulator.foreign_vm(gone.vmid)
    deleted(finding("orphan_disk"))
    position = cloud.simulator.log_position()
    run_until_idle()
    assert last("disks.free").last_error == f"A machine has the number {gone.vmid} by now."
    assert cloud.simulator.mutations(position) == []


def test_a_disk_that_another_machine_uses_is_left_alone(cloud: Cloud, gone: Deployment) -> None:
    swept(cloud)
    other = scenes.running(cloud, "web-2")
    (volume,) = disks(cloud, gone.vmid)
    cloud.simulator.api(
        "PUT", f"/nodes/{other.node}/qemu/{other.vmid}/config", data={"scsi5": volume}
    )
    deleted(finding("orphan_disk"))
    run_until_idle()
    assert last("disks.free").last_error == f"Disk {volume} is in use by machine {other.vmid}."
    assert disks(cloud, gone.vmid) == [volume]


def test_a_finding_that_was_closed_cannot_delete(cloud: Cloud, gone: Deployment) -> None:
    swept(cloud)
    found = finding("orphan_disk")
    decisions.finding_close(actor=STAFF, finding_id=found.pk, reason="Kept as evidence")
    with pytest.raises(Conflict):
        deleted(found)


def resized(cloud: Cloud, memory: int) -> None:
    cloud.simulator.api("PUT", "/nodes/pve1/qemu/9003/config", data={"memory": memory})

    def is_listed() -> bool:
        rows = cloud.simulator.api("GET", "/cluster/resources?type=vm").json()["data"]
        return any(r["vmid"] == 9003 and r.get("maxmem") == memory * 2**20 for r in rows)

    wait_until(is_listed)


def facts(cloud: Cloud) -> Any:
    return Template.objects.using(PLATFORM).get(pk=cloud.template.pk).source_facts


def test_a_template_that_grew_is_told_and_accepted(cloud: Cloud) -> None:
    cluster_reconcile(cloud.cluster)
    before = facts(cloud)
    resized(cloud, 4096)
    cluster_reconcile(cloud.cluster)
    cluster_reconcile(cloud.cluster)
    found = finding("template_changed")
    assert (found.status, found.found["memory_mb"]) == ("open", 4096)
    assert found.expected["memory_mb"] == before["memory_mb"]
    decisions.finding_accept(actor=STAFF, finding_id=found.pk)
    assert facts(cloud)["memory_mb"] == 4096
    cluster_reconcile(cloud.cluster)
    assert kinds() == []


def test_a_dry_run_remembers_nothing_of_a_template(cloud: Cloud) -> None:
    cluster_reconcile(cloud.cluster, is_dry=True)
    assert facts(cloud) is None


def test_a_template_that_is_gone_is_told_once_it_is_proven(cloud: Cloud) -> None:
    Template.objects.using(PLATFORM).filter(pk=cloud.template.pk).update(proxmox_template_vmid=9777)
    for _sweep in range(3):
        assert kinds() == []
        cluster_reconcile(cloud.cluster)
    found = finding("template_missing")
    assert (found.vmid, found.status, found.expected["name"]) == (9777, "open", cloud.template.name)
    Template.objects.using(PLATFORM).filter(pk=cloud.template.pk).update(proxmox_template_vmid=9003)
    cluster_reconcile(cloud.cluster)
    assert kinds() == []
