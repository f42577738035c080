"""The crash matrix: a worker dies before or after any call to the hypervisor; the end is always true."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from integrations.proxmox.transport import ProxmoxTransport, SilentObserver
from provisioning.models import Deployment, VmidAllocation
from tests.conftest import Cloud
from tests.engine import run_until_idle, worker_process
from tests.provisioning import scenes

POSSIBLE_CALLS = 40
EVERY = "GET|POST|PUT|DELETE"
WRITES = "POST|PUT|DELETE"
# How many calls of that kind one creation and one deletion make at least.
LEAST = {EVERY: (8, 5), WRITES: (3, 1)}


class Killed(BaseException):
    """The worker is gone: nothing above may handle it."""


class Executioner:
    """Kills at the n-th call of some methods, before it is sent or after its answer arrived."""

    def __init__(self, when: str, number: int, methods: str) -> None:
        self.when, self.left, self.methods = when, number, methods

    def _pass(self, when: str, method: str) -> None:
        if when == self.when and method in self.methods:
            self.left -= 1
            if self.left == 0:
                raise Killed

    def before(self, method: str, path: str) -> None:
        self._pass("before", method)

    def after(self, method: str, path: str, outcome: str) -> None:
        self._pass("after", method)


def killed_at(when: str, number: int, methods: str = EVERY) -> bool:
    """Works until the n-th call kills the worker; answers whether it got that far."""
    ProxmoxTransport.observer = Executioner(when, number, methods)
    try:
        run_until_idle()
    except Killed:
        return True
    finally:
        ProxmoxTransport.observer = SilentObserver()
    return False


def machines_of(cloud: Cloud, deployment: Deployment) -> list[dict[str, object]]:
    """Every machine on the cluster that carries our mark for this deployment or sits in our range."""
    return [
        vm
        for vm in cloud.simulator.state()["vms"]
        if str(deployment.pk) in str(vm["config"].get("description", "")) or vm["vmid"] >= 20_000
    ]


def creations_survive(cloud: Cloud, when: str, methods: str) -> None:
    """Kills at every call of these methods in a creation until one ends without being killed."""
    for number in range(1, POSSIBLE_CALLS):
        deployment = scenes.requested(cloud, f"web-{number}")
        was_killed = killed_at(when, number, methods)
        scenes.leases_expire()
        run_until_idle()
        row = scenes.reloaded(deployment)
        found = machines_of(cloud, row)
        assert (row.status, row.attention, len(found)) == ("running", None, 1), (when, number)
        assert (found[0]["vmid"], found[0]["uuid"], found[0]["status"]) == (
            row.vmid,
            row.guest_uuid,
            "running",
        )
        assert scenes.quota_is_true(cloud.world)
        scenes.acted(cloud, row, "delete")
        run_until_idle()
        assert scenes.reloaded(row).status == "deleted"
        if not was_killed:
            assert number > LEAST[methods][0]
            return
    pytest.fail("the creation never ended")


def deletions_survive(cloud: Cloud, when: str, methods: str) -> None:
    """Kills at every call of these methods in a deletion until one ends without being killed."""
    for number in range(1, POSSIBLE_CALLS):
        deployment = scenes.running(cloud, f"web-{number}")
        scenes.acted(cloud, deployment, "delete")
        was_killed = killed_at(when, number, methods)
        scenes.leases_expire()
        run_until_idle()
        row = scenes.reloaded(deployment)
        assert (row.status, row.attention, machines_of(cloud, row)) == ("deleted", None, [])
        assert scenes.quota_is_true(cloud.world)
        allocation = VmidAllocation.objects.using("platform").get(vmid=row.vmid)
        assert allocation.quarantined_until is not None
        if not was_killed:
            assert number > LEAST[methods][1]
            return
    pytest.fail("the deletion never ended")


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_a_write_of_a_creation_leaves_one_right_machine(cloud: Cloud, when: str) -> None:
    creations_survive(cloud, when, WRITES)


@pytest.mark.parametrize("when", [pytest.param("before", marks=pytest.mark.soak), "after"])
def test_killed_at_a_write_of_a_deletion_leaves_no_machine(cloud: Cloud, when: str) -> None:
    deletions_survive(cloud, when, WRITES)


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("survive", [creations_survive, deletions_survive])
def test_killed_at_every_call(
    cloud: Cloud, when: str, survive: Callable[[Cloud, str, str], None]
) -> None:
    survive(cloud, when, EVERY)


@pytest.mark.parametrize(
    "failpoint",
    [
        pytest.param("before:POST .*/clone$", marks=pytest.mark.soak),
        "after:POST .*/clone$",
        pytest.param("after:PUT .*/resize$", marks=pytest.mark.soak),
        "engine:saved:2",
    ],
)
def test_a_worker_process_killed_for_real_is_survived(cloud: Cloud, failpoint: str) -> None:
    deployment = scenes.requested(cloud)
    with worker_process(FAILPOINT=failpoint) as process:
        assert process.wait(timeout=60) == 137
    scenes.leases_expire()
    run_until_idle()
    row = scenes.reloaded(deployment)
    assert (row.status, len(machines_of(cloud, row))) == ("running", 1)


def test_deletion_during_the_clone_leaves_nothing(cloud: Cloud) -> None:
    deployment = scenes.requested(cloud)
    assert killed_at("after", 3)
    scenes.acted(cloud, deployment, "delete")
    scenes.leases_expire()
    run_until_idle()
    row = scenes.reloaded(deployment)
    assert (row.status, machines_of(cloud, row)) == ("deleted", [])
