"""API hosts that die: operations wait without losing a try, another host takes over, nothing is made twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from integrations.base.registry import HOSTS, HostLimits
from integrations.base.retry import Backoff
from integrations.services.hypervisors import hypervisors_forget
from portal.kernel.queue import QUEUES
from portal.services.drains import drain
from provisioning.models import ApiHost, Cluster, Deployment
from provisioning.services import observation
from tests.conftest import Cloud
from tests.engine import TestDesk, run_until_idle, wait_until
from tests.provisioning import scenes
from tests.provisioning.relay import Relay, relay
from tests.provisioning.scenes import last_operation, reloaded


@pytest.fixture(autouse=True)
def _quick_gates(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hosts that failed are asked again soon, and are forgotten between tests."""
    limits = HostLimits(cooldown=Backoff(first_s=0.1, limit_s=0.3))
    monkeypatch.setattr(HOSTS, "_limits", limits)
    HOSTS._gates.clear()
    yield
    HOSTS._gates.clear()


@pytest.fixture
def first(cloud: Cloud) -> Iterator[Relay]:
    with relay(cloud.simulator.host, cloud.simulator.port) as made:
        yield made


def reached_by(cloud: Cloud, *addresses: str) -> None:
    Cluster.objects.using("platform").filter(pk=cloud.cluster.pk).update(hosts=list(addresses))
    hypervisors_forget()


def worked() -> None:
    for queue in QUEUES:
        drain(queue, desk=TestDesk())


def says(deployment: Deployment, words: str) -> bool:
    worked()
    return any(words in step.get("detail", "") for step in last_operation(deployment).steps)


def dies_after(host: Relay, condition: Callable[[], bool]) -> None:
    wait_until(condition)
    host.down()


def clones(cloud: Cloud, position: int) -> int:
    """The clones it took on: a request that was cut off on its way started none."""
    calls = cloud.simulator.mutations(position)
    return sum(call["path"].endswith("/clone") and call["status"] == 200 for call in calls)


def test_operations_wait_for_a_silent_cluster_and_then_finish(cloud: Cloud, first: Relay) -> None:
    reached_by(cloud, first.address)
    position = cloud.simulator.log_position()
    rows = [scenes.requested(cloud, f"web-{number}") for number in range(3)]
    first.down()
    wait_until(lambda: all(says(row, "does not answer since") for row in rows))
    for _ in range(30):
        worked()
    assert {(last_operation(row).status, last_operation(row).attempts) for row in rows} == {
        ("pending", 1)
    }
    first.up()
    run_until_idle()
    assert [reloaded(row).status for row in rows] == ["running"] * 3
    assert clones(cloud, position) == 3


def test_the_second_host_takes_over_in_the_middle_of_creations(cloud: Cloud, first: Relay) -> None:
    with relay(cloud.simulator.host, cloud.simulator.port) as second:
        reached_by(cloud, first.address, second.address)
        position = cloud.simulator.log_position()
        rows = [scenes.requested(cloud, f"web-{number}") for number in range(4)]
        with ThreadPoolExecutor(1) as pool:
            death = pool.submit(dies_after, first, lambda: clones(cloud, position) >= 2)
            run_until_idle()
            death.result()
        rows.append(scenes.requested(cloud, "web-4"))
        run_until_idle()
        assert [reloaded(row).status for row in rows] == ["running"] * 5
        assert clones(cloud, position) == 5
        assert second.accepted > 0
    ours = [vm["vmid"] for vm in cloud.simulator.state()["vms"] if vm["vmid"] >= 20_000]
    assert sorted(ours) == sorted(reloaded(row).vmid for row in rows)


def test_the_state_of_every_host_is_on_record(cloud: Cloud, first: Relay) -> None:
    direct = f"{cloud.simulator.host}:{cloud.simulator.port}"
    reached_by(cloud, first.address, direct)
    first.down()
    observation.observation_schedule()
    run_until_idle()
    seen = {row.address: row for row in ApiHost.objects.using("platform").all()}
    assert {address: row.is_reachable for address, row in seen.items()} == {
        first.address: False,
        direct: True,
    }
    assert first.address in seen[first.address].last_error
    silent_since = seen[first.address].changed_at
    observation.observation_schedule()
    run_until_idle()
    assert ApiHost.objects.using("platform").get(is_reachable=False).changed_at == silent_since
    first.up()
    wait_until(lambda: _answers(first.address))


def _answers(address: str) -> bool:
    observation.observation_schedule()
    run_until_idle()
    return ApiHost.objects.using("platform").get(address=address).is_reachable
