from __future__ import annotations

from datetime import UTC, datetime

from django.db import transaction

from audit.models import Entry
from portal.kernel import context, queue
from portal.kernel.context import RequestContext, request_context
from portal.kernel.tenancy import PLATFORM_TENANT_ID
from portal.models import Operation, OperationAttempt
from portal.services.drains import drain
from tests.engine import TestDesk, run_until_idle
from tests.kinds import noted


def tries(operation):
    return list(
        OperationAttempt.objects.using("platform")
        .filter(operation_id=operation.pk)
        .values_list("attempt", "outcome")
    )


def test_steps_run_in_order_within_one_claim(enqueue, row, tmp_path):
    operation = enqueue("test.three", file=tmp_path / "notes")
    assert run_until_idle() == 1
    done = row(operation)
    assert noted(tmp_path / "notes") == ["one", "two", "three"]
    assert (done.status, done.attempts, done.last_error) == ("completed", 1, None)
    assert [s["status"] for s in done.steps] == ["completed"] * 3
    assert [s["detail"] for s in done.steps] == ["one is done", "two is done", "three is done"]
    assert done.started_at <= done.completed_at
    assert tries(operation) == [(1, "completed")]


def test_poll_costs_no_attempt_and_keeps_state(enqueue, row, tmp_path):
    operation = enqueue("test.poll", payload={"polls": 3}, file=tmp_path / "notes")
    assert run_until_idle() == 4
    done = row(operation)
    assert (done.status, done.attempts, done.state) == ("completed", 1, {"polls": 3})
    assert noted(tmp_path / "notes") == ["poll"] * 4 + ["after"]
    assert done.log == ["poll 2"]
    assert tries(operation) == [(1, "completed")]


def test_waiting_step_shows_percent_and_detail(enqueue, row):
    operation = enqueue("test.poll", payload={"after_s": 3600})
    assert run_until_idle(horizon_s=60) == 1
    waiting = row(operation)
    step = waiting.steps[0]
    assert (waiting.status, step["status"], step["percent"]) == ("pending", "waiting", 10)
    assert step["detail"] == "poll 1"


def test_retry_takes_an_attempt_each_and_succeeds(enqueue, row):
    operation = enqueue("test.flaky", payload={"failures": 2})
    run_until_idle()
    assert (row(operation).status, row(operation).attempts) == ("completed", 3)
    assert tries(operation) == [(1, "retried"), (2, "retried"), (3, "completed")]


def test_retry_waits_as_long_as_asked(enqueue, row, settings):
    settings.ENGINE = settings.ENGINE | {"BACKOFF_SCALE": 1.0}
    operation = enqueue("test.flaky", payload={"failures": 1, "after_s": 3600})
    run_until_idle(horizon_s=60)
    waiting = row(operation)
    delay_s = (waiting.scheduled_at - waiting.updated_at).total_seconds()
    assert (waiting.status, round(delay_s)) == ("pending", 3600)
    assert waiting.last_error == "not yet (1)"


def test_exhausted_attempts_are_dead_audited_and_unwound_once(enqueue, row, tenant, tmp_path):
    operation = enqueue("test.flaky", payload={"failures": 9}, file=tmp_path / "notes")
    run_until_idle()
    dead = row(operation)
    assert (dead.status, dead.attempts, dead.last_error) == ("dead", 3, "not yet (3)")
    assert noted(tmp_path / "notes") == ["try"] * 3 + ["unwind:dead:flaky"]
    entry = Entry.objects.using("platform").get(tag="operation.dead")
    assert (entry.tenant_id, entry.target_id) == (tenant.pk, str(operation.pk))
    assert (entry.operation_id, entry.detail["code"]) == (operation.pk, "flaky")


def test_unforeseen_exception_is_retried_and_its_words_stay_in_the_log(enqueue, row, tmp_path):
    operation = enqueue("test.explode", file=tmp_path / "notes")
    run_until_idle()
    dead = row(operation)
    assert noted(tmp_path / "notes") == ["explode", "explode", "unwind:dead:unexpected_error"]
    assert dead.status == "dead"
    assert "hunter2" not in str(vars(dead))


