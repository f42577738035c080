"""Sweeps over the real wire: strangers, removed and moved machines, and the command."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from billing.models import QuotaUsage
from portal.kernel.tenancy import tenant_scope
from provisioning.models import Deployment, Finding
from provisioning.services import decisions
from provisioning.services.reconciliation import cluster_reconcile
from tests.conftest import Cloud
from tests.engine import run_until_idle, wait_until
from tests.provisioning import scenes
from tests.provisioning.scenes import reloaded
from tests.provisioning.twin import finding, kinds


def swept(cloud: Cloud, times: int = 1) -> None:
    for _ in range(times):
        cluster_reconcile(cloud.cluster)


def settled(cloud: Cloud) -> Deployment:
    """A machine that the listing shows as it is; status and figures lag a little there."""
    row = scenes.running(cloud)
    listed(cloud, row.vmid, "running")
    return row


def listed(cloud: Cloud, vmid: int, status: str) -> None:
    """Waits until the listing shows a machine in this state."""

    def is_so() -> bool:
        rows = cloud.simulator.api("GET", "/cluster/resources?type=vm").json()["data"]
        return any(r["vmid"] == vmid and r["status"] == status for r in rows)

    wait_until(is_so)


def command(*options: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("reconcile", *options, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue()
    return 0, out.getvalue()


def test_a_stopped_stranger_never_makes_our_deployment_appear_stopped(cloud: Cloud) -> None:
    row = settled(cloud)
    cloud.simulator.foreign_vm(row.vmid)
    listed(cloud, row.vmid, "stopped")
    position = cloud.simulator.log_position()
    swept(cloud)
    shown = reloaded(row)
    assert (shown.status, shown.health) == ("running", "failed")
    assert (shown.attention or {})["code"] == "identity_mismatch"
    assert finding("foreign").found["name"] == "stranger"
    assert cloud.simulator.mutations(after=position) == []


def test_a_removed_machine_is_missing_and_can_be_forgotten(cloud: Cloud) -> None:
    row = settled(cloud)
    cloud.simulator.control("POST", "/remove-vm", {"vmid": row.vmid})
    swept(cloud, times=3)
    assert kinds() == ["missing"]
    with tenant_scope(row.tenant_id):
        decisions.finding_forget(
            actor=cloud.world.actor("ops"), finding_id=finding("missing").pk, reason="Gone."
        )
    assert (reloaded(row).status, scenes.quota_is_true(cloud.world)) == ("deleted", True)


def test_what_was_changed_on_the_cluster_is_set_again(cloud: Cloud) -> None:
    row = settled(cloud)
    path = f"/nodes/{row.node}/qemu/{row.vmid}/config"
    cloud.simulator.api("PUT", path, {"cores": 5, "name": "renamed"})
    swept(cloud)
    drift = finding("drift")
    assert (drift.expected, drift.found) == (
        {"cpu_cores": 2, "name": "web-1"},
        {"cpu_cores": 5, "name": "renamed"},
    )
    with tenant_scope(row.tenant_id):
        decisions.finding_reapply(actor=cloud.world.actor("ops"), finding_id=drift.pk)
    run_until_idle()
    config = (cloud.simulator.vm(row.vmid) or {})["config"]
    assert (int(config["cores"]), config["name"]) == (2, "web-1")
    assert (finding("drift").resolution, reloaded(row).status) == ("reapplied", "running")


def test_a_machine_that_was_just_made_bears_our_sign(cloud: Cloud) -> None:
    row = settled(cloud)
    swept(cloud, times=2)
    assert not Finding.across_tenants.exists()
    assert (row.guest_facts or {})["name"] == "web-1"


@pytest.mark.parametrize(
    ("missing", "stands"), [({"share": 1}, "too_much_vanished"), ({"node": "pve1"}, "")]
)
def test_a_truncated_listing_changes_nothing(
    cloud: Cloud, missing: dict[str, object], stands: str
) -> None:
    before = settled(cloud)
    cloud.simulator.fault("truncated_listing", count=0, **missing)
    position = cloud.simulator.log_position()
    swept(cloud, times=4)
    after = reloaded(before)
    assert kinds() == ([stands] if stands else [])
    assert (after.status, after.attention, after.updated_at) == (
        before.status,
        None,
        before.updated_at,
    )
    assert cloud.simulator.mutations(after=position) == []
    cloud.simulator.clear_faults()
    swept(cloud)
    assert kinds("open", "suspected") == []


def test_a_lost_node_and_a_lost_quorum_change_nothing(cloud: Cloud) -> None:
    before = settled(cloud)
    cloud.simulator.fault("partition", nodes=["pve1", "pve2"], count=0)
    swept(cloud, times=4)
    after = reloaded(before)
    assert (after.status, after.updated_at) == (before.status, before.updated_at)
    assert set(kinds()) <= {"unreachable"}


def test_the_command_is_quiet_when_all_is_well(cloud: Cloud) -> None:
    status, text = command()
    assert status == 0
    assert text.splitlines()[-1] == "0 findings open"


def test_the_command_tells_what_differs_and_changes_nothing_when_dry(cloud: Cloud) -> None:
    cloud.simulator.foreign_vm(20_444, name="lost")
    status, text = command("--dry-run")
    assert status == 3
    assert "opened orphan 20444" in " ".join(text.split())
    assert not Finding.across_tenants.exists()


def test_the_command_prints_json_and_is_safe_to_run_twice(cloud: Cloud) -> None:
    cloud.simulator.foreign_vm(20_444, name="lost")
    answers = [json.loads(command("--json")[1]) for _ in range(2)]
    lines = [answer["clusters"][0]["changes"][0] for answer in answers]
    assert [line["action"] for line in lines] == ["opened", "stands"]
    assert [answer["open"] for answer in answers] == [1, 1]
    assert Finding.across_tenants.count() == 1


def test_the_command_fails_when_a_cluster_cannot_be_listed(cloud: Cloud) -> None:
    cloud.simulator.fault("status", match={"path": "/cluster/resources"}, count=9, status=403)
    status, text = command()
    assert status == 1
    assert text.startswith("test: ")


def test_the_command_repairs_counters_of_quotas(cloud: Cloud) -> None:
    scenes.requested(cloud)
    QuotaUsage.across_tenants.update(cpu_cores=9)
    status, text = command()
    assert status == 3
    assert "quota of north: cpu_cores: counted 9, reserved 2, deployments 2" in text
    assert command("--repair-quota")[0] == 0
    assert QuotaUsage.across_tenants.get().cpu_cores == 2


def test_the_command_names_an_unknown_cluster(cloud: Cloud) -> None:
    with pytest.raises(CommandError, match="There is no active cluster 'nope'"):
        call_command("reconcile", "--cluster", "nope")
