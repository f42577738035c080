"""Workers that die at any call of a healing, and hooks whose worker dies: nothing is left half done."""

from __future__ import annotations

from typing import Any

import pytest

from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.tenancy import tenant_scope
from portal.services.settings import setting_change
from provisioning.logic.health import POWER
from provisioning.logic.hook_states import HookEvent
from provisioning.models import Cluster, Deployment, HealAttempt, HealthState, VmidAllocation
from provisioning.services import healing, hook_runs
from tests.conftest import Cloud
from tests.engine import run_until_idle
from tests.provisioning import scenes
from tests.provisioning.test_crash import EVERY, POSSIBLE_CALLS, WRITES, Killed, killed_at
from tests.provisioning.test_hooks import hook, run_of
from tests.receiver import Receiver

RULES = {
    "enabled": True,
    "backoff_minutes": 0,
    "circuit_minimum": 100,
    "max_attempts": 50,
    "max_per_cluster": 50,
}
# The calls that change something, by what is done.
WRITES_OF = {"start": 1, "restart": 2}


@pytest.fixture
def healed(cloud: Cloud) -> Deployment:
    """A machine on a cluster where healing is switched on."""
    for key, value in RULES.items():
        setting_change(actor=Actor.system("test"), name=f"cloudpods.auto_heal.{key}", value=value)
    row = scenes.running(cloud)
    Deployment.across_tenants.filter(pk=row.pk).update(desired_power="running")
    return row


def begun(cloud: Cloud, row: Deployment, action: str) -> HealAttempt:
    """A healing that was asked for: of a machine that is off, or of one that does not answer."""
    kind = POWER if action == "start" else "agent"
    # The cluster was listed a moment ago, however long the rounds before took.
    Cluster.objects.using("platform").filter(pk=cloud.cluster.pk).update(last_seen_at=clock.now())
    if action == "start":
        cloud.simulator.control("POST", "/power", {"vmid": row.vmid, "status": "stopped"})
    with tenant_scope(row.tenant_id):
        HealthState.objects.update_or_create(
            deployment=row,
            defaults={
                "tenant_id": row.tenant_id,
                "verdict": "bad",
                "bad_count": 9,
                "checks": [{"kind": kind, "verdict": "bad", "reason": "test"}],
                "checked_at": clock.now(),
                "reason": "test",
            },
        )
        actor = Actor.system("auto-heal", tenant_id=row.tenant_id)
        attempt = healing.heal_request(actor=actor, deployment_id=row.pk)
    assert attempt is not None
    assert attempt.action == action
    return attempt


def power_tasks(cloud: Cloud, row: Deployment) -> list[str]:
    """What was done to the machine's power on the cluster, in its order."""
    upids = [task["upid"] for task in cloud.simulator.state()["tasks"]]
    kinds = [(upid.split(":")[5], upid.split(":")[6]) for upid in upids]
    return [kind for kind, subject in kinds if subject == str(row.vmid)]


def healings_survive(cloud: Cloud, row: Deployment, action: str, when: str, methods: str) -> None:
    """Kills at one call after the other until a healing ends without being killed."""
    for number in range(1, POSSIBLE_CALLS):
        before = len(power_tasks(cloud, row))
        attempt = begun(cloud, row, action)
        was_killed = killed_at(when, number, methods)
        scenes.leases_expire()
        run_until_idle()
        done = power_tasks(cloud, row)[before:]
        vm = cloud.simulator.vm(row.vmid) or {}
        found = scenes.reloaded(row)
        assert (found.status, found.attention, vm["status"]) == ("running", None, "running")
        assert HealAttempt.across_tenants.get(pk=attempt.pk).status == "done"
        # Nothing cuts the power of a machine that was started already.
        assert done == sorted(done, reverse=True)
        assert ("qmstop" in done) == (action == "restart")
        if not was_killed:
            assert number > WRITES_OF[action]
            return
    pytest.fail("the healing never ended")


@pytest.mark.parametrize("action", [pytest.param("start", marks=pytest.mark.soak), "restart"])
def test_killed_after_a_change_of_a_healing_the_machine_runs(
    cloud: Cloud, healed: Deployment, action: str
) -> None:
    healings_survive(cloud, healed, action, "after", WRITES)


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("action", ["start", "restart"])
def test_killed_at_every_call_of_a_healing(
    cloud: Cloud, healed: Deployment, action: str, when: str
) -> None:
    healings_survive(cloud, healed, action, when, EVERY)


@pytest.mark.parametrize(
    ("is_idempotent", "when", "asked"),
    [
        pytest.param(False, "before", 0, marks=pytest.mark.soak),
        (False, "after", 1),
        pytest.param(True, "before", 1, marks=pytest.mark.soak),
        (True, "after", 2),
    ],
)
def test_a_worker_that_dies_at_a_blocking_hook_makes_all_or_nothing(
    cloud: Cloud,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    is_idempotent: bool,
    when: str,
    asked: int,
) -> None:
    ours = hook(
        cloud.world,
        receiver,
        HookEvent.PRE_CREATE,
        blocking=True,
        on_failure="closed",
        is_idempotent=is_idempotent,
    )
    position = cloud.simulator.log_position()
    row = scenes.requested(cloud)
    send = hook_runs.http_send

    def deadly(*args: Any, **kwargs: Any) -> Any:
        if when == "after":
            send(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(hook_runs, "http_send", deadly)
        with pytest.raises(Killed):
            run_until_idle()
    assert cloud.simulator.mutations(position) == []
    scenes.leases_expire()
    run_until_idle()

    found = scenes.reloaded(row)
    expected = ("running", "succeeded") if is_idempotent else ("deleted", "unknown")
    assert (found.status, run_of(ours).status, len(receiver.received)) == (*expected, asked)
    assert (cloud.simulator.vm(row.vmid) is not None) == is_idempotent
    assert scenes.quota_is_true(cloud.world)
    number = VmidAllocation.objects.using("platform").get(cluster=cloud.cluster, vmid=row.vmid)
    assert (number.quarantined_until is None) == is_idempotent
