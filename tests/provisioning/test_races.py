"""Many at once: quota, names and VMIDs under real threads and real transactions."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import pytest
from django.db import connections

from billing.errors import QuotaExceeded
from billing.models import Quota
from portal.kernel.errors import DomainError
from provisioning.models import Deployment
from tests.conftest import Cloud
from tests.provisioning import scenes


def at_once(count: int, act: Callable[[int], object]) -> Counter[str]:
    """Runs `act` in that many threads that begin together; counts results and error classes."""
    barrier, results, lock = threading.Barrier(count), Counter[str](), threading.Lock()

    def work(number: int) -> None:
        barrier.wait()
        try:
            act(number)
            word = "ok"
        except DomainError as error:
            word = type(error).__name__
        finally:
            connections.close_all()
        with lock:
            results[word] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_twelve_submits_on_four_free_places_give_four(cloud: Cloud) -> None:
    tenant = cloud.world.north
    Quota.objects.using("platform").create(
        tenant=tenant, deployments=4, cpu_cores=None, memory_mb=None, disk_gb=None
    )
    results = at_once(12, lambda n: scenes.requested(cloud, f"web-{n}"))
    assert results == {"ok": 4, "QuotaExceeded": 8}
    assert Deployment.across_tenants.count() == 4
    assert scenes.quota_is_true(cloud.world)


@pytest.mark.parametrize("count", [16, pytest.param(50, marks=pytest.mark.soak)])
def test_many_creates_get_as_many_vmids(cloud: Cloud, count: int) -> None:
    Quota.objects.using("platform").create(tenant=cloud.world.north)
    assert at_once(count, lambda n: scenes.requested(cloud, f"web-{n}")) == {"ok": count}
    vmids = list(Deployment.across_tenants.values_list("vmid", flat=True))
    assert sorted(vmids) == list(range(20_000, 20_000 + count))


def test_one_of_many_submits_of_the_same_name_wins(cloud: Cloud) -> None:
    results = at_once(8, lambda _: scenes.requested(cloud, "same"))
    assert results == {"ok": 1, "DeploymentInvalid": 7}
    assert scenes.quota_is_true(cloud.world)


def test_a_start_and_a_deletion_at_once_have_one_order(cloud: Cloud) -> None:
    deployment = scenes.running(cloud)

    def act(number: int) -> None:
        scenes.acted(cloud, deployment, "stop" if number % 2 else "delete")

    results = at_once(6, act)
    assert results["ok"] in {1, 2}
    assert scenes.reloaded(deployment).status == "deleting"


def test_quota_refusal_names_every_figure(cloud: Cloud) -> None:
    tenant = cloud.world.north
    Quota.objects.using("platform").create(
        tenant=tenant, deployments=None, cpu_cores=3, memory_mb=0, disk_gb=None
    )
    with pytest.raises(QuotaExceeded) as refusal:
        scenes.requested(cloud, "big", cpu_cores=4, memory_mb=1024)
    assert refusal.value.data["verdicts"] == [
        {"dimension": "cpu_cores", "limit": 3, "used": 0, "requested": 4},
        {"dimension": "memory_mb", "limit": 0, "used": 0, "requested": 1024},
    ]
    assert not Deployment.across_tenants.exists()
