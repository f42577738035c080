"""Two changes at once that need the same rows: one waits for the other, and neither is broken off.

All other tests here watch the order itself (`tests/locks.py`); these show what it is for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from django.db import connection, connections, transaction

from billing.models import QuotaUsage
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from portal.services.operations import operation_cancel
from provisioning.models import Deployment
from tests.conftest import Cloud
from tests.engine import wait_until
from tests.provisioning import scenes, volume_scenes


def behind(cloud: Cloud, gate: Callable[[], object], *acts: Callable[[], object]) -> list[str]:
    """Lets the acts begin one after the other, each until it waits, behind rows that `gate` locks.

    Answers what became of each: "ok", or the class of its error.
    """
    results = [""] * len(acts)

    def work(number: int) -> None:
        try:
            acts[number]()
            results[number] = "ok"
        except Exception as error:  # noqa: BLE001 - the class is the result
            results[number] = type(error).__name__
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(acts))]
    with tenant_scope(cloud.world.north.pk), transaction.atomic():
        gate()
        for count, thread in enumerate(threads, start=1):
            thread.start()
            wait_until(partial(_waits, count), timeout_s=60)
    for thread in threads:
        thread.join()
    return results


def _waits(count: int) -> bool:
    """Whether so many sessions of this database wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone() == (count,))


def test_a_creation_and_a_growth_in_a_bench_wait_for_the_quota_alone(cloud: Cloud) -> None:
    volume = volume_scenes.attached(cloud, scenes.running(cloud))
    volume_scenes.acted(cloud, volume, "detach")
    results = behind(
        cloud,
        lambda: QuotaUsage.objects.select_for_update().get(tenant_id=cloud.world.north.pk),
        lambda: scenes.requested(cloud, "web-2"),
        lambda: volume_scenes.asked(cloud, volume, "resize", size_gb=9),
    )
    assert results == ["ok", "ok"]


def test_a_deletion_and_a_cancel_wait_for_the_machine_alone(cloud: Cloud) -> None:
    deployment = scenes.running(cloud)
    scenes.acted(cloud, deployment, "stop")
    operation = Operation.across_tenants.get(type="pod.stop")

    def cancel() -> None:
        with tenant_scope(deployment.tenant_id):
            operation_cancel(actor=cloud.world.actor("ops"), operation_id=operation.pk)

    results = behind(
        cloud,
        lambda: Deployment.objects.select_for_update(of=("self",)).get(pk=deployment.pk),
        lambda: scenes.acted(cloud, deployment, "delete"),
        cancel,
    )
    assert results == ["ok", "Conflict"]
    operation.refresh_from_db(using="platform")
    assert operation.status == "canceled"
    assert Deployment.across_tenants.get(pk=deployment.pk).status == "deleting"
