from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, connections, transaction

from billing.models import Tenant
from portal.kernel import clock
from portal.kernel.queue import LeaseLost
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation, OperationAttempt
from portal.services.claims import Settlement, claim_save, claims_take
from portal.services.sweeps import leases_recover, queues_late, sweep
from portal.states import AttemptOutcome, OperationStatus
from tests.engine import run_until_idle, settle, settle_and_take, take

DONE = Settlement(OperationStatus.COMPLETED, outcome=AttemptOutcome.COMPLETED)
WORKERS = 8


def expire(operation):
    with connections["dispatch"].cursor() as cursor:
        cursor.execute(
            "UPDATE portal_operation SET lease_expires_at = now() - interval '1 s' WHERE id = %s",
            [operation.pk],
        )


def test_every_operation_is_claimed_once(enqueue):
    wanted = {enqueue("test.noop").pk for _ in range(60)}
    start = threading.Barrier(WORKERS)

    def work(number):
        start.wait()
        mine, claim = [], take(f"w{number}")
        while claim is not None:
            mine.append((claim.id, claim.fence))
            _, batch = settle_and_take(claim, DONE, f"w{number}")
            claim = next(iter(batch.claims), None)
        connections.close_all()
        return mine

    with ThreadPoolExecutor(WORKERS) as pool:
        claimed = [pair for mine in pool.map(work, range(WORKERS)) for pair in mine]
    assert len(claimed) == 60
    assert {key for key, _ in claimed} == wanted
    assert len({fence for _, fence in claimed}) == 60
    assert OperationAttempt.objects.using("platform").filter(outcome="completed").count() == 60


def test_higher_priority_goes_first_and_equals_in_order(enqueue):
    late, early = enqueue("test.noop"), enqueue("test.noop")
    urgent = enqueue("test.noop", priority=5)
    assert [take().id for _ in range(3)] == [urgent.pk, late.pk, early.pk]


def test_nothing_is_claimed_before_its_time_nor_from_other_queues(enqueue):
    enqueue("test.noop", scheduled_at=clock.now() + timedelta(hours=1))
    enqueue("test.other")
    assert take() is None


def test_claim_tells_whether_more_is_due(enqueue):
    enqueue("test.noop")
    enqueue("test.noop")
    assert claims_take(queue="cloudpods", worker="w").has_more is True
    assert claims_take(queue="cloudpods", worker="w").has_more is False


def test_newcomer_passes_the_backlog_of_another_tenant(enqueue):
    backlog = [enqueue("test.noop") for _ in range(5)]
    other = Tenant.objects.using("platform").create(slug=f"o-{uuid4().hex[:10]}", name="Other")
    newcomer = enqueue("test.noop", tenant_id=other.pk)
    order = [take().id for _ in range(6)]
    assert order[0] == backlog[0].pk
    assert order.index(newcomer.pk) == 1


def test_operations_of_one_key_run_one_after_the_other_in_order(enqueue):
    first, second = (enqueue("test.noop", concurrency_key="vm:1") for _ in range(2))
    free = enqueue("test.noop", concurrency_key="vm:2")
    claim = take()
    assert claim.id == first.pk
    assert take().id == free.pk
    assert take() is None
    assert settle_and_take(claim, DONE)[1].claims[0].id == second.pk


def test_begun_operation_keeps_its_key_while_it_waits(enqueue):
    first, second = (enqueue("test.noop", concurrency_key="vm:1") for _ in range(2))
    claim = take()
    waiting = Settlement(OperationStatus.PENDING, delay_s=0.0, is_continued=True)
    settle(claim, waiting)
    again = take()
    assert again.id == first.pk
    assert take() is None
    settle(again, DONE)
    assert take().id == second.pk


def test_one_key_never_runs_twice_at_once(enqueue):
    for _ in range(40):
        enqueue("test.noop", concurrency_key="vm:1")
    start, guard, most = threading.Barrier(WORKERS), threading.Lock(), []
    running, done = set(), []

    def work(number):
        start.wait()
        while len(done) < 40:
            claim = take(f"w{number}")
            if claim is None:
                continue
            with guard:
                running.add(claim.id)
                most.append(len(running))
            claim_save(claim)
            with guard:
                running.discard(claim.id)
                done.append(claim.id)
            settle(claim, DONE)
        connections.close_all()

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(work, range(WORKERS)))
    assert (max(most), len(set(done))) == (1, 40)


def test_worker_that_lost_its_lease_writes_nothing(enqueue, row):
    operation = enqueue("test.noop")
    lost = take("slow")
    expire(operation)
    assert leases_recover() == 1
    lost.state = {"stale": True}
    with pytest.raises(LeaseLost):
        claim_save(lost)
    assert settle(lost, DONE) is False
    assert (row(operation).status, row(operation).state) == ("pending", {})


def test_late_settlement_still_hands_over_what_it_claimed(enqueue, row):
    operation, following = enqueue("test.noop"), enqueue("test.noop")
    lost = take("slow")
    expire(operation)
    leases_recover()
    is_settled, batch = settle_and_take(lost, DONE, "slow")
    assert is_settled is False
    assert batch.claims[0].id in {following.pk, operation.pk}
    assert row(batch.claims[0].id).status == "running"


def test_fences_only_grow(enqueue):
    operation = enqueue("test.noop")
    first = take()
    expire(operation)
    leases_recover()
    with connections["dispatch"].cursor() as cursor:
        cursor.execute("UPDATE portal_operation SET scheduled_at = now()")
    assert take().fence > first.fence


@pytest.mark.parametrize("alias", ["dispatch", "platform"])
def test_ended_rows_never_change(enqueue, alias):
    operation = enqueue("test.noop")
    run_until_idle()
    with pytest.raises(DatabaseError, match="has ended and does not change"):
        Operation.objects.using(alias).filter(pk=operation.pk).update(status="pending")


def test_runtime_role_may_not_move_operations(enqueue, tenant):
    operation = enqueue("test.noop")
    for change in ({"fence": 7}, {"worker": "me"}, {"attempts": 3}, {"payload": {}}):
        denied = pytest.raises(DatabaseError, match="permission denied")
        with denied, tenant_scope(tenant.pk), transaction.atomic():
            Operation.objects.filter(pk=operation.pk).update(**change)


def test_sweep_rings_for_what_nobody_took(enqueue, monkeypatch):
    rung = []
    monkeypatch.setattr("portal.services.doorbell.DOORBELL.ring", rung.append)
    enqueue("test.other", scheduled_at=clock.now() - timedelta(seconds=30))
    enqueue("test.noop", scheduled_at=clock.now() + timedelta(seconds=30))
    rung.clear()
    assert queues_late() == ["webhooks"]
    sweep()
    assert rung == ["webhooks"]


def test_sweeps_side_by_side_recover_each_lease_once(enqueue):
    operations = [enqueue("test.noop") for _ in range(20)]
    for operation in operations:
        take()
        expire(operation)
    start = threading.Barrier(4)

    def recover(_):
        start.wait()
        count = leases_recover()
        connections.close_all()
        return count

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(recover, range(4))) == 20
    tries = OperationAttempt.objects.using("platform")
    assert tries.filter(outcome="crashed").count() == 20