def test_permanent_error_fails_at_once(enqueue, row, tmp_path):
    operation = enqueue("test.hopeless", file=tmp_path / "notes")
    assert run_until_idle() == 1
    failed = row(operation)
    assert (failed.status, failed.attempts) == ("failed", 1)
    assert failed.last_error == "This will never work."
    assert failed.attention is None
    assert [s["status"] for s in failed.steps] == ["completed", "failed"]
    assert noted(tmp_path / "notes") == ["one", "unwind:failed:hopeless"]
    assert Entry.objects.using("platform").filter(tag="operation.dead").count() == 0


def test_operator_is_told_what_to_do(enqueue, row):
    operation = enqueue("test.operator")
    run_until_idle()
    assert row(operation).status == "failed"
    assert row(operation).attention == {
        "code": "stranger",
        "message": "A stranger sits on 101.",
        "command": "qm config 101",
    }


def test_complete_skips_what_remains(enqueue, row):
    operation = enqueue("test.early")
    run_until_idle()
    done = row(operation)
    assert (done.status, done.result) == ("completed", {"answer": 42})
    assert [s["status"] for s in done.steps] == ["completed", "skipped"]


def test_ending_is_repeated_until_it_works_without_running_the_step_again(enqueue, row, tmp_path):
    operation = enqueue("test.bad_end", file=tmp_path / "notes")
    run_until_idle()
    assert noted(tmp_path / "notes") == ["unwind"] * 4
    assert (row(operation).status, row(operation).attempts) == ("failed", 1)
    assert tries(operation) == [(1, "failed")]


def test_steps_run_for_whoever_asked(enqueue, actor, tenant, monkeypatch):
    seen = []

    def look(step_context, word):
        here = context.current()
        seen.append((here.request_id, here.operation_id, here.channel, step_context.actor))

    monkeypatch.setattr("tests.kinds.note", look)
    with request_context(RequestContext(request_id="req-7")):
        operation = enqueue("test.noop")
    run_until_idle()
    request_id, operation_id, channel, who = seen[0]
    assert (request_id, operation_id, channel) == ("req-7", operation.pk, "operation")
    assert (who.user_id, who.tenant_id) == (actor.user_id, tenant.pk)
    assert who.label == "system:operation for ada"


def test_platform_operations_run_in_the_platform_tenant(enqueue, row):
    operation = enqueue("test.noop", tenant_id=PLATFORM_TENANT_ID)
    run_until_idle()
    assert (row(operation).tenant_id, row(operation).status) == (PLATFORM_TENANT_ID, "completed")


def test_unknown_type_waits_for_a_worker_that_knows_it(enqueue, row, monkeypatch):
    operation = enqueue("test.noop")
    monkeypatch.delitem(queue._kinds, "test.noop")
    assert run_until_idle(horizon_s=5) == 1
    assert (row(operation).status, row(operation).last_error) == (
        "pending",
        "No worker knows the operation type test.noop yet.",
    )


def test_draining_worker_gives_back_between_steps(enqueue, row, monkeypatch, tmp_path):
    desk = TestDesk()
    operation = enqueue("test.three", file=tmp_path / "notes")
    monkeypatch.setattr("tests.kinds.note", lambda *_: setattr(desk, "is_told_to_drain", True))
    assert drain("cloudpods", desk=desk) == 1
    given_back = row(operation)
    assert (given_back.status, given_back.step, given_back.attempts) == ("pending", "two", 1)
    desk.is_told_to_drain = False
    assert drain("cloudpods", desk=desk) == 1
    desk.is_told_to_drain = False
    assert drain("cloudpods", desk=desk) == 1
    assert (row(operation).status, row(operation).attempts) == ("completed", 1)


def test_rollback_takes_the_operation_with_it(enqueue, row, actor, tenant):
    with transaction.atomic():
        enqueue("test.noop")
        transaction.set_rollback(True)
    assert Operation.across_tenants.count() == 0


def test_state_keeps_what_steps_naturally_hold(enqueue, row, monkeypatch):
    def hold(step_context, word):
        step_context.state["at"] = datetime(2026, 3, 1, tzinfo=UTC)
        step_context.state["key"] = step_context.operation_id

    monkeypatch.setattr("tests.kinds.note", hold)
    operation = enqueue("test.noop")
    run_until_idle()
    assert row(operation).state == {"at": "2026-03-01T00:00:00Z", "key": str(operation.pk)}
