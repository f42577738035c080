"""A stranger's machine under our VMID: nothing is ever sent to it."""

from __future__ import annotations

import pytest

from audit.models import Entry
from provisioning.models import Deployment
from provisioning.services.saga import guest
from tests.conftest import Cloud
from tests.engine import run_until_idle
from tests.provisioning import scenes

VERBS = [
    ("stop", {"mode": "force"}),
    ("stop", {"mode": "shutdown"}),
    ("restart", {}),
    ("resize", {"cpu_cores": 4, "disk_gb": 40}),
    ("delete", {}),
]


@pytest.mark.parametrize(("verb", "more"), VERBS)
def test_no_verb_touches_a_stranger(cloud: Cloud, verb: str, more: dict[str, object]) -> None:
    deployment = scenes.running(cloud)
    stranger = cloud.simulator.foreign_vm(deployment.vmid)
    position = cloud.simulator.log_position()
    scenes.acted(cloud, deployment, verb, **more)
    run_until_idle()
    assert cloud.simulator.mutations(position) == []
    row = scenes.reloaded(deployment)
    assert row.attention is not None
    assert row.attention["code"] == "identity_mismatch"
    assert row.status != "deleted"
    vm = cloud.simulator.vm(deployment.vmid)
    assert vm is not None
    assert vm["uuid"] == stranger["uuid"]
    refused = Entry.objects.using("platform").filter(tag="pod.identity_mismatch", outcome="refused")
    assert refused.count() == 1
    assert scenes.quota_is_true(cloud.world)


def test_a_stopped_deployment_is_not_started_when_a_stranger_has_its_vmid(cloud: Cloud) -> None:
    deployment = scenes.running(cloud)
    scenes.acted(cloud, deployment, "stop", mode="force")
    run_until_idle()
    cloud.simulator.foreign_vm(deployment.vmid)
    position = cloud.simulator.log_position()
    scenes.acted(cloud, deployment, "start")
    run_until_idle()
    assert cloud.simulator.mutations(position) == []
    assert scenes.reloaded(deployment).attention["code"] == "identity_mismatch"


def test_a_creation_leaves_a_stranger_on_its_vmid_alone_and_takes_the_next(cloud: Cloud) -> None:
    stranger = cloud.simulator.foreign_vm(20_000)
    deployment = scenes.requested(cloud)
    assert deployment.vmid == 20_000
    run_until_idle()
    row = scenes.reloaded(deployment)
    assert (row.status, row.vmid) == ("running", 20_001)
    vm = cloud.simulator.vm(20_000)
    assert vm is not None
    assert vm["uuid"] == stranger["uuid"]


def test_a_stranger_that_appears_between_check_and_clone_is_left_alone(cloud: Cloud) -> None:
    cloud.simulator.fault("foreign_vm", match={"method": "POST", "path": "/clone$"}, vmid=20_000)
    deployment = scenes.requested(cloud)
    run_until_idle()
    row = scenes.reloaded(deployment)
    assert (row.status, row.vmid) == ("running", 20_001)
    vm = cloud.simulator.vm(20_000)
    assert vm is not None
    assert vm["name"] != row.name


def test_the_fence_needs_marker_and_uuid(cloud: Cloud) -> None:
    deployment = scenes.running(cloud)
    proven = guest.guest_prove(guest.guest_open(_with_relations(deployment)))
    deployment.guest_uuid = "00000000-0000-4000-8000-000000000000"
    assert not guest.is_ours(deployment, proven)
    deployment.guest_uuid, deployment.marker = proven.uuid or "", "uhub:other:nonce"
    assert not guest.is_ours(deployment, proven)


def _with_relations(deployment: Deployment) -> Deployment:
    return Deployment.across_tenants.select_related("cluster", "template").get(pk=deployment.pk)
