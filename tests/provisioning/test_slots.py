"""Clones are bounded per storage: what would be lock time-outs becomes a queue."""

from __future__ import annotations

from billing.models import Quota
from provisioning.models import Deployment
from tests.conftest import Cloud
from tests.engine import run_until_idle
from tests.provisioning import scenes


def test_a_storm_of_creations_is_queued_and_none_fails(cloud: Cloud) -> None:
    Quota.objects.using("platform").create(tenant=cloud.world.north)
    position = cloud.simulator.log_position()
    for number in range(12):
        scenes.requested(cloud, f"web-{number}")
    run_until_idle(timeout_s=60)
    assert set(Deployment.across_tenants.values_list("status", flat=True)) == {"running"}
    clones = [c for c in cloud.simulator.mutations(position) if c["path"].endswith("/clone")]
    assert len(clones) == 12
    tasks = [task for task in cloud.simulator.state()["tasks"] if ":qmclone:" in task["upid"]]
    assert [task["exitstatus"] for task in tasks] == ["OK"] * 12
