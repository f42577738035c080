from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest
from django.db import connection, connections, transaction

from audit.models import Entry
from billing.models import Tenant
from portal.kernel.authz import Actor, ActorKind
from portal.kernel.errors import Conflict, NotFound, Refused
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from portal.services.doorbell import DOORBELL
from portal.services.operations import (
    operation_cancel,
    operation_cancel_for,
    operation_enqueue,
    operation_retry,
)
from tests.engine import run_until_idle, take
from tests.kinds import noted

MANAGE = frozenset({"operations.manage", "operations.view"})


@pytest.fixture
def other(actor):
    """A colleague without special rights."""
    return replace(actor, user_id=uuid4(), label="bob")


@pytest.fixture
def operator(other):
    return replace(other, permissions=MANAGE)


def entries(tag):
    return Entry.objects.using("platform").filter(tag=tag)


def test_enqueue_stores_what_was_asked_and_rings(enqueue, row, actor, monkeypatch):
    rung = []
    monkeypatch.setattr(DOORBELL, "ring", rung.append)
    target = uuid4()
    operation = enqueue(
        "test.three", payload={"key": target}, target_type="thing", target_id=target
    )
    stored = row(operation)
    assert (stored.queue, stored.status, stored.step) == ("cloudpods", "pending", "one")
    assert (stored.actor_id, stored.actor_label) == (actor.user_id, "ada")
    assert stored.payload == {"key": str(target)}
    assert [s["label"] for s in stored.steps] == ["One", "Two", "Three"]
    assert rung == ["cloudpods"]


def test_enqueue_without_any_tenant_is_a_programming_error(actor):
    with pytest.raises(ValueError, match="belongs to a tenant"):
        operation_enqueue(actor=actor, type="test.noop")


def test_pending_is_canceled_at_once_and_unwound(enqueue, row, actor, tenant, tmp_path):
    operation = enqueue("test.poll", file=tmp_path / "notes")
    with tenant_scope(tenant.pk):
        operation_cancel(actor=actor, operation_id=operation.pk)
    assert row(operation).status == "canceled"
    assert row(operation).completed_at is not None
    assert noted(tmp_path / "notes") == ["unwind:canceled:canceled"]
    assert run_until_idle() == 0
    entry = entries("operation.canceled").get()
    assert (entry.before, entry.after["status"]) == ({"status": "pending"}, "canceled")


def test_waiting_one_stops_before_its_next_step(enqueue, row, actor, tenant, tmp_path):
    operation = enqueue("test.poll", payload={"after_s": 3600}, file=tmp_path / "notes")
    run_until_idle(horizon_s=60)
    with tenant_scope(tenant.pk):
        operation_cancel(actor=actor, operation_id=operation.pk)
    assert (row(operation).status, row(operation).cancel_requested) == ("pending", True)
    run_until_idle()
    canceled = row(operation)
    assert canceled.status == "canceled"
    assert canceled.steps[0]["status"] == "canceled"
    assert noted(tmp_path / "notes") == ["poll", "unwind:canceled:canceled"]


def test_what_cannot_stop_half_way_says_so(enqueue, row, actor, tenant):
    operation = enqueue("test.noop")
    assert take() is not None
    with tenant_scope(tenant.pk), pytest.raises(Conflict) as refused:
        operation_cancel(actor=actor, operation_id=operation.pk)
    assert refused.value.error_code == "operation_not_cancelable"
    assert row(operation).cancel_requested is False
    assert entries("operation.canceled").count() == 0


def test_ended_one_cannot_be_canceled(enqueue, actor, tenant):
    operation = enqueue("test.noop")
    run_until_idle()
    with tenant_scope(tenant.pk), pytest.raises(Conflict) as refused:
        operation_cancel(actor=actor, operation_id=operation.pk)
    assert refused.value.error_code == "operation_ended"


