"""Every fault the simulator knows × every verb: whatever happens, nobody is wronged and nothing is lied about."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.base.registry import HOSTS
from integrations.proxmox.simulator.faults import KINDS
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from portal.services.drains import drain
from portal.services.operations import operation_retry
from portal.states import OPEN_STATUSES, RETRYABLE_STATUSES
from provisioning.models import Deployment
from tests.conftest import Cloud
from tests.engine import TestDesk, run_until_idle, wait_until
from tests.provisioning import scenes
from tests.provisioning.scenes import CALLS, TASKS, VERBS, reloaded

MORE: dict[str, dict[str, Any]] = {"stop": {"mode": "force"}, "resize": {"disk_gb": 30}}
RIGHT = {
    "create": ("running", ["running"]),
    "stop": ("stopped", ["stopped"]),
    "start": ("running", ["running"]),
    "resize": ("running", ["running"]),
    "delete": ("deleted", []),
}
CALL, TASK, OURS, ANY = "call", "task", "ours", "any"
# How each kind is ordered: what it is aimed at, its parameters, how often it strikes (0: until cleared).
ORDERS: dict[str, list[tuple[str, dict[str, Any], int]]] = {
    "timeout": [(CALL, {}, 1), (CALL, {"execute": True}, 1)],
    "595": [(CALL, {}, 3)],
    "596": [(CALL, {}, 1), (CALL, {"execute": False}, 1)],
    "status": [
        (CALL, {"status": 401, "reason": "Authentication failed!", "empty": True}, 0),
        (CALL, {"status": 403, "reason": "Permission check failed"}, 0),
        (CALL, {"status": 502, "reason": "Bad Gateway"}, 2),
        (CALL, {"status": 500, "reason": "simulated fault", "execute": True}, 1),
    ],
    "delay": [(CALL, {"delay_s": 20}, 1)],
    "drop_connection": [(CALL, {"when": "before"}, 1), (CALL, {"when": "after"}, 1)],
    "no_worker_upid": [(CALL, {}, 2)],
    "no_quorum": [(ANY, {}, 3)],
    "node_down": [(ANY, {"node": "pve1"}, 0)],
    "foreign_vm": [(CALL, {}, 1)],
    "lock_storm": [(CALL, {}, 2), (TASK, {"scope": "storage"}, 1)],
    "storage_full": [(ANY, {}, 0)],
    "storage_offline": [(ANY, {}, 0)],
    "worker_crash": [(TASK, {"at": at}, 1) for at in ("begin", "locked", "half", "done")],
    "task_error": [(TASK, {"message": "command timed out"}, 1), (TASK, {}, 0)],
    "task_warnings": [(TASK, {}, 1)],
    "start_lies": [(ANY, {}, 1)],
    "agent_down": [(ANY, {}, 0)],
    "agent_slow": [(ANY, {}, 0)],
    "config_lock": [(OURS, {}, 0)],
    "empty_reason": [(CALL, {}, 2)],
    "garbage": [(CALL, {}, 1), (ANY, {}, 3)],
    "ha_delay": [(ANY, {}, 0)],
    "hung_task": [(TASK, {}, 1)],
    "id_reuse": [(ANY, {}, 1)],
    "partition": [(ANY, {"nodes": ["pve1"]}, 0)],
    "reverse_proxy": [(CALL, {}, 1), (CALL, {"status": 504}, 1)],
    "slow_listing": [(ANY, {}, 1)],
    "task_invisible": [(ANY, {}, 3)],
    "token_rotated": [(ANY, {}, 0)],
    "truncated_listing": [(ANY, {}, 0)],
    "vanished_guests": [(ANY, {}, 0)],
}
# After these our machine is not there any more, so its life ends with this verb.
LAST_VERB = {"foreign_vm": "stop", "vanished_guests": "stop"}
# Those that lie about what there is and are not played by `test_faults.py` already; `make soak` plays all.
SHORT = {
    ("foreign_vm", 0), ("garbage", 0), ("id_reuse", 0), ("start_lies", 0), ("task_invisible", 0),
    ("truncated_listing", 0), ("vanished_guests", 0),
}  # fmt: skip
CASES = [
    pytest.param(kind, number, marks=() if (kind, number) in SHORT else pytest.mark.soak)
    for kind, orders in ORDERS.items()
    for number in range(len(orders))
]


def test_every_kind_of_fault_is_in_the_matrix() -> None:
    assert set(ORDERS) == set(KINDS)


pytestmark = pytest.mark.usefixtures("fresh_gates")


def strike(cloud: Cloud, kind: str, number: int, verb: str) -> None:
    """Orders the fault against what the verb calls, the task that starts, or our machine."""
    aim, params, count = ORDERS[kind][number]
    match = {CALL: CALLS[verb], TASK: {"task": TASKS[verb]}, OURS: {"vmid": 20_000}, ANY: {}}[aim]
    cloud.simulator.fault(kind, match=match, count=count, **params)


def ours(cloud: Cloud, row: Deployment) -> list[dict[str, Any]]:
    """The machines that are this deployment's by mark or by uuid."""
    return [
        vm
        for vm in cloud.simulator.state()["vms"]
        if str(row.pk) in str(vm["config"].get("description", ""))
        or (row.guest_uuid and vm["uuid"] == row.guest_uuid)
    ]


