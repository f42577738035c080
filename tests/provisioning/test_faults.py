"""Faults of the hypervisor × verbs: the end is right, nothing is lost, nobody else is touched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction

from billing.logic.quota import Amounts
from billing.models import Quota
from billing.selectors.quotas import quota_used
from portal.kernel.tenancy import tenant_scope
from portal.services.drains import drain
from portal.services.operations import operation_retry
from provisioning.errors import WrongState
from provisioning.models import Deployment
from provisioning.services import creation
from tests.conftest import Cloud
from tests.engine import TestDesk, run_until_idle
from tests.provisioning import scenes
from tests.provisioning.scenes import CALLS, TASKS, VERBS, reloaded

Outcome = tuple[str, str | None, list[str]]
RIGHT: dict[str, Outcome] = {
    "create": ("running", None, ["running"]),
    "stop": ("stopped", None, ["stopped"]),
    "start": ("running", None, ["running"]),
    "resize": ("running", None, ["running"]),
    "delete": ("deleted", None, []),
}


@dataclass(frozen=True)
class Trouble:
    """One fault as the simulator takes it: it hits the call, or the task that the call starts."""

    kind: str
    params: dict[str, Any] = field(default_factory=dict)
    is_task: bool = False

    def strike(self, cloud: Cloud, verb: str) -> None:
        match = {"task": TASKS[verb]} if self.is_task else CALLS[verb]
        cloud.simulator.fault(self.kind, match=match, **self.params)


PASSING = {
    "595": Trouble("595"),
    "596 that completes": Trouble("596"),
    "596 that does not": Trouble("596", {"execute": False}),
    "timeout that completes": Trouble("timeout", {"execute": True}),
    "timeout that does not": Trouble("timeout"),
    "reset before": Trouble("drop_connection", {"when": "before"}),
    "reset after": Trouble("drop_connection", {"when": "after"}),
    "no worker": Trouble("no_worker_upid"),
    "no quorum": Trouble("no_quorum"),
    "task error": Trouble("task_error", {"message": "command timed out"}, is_task=True),
    "task warnings": Trouble("task_warnings", is_task=True),
    "lock storm": Trouble("lock_storm"),
    "crash at the beginning": Trouble("worker_crash", {"at": "begin"}, is_task=True),
    "crash after the work": Trouble("worker_crash", {"at": "done"}, is_task=True),
}


# Those that lie about what was done, one that says so, and one that has to be waited for; `make soak` plays
# all, and those of the other parametrised tests below.
SHORT = ("596 that completes", "reset after", "task error", "lock storm")


def in_short(wanted: Iterable[str], names: Iterable[str]) -> list[Any]:
    """The names as parameters, those that are not wanted in every run for the soak alone."""
    return [pytest.param(name, marks=() if name in wanted else pytest.mark.soak) for name in names]


pytestmark = pytest.mark.usefixtures("fresh_gates")


def outcome(cloud: Cloud, deployment: Deployment) -> Outcome:
    """Status, code of attention, and the power of the machines that are this deployment's."""
    row = reloaded(deployment)
    ours = [
        str(vm["status"])
        for vm in cloud.simulator.state()["vms"]
        if vm["vmid"] == row.vmid or str(row.pk) in str(vm["config"].get("description", ""))
    ]
    return row.status, (row.attention or {}).get("code"), ours


def others(cloud: Cloud) -> list[tuple[object, ...]]:
    """Every machine outside our range, as it is."""
    return [
        (vm["node"], vm["vmid"], vm["uuid"], vm["status"], vm["config"])
        for vm in cloud.simulator.state()["vms"]
        if vm["vmid"] < 20_000
    ]


def used(cloud: Cloud) -> Amounts:
    with tenant_scope(cloud.world.north.pk), transaction.atomic():
        return quota_used(cloud.world.north.pk)


@pytest.mark.parametrize("name", in_short(SHORT, PASSING))
def test_a_passing_fault_in_every_verb_changes_no_end(cloud: Cloud, name: str) -> None:
    trouble, found = PASSING[name], {}
    strangers = others(cloud)
    arguments: dict[str, dict[str, Any]] = {"stop": {"mode": "force"}, "resize": {"disk_gb": 30}}
    trouble.strike(cloud, "create")
    deployment = scenes.requested(cloud)
    for verb in VERBS:
        if verb != "create":
            trouble.strike(cloud, verb)
            scenes.acted(cloud, deployment, verb, **arguments.get(verb, {}))
        run_until_idle()
        found[verb] = outcome(cloud, deployment)
        cloud.simulator.clear_faults()
        assert scenes.quota_is_true(cloud.world)
    assert found == RIGHT
    assert used(cloud) == Amounts()
    assert others(cloud) == strangers


def test_a_full_storage_fails_the_creation_and_its_deletion_gives_everything_back(
    cloud: Cloud,
) -> None:
    cloud.simulator.fault("storage_full", count=0)
    deployment = scenes.requested(cloud)
    run_until_idle()
    status, code, machines = outcome(cloud, deployment)
    assert (status, code) == ("error", "refused_by_hypervisor")
    assert machines == []
    assert used(cloud).deployments == 1
    scenes.acted(cloud, deployment, "delete")
    run_until_idle()
    assert outcome(cloud, deployment) == RIGHT["delete"]
    assert used(cloud) == Amounts()


