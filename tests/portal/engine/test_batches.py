from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connections

from billing.models import Tenant
from portal.kernel.tenancy import tenant_scope
from portal.models import LiveEvent, OperationAttempt
from portal.services import claim_statements as statements
from portal.services import drains
from portal.services.claims import Settlement, claims_settle_and_take, claims_take
from portal.services.enqueueing import NewOperation
from portal.services.operations import operation_enqueue_many
from portal.services.sweeps import leases_recover
from portal.states import AttemptOutcome, OperationStatus
from tests.engine import TestDesk, leases_end, run_until_idle, worker_process
from tests.kinds import noted

DONE = Settlement(OperationStatus.COMPLETED, outcome=AttemptOutcome.COMPLETED)


@pytest.fixture
def enqueue_many(tenant, actor):
    def _many(type_, count, **same):
        news = [NewOperation(**same) for _ in range(count)]
        with tenant_scope(tenant.pk):
            return operation_enqueue_many(actor=actor, type=type_, news=news)

    return _many


def batch():
    return claims_take(queue="webhooks", worker="w")


def write_transactions():
    """Every transaction of the engine that writes tells live pages of it."""
    return LiveEvent.objects.using("dispatch").values("xid").distinct().count()


def test_short_kind_is_claimed_several_at_a_time_in_order(enqueue_many):
    keys = enqueue_many("test.short", 25)
    first = batch()
    assert [claim.id for claim in first.claims] == keys[:10]
    assert first.has_more is True
    lost, second = claims_settle_and_take(
        [(claim, DONE) for claim in first.claims], queue="webhooks", worker="w"
    )
    assert (lost, [claim.id for claim in second.claims]) == ([], keys[10:20])
    assert len({claim.fence for claim in (*first.claims, *second.claims)}) == 20


def test_batch_holds_one_kind_alone(enqueue, enqueue_many):
    enqueue_many("test.short", 2)
    enqueue("test.other")
    enqueue_many("test.short", 2)
    assert [claim.type for claim in batch().claims] == ["test.short"] * 4
    assert [claim.type for claim in batch().claims] == ["test.other"]


def test_what_was_tried_before_runs_alone(enqueue_many):
    enqueue_many("test.short", 4)
    assert len(batch().claims) == 4
    leases_end()
    assert leases_recover() == 4
    with connections["dispatch"].cursor() as cursor:
        cursor.execute("UPDATE portal_operation SET scheduled_at = now()")
    assert len(batch().claims) == 1


def test_one_key_is_in_a_batch_once(enqueue_many):
    enqueue_many("test.short", 5, concurrency_key="vm:1")
    assert len(batch().claims) == 1


def test_crash_in_a_batch_repeats_what_was_not_written_and_loses_nothing(
    enqueue_many, row, tmp_path
):
    notes = tmp_path / "notes"
    keys = enqueue_many("test.short", 20, payload={"file": str(notes)})
    with worker_process(FAILPOINT="engine:settling:2") as worker:
        assert worker.wait(timeout=60) == 137
    assert [row(key).status for key in keys] == ["completed"] * 10 + ["running"] * 10
    leases_end()
    leases_recover()
    run_until_idle()
    assert {row(key).status for key in keys} == {"completed"}
    assert len(noted(notes)) == 30
    ended = OperationAttempt.objects.using("platform").filter(outcome="completed")
    assert ended.values("operation_id").distinct().count() == ended.count() == 20


def test_draining_worker_gives_back_what_it_has_not_begun(enqueue_many, row, monkeypatch):
    keys, desk = enqueue_many("test.short", 3), TestDesk()
    run = drains.operation_run

    def run_and_drain(claim, **more):
        settlement = run(claim, **more)
        desk.is_told_to_drain = True
        return settlement

    monkeypatch.setattr(drains, "operation_run", run_and_drain)
    drains.drain("webhooks", desk=desk)
    assert [row(key).status for key in keys] == ["completed", "pending", "pending"]
    monkeypatch.undo()
    run_until_idle()
    assert [row(key).attempts for key in keys] == [1, 1, 1]


def test_write_transactions_per_operation(enqueue):
    for _ in range(50):
        enqueue("test.noop")
    run_until_idle()
    assert write_transactions() == 50 + 51


def test_write_transactions_per_operation_in_bulk(enqueue_many):
    enqueue_many("test.noop", 50)
    run_until_idle()
    assert write_transactions() == 1 + 51


def test_write_transactions_per_operation_of_a_short_kind(enqueue_many):
    enqueue_many("test.short", 50)
    run_until_idle()
    assert write_transactions() == 1 + 5


def test_priority_of_the_kind_the_one_asked_for_and_the_cap(enqueue, row):
    assert row(enqueue("test.urgent")).priority == 3
    assert row(enqueue("test.urgent", priority=1)).priority == 1
    assert row(enqueue("test.urgent", priority=99)).priority == 5


def test_backlog_of_one_tenant_is_claimed_after_the_single_one_of_another(enqueue, enqueue_many):
    enqueue_many("test.other", 2_000)
    other = Tenant.objects.using("platform").create(slug="single", name="Single")
    single = enqueue("test.other", tenant_id=other.pk)
    order = [batch().claims[0].id for _ in range(2)]
    assert single.pk in order


def test_claim_under_a_backlog_reads_its_index_in_order(enqueue_many):
    enqueue_many("test.other", 2_000)
    with connections["dispatch"].cursor() as cursor:
        cursor.execute(
            f"EXPLAIN {statements.TAKE_ONE}",
            {"queue": "webhooks", "worker": "w", "lease_s": 60.0, "look": 2},
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    due = plan[plan.index("CTE due") :]
    assert "Sort" not in due[: due.index("Index Scan using operation_ready")]


def test_settling_reads_the_row_by_its_key(enqueue_many):
    enqueue_many("test.other", 500)
    parameters = {
        "settlements": "[]",
        "ids": [uuid4() for _ in range(10)],
        "queue": "webhooks",
        "worker": "w",
    }
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE portal_operation")
    with connections["dispatch"].cursor() as cursor:
        cursor.execute(f"EXPLAIN {statements.SETTLE}", parameters)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    scan = plan[plan.index("portal_operation_pkey") :].splitlines()
    assert "Index Cond: (id = ANY" in scan[1]