def strangers(cloud: Cloud) -> dict[str, tuple[object, ...]]:
    """Every machine that is somebody else's, as it is."""
    return {
        vm["uuid"]: (vm["node"], vm["vmid"], vm["status"], vm["config"])
        for vm in cloud.simulator.state()["vms"]
        if vm["foreign"] or vm["template"]
    }


def operations_open(row: Deployment) -> list[str]:
    found = Operation.across_tenants.filter(target_id=row.pk, status__in=OPEN_STATUSES)
    return [operation.type for operation in found if operation.type != "pod.refresh"]


def demand_truth(cloud: Cloud, deployment: Deployment, before: dict[str, Any]) -> None:
    """No stranger touched, no machine of ours lost or doubled, none reported gone that lives, none stuck."""
    row = reloaded(deployment)
    machines = ours(cloud, row)
    now = strangers(cloud)
    assert {uuid: now.get(uuid) for uuid in before} == before
    assert len(machines) <= 1
    if row.status == "deleted":
        assert machines == []
    if row.attention is None:
        assert (row.status, [vm["status"] for vm in machines]) in RIGHT.values()
    assert operations_open(row) == []
    failed = scenes.last_operation(row).status in RETRYABLE_STATUSES
    assert not failed or row.attention is not None
    assert scenes.quota_is_true(cloud.world)


def follow(cloud: Cloud, row: Deployment, command: str) -> None:
    """Does on the node what the deployment's page told a person to type."""
    if "pvesh delete" in command:
        cloud.simulator.control("POST", "/crash-task", {"upid": command.rpartition("/")[2]})
    if "qm unlock" in command:
        cloud.simulator.control("POST", "/unlock", {"vmid": row.vmid})
    if "qm destroy" in command:
        cloud.simulator.control("POST", "/remove-vm", {"vmid": row.vmid})


def recovered(cloud: Cloud, deployment: Deployment, verb: str) -> tuple[str, list[str]]:
    """What a person does afterwards: the fault ends, the advice is followed, the operation retried."""
    cloud.simulator.clear_faults()
    HOSTS._gates.clear()
    for _ in range(4):
        row = reloaded(deployment)
        if row.attention is None:
            break
        follow(cloud, row, str(row.attention.get("command", "")))
        last = scenes.last_operation(row)
        if last.status not in RETRYABLE_STATUSES:
            break
        with tenant_scope(row.tenant_id):
            operation_retry(actor=cloud.world.actor("ops"), operation_id=last.pk)
        run_until_idle()
    row = reloaded(deployment)
    return row.status, [str(vm["status"]) for vm in ours(cloud, row)]


@pytest.mark.parametrize(("kind", "number"), CASES)
def test_a_fault_in_every_verb_of_a_life(cloud: Cloud, kind: str, number: int) -> None:
    known = strangers(cloud)
    strike(cloud, kind, number, "create")
    deployment = scenes.requested(cloud)
    for verb in VERBS:
        if verb != "create":
            strike(cloud, kind, number, verb)
            scenes.acted(cloud, deployment, verb, **MORE.get(verb, {}))
        run_until_idle()
        if kind == "vanished_guests":
            cloud.simulator.clear_faults()
        demand_truth(cloud, deployment, known)
        if verb == LAST_VERB.get(kind):
            return
        assert recovered(cloud, deployment, verb) == RIGHT[verb], verb
        known |= strangers(cloud)


def test_a_lock_that_a_running_task_explains_is_waited_out(cloud: Cloud, settings: Any) -> None:
    deployment = scenes.running(cloud)
    settings.PROVISIONING = settings.PROVISIONING | {"lock_patience_s": 0.2}
    cloud.simulator.fault("hung_task", match={"task": "qmshutdown"})
    path = f"/nodes/{deployment.node}/qemu/{deployment.vmid}"
    upid = cloud.simulator.api("POST", f"{path}/status/shutdown").json()["data"]
    cloud.simulator.fault("config_lock", match={"vmid": deployment.vmid}, count=0)
    scenes.acted(cloud, deployment, "restart")

    def is_waiting() -> bool:
        drain("cloudpods", desk=TestDesk())
        return "still running" in str(scenes.last_operation(deployment).steps)

    wait_until(is_waiting)
    cloud.simulator.clear_faults()
    cloud.simulator.control("POST", "/crash-task", {"upid": upid})
    run_until_idle()
    row = reloaded(deployment)
    assert (row.status, row.attention) == ("running", None)