def test_a_failed_creation_is_retried_once_there_is_room(cloud: Cloud) -> None:
    cloud.simulator.fault("storage_full", count=0)
    deployment = scenes.requested(cloud)
    run_until_idle()
    cloud.simulator.clear_faults()
    with tenant_scope(deployment.tenant_id):
        creation.deployment_retry(actor=cloud.world.actor("support"), deployment_id=deployment.pk)
    run_until_idle()
    assert outcome(cloud, deployment) == RIGHT["create"]
    assert scenes.quota_is_true(cloud.world)


def test_a_failed_creation_that_was_deleted_is_never_made_by_a_late_retry(cloud: Cloud) -> None:
    cloud.simulator.fault("storage_full", count=0)
    deployment = scenes.requested(cloud)
    run_until_idle()
    failed = scenes.last_operation(deployment)
    cloud.simulator.clear_faults()
    scenes.acted(cloud, deployment, "delete")
    run_until_idle()
    position = cloud.simulator.log_position()
    with tenant_scope(deployment.tenant_id), pytest.raises(WrongState, match="is gone"):
        operation_retry(actor=cloud.world.actor("ops"), operation_id=failed.pk)
    run_until_idle()
    assert outcome(cloud, deployment) == RIGHT["delete"]
    assert cloud.simulator.mutations(position) == []
    assert used(cloud) == Amounts()


def test_a_full_storage_fails_a_resize_and_the_machine_goes_on(cloud: Cloud) -> None:
    deployment = scenes.running(cloud)
    cloud.simulator.fault("storage_full", count=0)
    scenes.acted(cloud, deployment, "resize", disk_gb=40)
    run_until_idle()
    assert outcome(cloud, deployment) == ("running", "refused_by_hypervisor", ["running"])
    assert scenes.quota_is_true(cloud.world)
    cloud.simulator.clear_faults()
    with tenant_scope(deployment.tenant_id):
        operation_retry(
            actor=cloud.world.actor("ops"), operation_id=scenes.last_operation(deployment).pk
        )
    run_until_idle()
    vm = cloud.simulator.vm(deployment.vmid)
    assert vm is not None
    assert "size=40G" in vm["config"]["scsi0"]


@pytest.mark.parametrize("at", in_short(["half"], ["locked", "half", "unlocked"]))
def test_a_clone_whose_worker_died_is_finished_or_handed_to_an_operator(
    cloud: Cloud, at: str
) -> None:
    cloud.simulator.fault("worker_crash", match={"task": "qmclone"}, at=at)
    deployment = scenes.requested(cloud)
    run_until_idle()
    row = reloaded(deployment)
    if row.attention is None:
        assert outcome(cloud, deployment) == RIGHT["create"]
    else:
        assert (row.status, row.attention["code"]) == ("error", "guest_lock_leftover")
        assert row.attention["command"] == (
            f"qm unlock {row.vmid} && qm destroy {row.vmid} --purge 1"
        )
    assert scenes.quota_is_true(cloud.world)


@pytest.mark.parametrize(
    "verb", in_short(["resize", "delete"], ["stop", "start", "resize", "delete"])
)
def test_a_task_that_died_on_the_way_leaves_no_lie(cloud: Cloud, verb: str) -> None:
    deployment = scenes.running(cloud)
    if verb == "start":
        scenes.acted(cloud, deployment, "stop", mode="force")
        run_until_idle()
    cloud.simulator.fault("worker_crash", match={"task": TASKS[verb]}, at="locked")
    more = {"stop": {"mode": "force"}, "resize": {"disk_gb": 30}}
    scenes.acted(cloud, deployment, verb, **more.get(verb, {}))
    run_until_idle()
    row = reloaded(deployment)
    if row.attention is None:
        assert outcome(cloud, deployment) == RIGHT[verb]
    else:
        assert row.attention["command"].startswith(f"qm unlock {row.vmid}")
    assert scenes.quota_is_true(cloud.world)


@pytest.mark.parametrize("verb", in_short(["create", "delete"], VERBS))
def test_a_node_that_is_down_for_a_while_is_waited_for(cloud: Cloud, verb: str) -> None:
    if verb == "create":
        cloud.simulator.fault("node_down", node="pve1")
        deployment = scenes.requested(cloud)
    else:
        deployment = scenes.running(cloud)
        if verb == "start":
            scenes.acted(cloud, deployment, "stop", mode="force")
            run_until_idle()
        cloud.simulator.fault("node_down", node="pve1")
        more = {"stop": {"mode": "force"}, "resize": {"disk_gb": 30}}
        scenes.acted(cloud, deployment, verb, **more.get(verb, {}))
    for _ in range(3):
        drain("cloudpods", desk=TestDesk())
    assert reloaded(deployment).status != RIGHT[verb][0] or verb == "resize"
    cloud.simulator.clear_faults()
    run_until_idle()
    assert outcome(cloud, deployment) == RIGHT[verb]


def test_a_node_that_stays_down_is_never_read_as_an_absence(cloud: Cloud) -> None:
    Quota.objects.using("platform").create(tenant=cloud.world.north)
    deployment = scenes.running(cloud)
    cloud.simulator.fault("node_down", node="pve1")
    scenes.acted(cloud, deployment, "delete")
    run_until_idle()
    row = reloaded(deployment)
    assert (row.status, row.attention["code"]) == ("deleting", "not_executed")
    assert used(cloud).deployments == 1
    cloud.simulator.clear_faults()
    assert outcome(cloud, deployment)[2] == ["running"]
    with tenant_scope(deployment.tenant_id):
        operation_retry(
            actor=cloud.world.actor("ops"), operation_id=scenes.last_operation(deployment).pk
        )
    run_until_idle()
    assert outcome(cloud, deployment) == RIGHT["delete"]
    assert used(cloud) == Amounts()