def test_cancel_and_claim_at_once_leave_one_winner(enqueue, row, actor, tenant):
    def cancel(key):
        try:
            with tenant_scope(tenant.pk):
                operation_cancel(actor=actor, operation_id=key)
        except Conflict:
            return "refused"
        finally:
            connections.close_all()
        return "canceled"

    def claim(_):
        try:
            return take()
        finally:
            connections.close_all()

    for _ in range(5):
        operation = enqueue("test.noop")
        with ThreadPoolExecutor(2) as pool:
            canceled, claimed = pool.submit(cancel, operation.pk), pool.submit(claim, None)
        outcome = (canceled.result(), claimed.result() is not None, row(operation).status)
        assert outcome in {("canceled", False, "canceled"), ("refused", True, "running")}


def test_cancel_for_a_target_stops_what_can_be_stopped(enqueue, row, actor, tenant):
    target = uuid4()
    begun = enqueue("test.noop", target_id=target)
    take()
    waiting, elsewhere = enqueue("test.three", target_id=target), enqueue("test.three")
    with tenant_scope(tenant.pk):
        stopped = operation_cancel_for(actor=actor, target_id=target)
    assert [operation.pk for operation in stopped] == [waiting.pk]
    assert [row(o).status for o in (begun, waiting, elsewhere)] == [
        "running",
        "canceled",
        "pending",
    ]


def test_retry_is_a_new_row_and_leaves_the_old_one(enqueue, row, actor, tenant, tmp_path):
    failed = enqueue("test.hopeless", file=tmp_path / "notes", concurrency_key="vm:9")
    run_until_idle()
    before = row(failed)
    with tenant_scope(tenant.pk):
        again = operation_retry(actor=actor, operation_id=failed.pk)
    assert (again.retry_of_id, again.payload, again.concurrency_key) == (
        failed.pk,
        before.payload,
        "vm:9",
    )
    assert (row(failed).status, row(failed).updated_at) == ("failed", before.updated_at)
    assert entries("operation.retried").get().after["operation"] == str(again.pk)


def test_concurrent_retries_make_one_new_operation(enqueue, actor, tenant):
    failed = enqueue("test.hopeless")
    run_until_idle()

    def retry(_):
        try:
            with tenant_scope(tenant.pk):
                operation_retry(actor=actor, operation_id=failed.pk)
        except Conflict as error:
            return error.error_code
        finally:
            connections.close_all()
        return "retried"

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(retry, range(4)))
    assert answers == ["operation_retried_already"] * 3 + ["retried"]
    assert Operation.across_tenants.filter(retry_of=failed.pk).count() == 1


def test_only_what_failed_can_be_retried(enqueue, actor, tenant):
    operation = enqueue("test.noop")
    with tenant_scope(tenant.pk), pytest.raises(Conflict) as refused:
        operation_retry(actor=actor, operation_id=operation.pk)
    assert refused.value.error_code == "operation_not_retryable"


@pytest.mark.parametrize("service", [operation_cancel, operation_retry])
def test_others_need_the_permission(enqueue, row, other, operator, tenant, service):
    operation = enqueue("test.hopeless")
    if service is operation_retry:
        run_until_idle()
    before = row(operation).status
    with tenant_scope(tenant.pk), pytest.raises(Refused):
        service(actor=other, operation_id=operation.pk)
    assert (row(operation).status, Operation.across_tenants.count()) == (before, 1)
    with tenant_scope(tenant.pk):
        service(actor=operator, operation_id=operation.pk)


@pytest.mark.parametrize("service", [operation_cancel, operation_retry])
def test_another_tenants_operation_does_not_exist(enqueue, row, service):
    operation = enqueue("test.noop")
    foreign = Tenant.objects.using("platform").create(slug=f"f-{uuid4().hex[:10]}", name="Foreign")
    boss = Actor(
        kind=ActorKind.USER, label="eve", user_id=uuid4(), tenant_id=foreign.pk, permissions=MANAGE
    )
    with tenant_scope(foreign.pk):
        for key in (operation.pk, uuid4(), "no-uuid"):
            with pytest.raises(NotFound):
                service(actor=boss, operation_id=key)
    assert row(operation).status == "pending"


def test_statements_after_an_enqueue_have_plans_of_their_own_again(enqueue):
    with transaction.atomic():
        enqueue("test.noop")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('plan_cache_mode'), current_setting('enable_seqscan')"
            )
            modes = cursor.fetchone()
    assert modes == ("force_custom_plan", "on")
