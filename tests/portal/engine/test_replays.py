from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.db import connections, transaction
from django.test import Client

from audit.models import Entry
from portal.kernel import clock
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation, Worker
from portal.services.purges import operations_purge
from portal.services.replays import operations_replay
from tests.engine import celery_worker, leases_end, run_until_idle, wait_until, worker_process
from tests.kinds import noted

JSON = "application/json"


def test_replay_answers_for_each_and_makes_one_new_row(enqueue, world, row):
    actor = world.actor("ops")
    failed = [enqueue("test.hopeless", tenant_id=world.north.pk) for _ in range(2)]
    done = enqueue("test.noop", tenant_id=world.north.pk)
    run_until_idle()
    with tenant_scope(world.north.pk), transaction.atomic():
        first = operations_replay(actor=actor, ids=[*(o.pk for o in failed), done.pk])
        second = operations_replay(actor=actor, ids=[failed[0].pk])
        assert operations_replay(actor=actor, filters={}) == []
    assert [one.outcome for one in first] == ["replayed", "replayed", "refused"]
    assert first[2].code == "operation_not_retryable"
    assert row(first[0].operation_id).retry_of_id == failed[0].pk
    assert (second[0].code, second[0].operation_id) == (
        "operation_retried_already",
        first[0].operation_id,
    )


def test_replay_by_filter_takes_what_failed_of_the_own_tenant(enqueue, world):
    mine = enqueue("test.hopeless", tenant_id=world.north.pk)
    enqueue("test.hopeless", tenant_id=world.south.pk)
    run_until_idle()
    with tenant_scope(world.north.pk), transaction.atomic():
        found = operations_replay(actor=world.actor("ops"), filters={"type": "test.hopeless"})
    assert [one.id for one in found] == [str(mine.pk)]


def test_replays_side_by_side_make_one_new_row(enqueue, world):
    failed = enqueue("test.hopeless", tenant_id=world.north.pk)
    run_until_idle()
    start = threading.Barrier(4)

    def replay(_):
        start.wait()
        with tenant_scope(world.north.pk), transaction.atomic():
            (one,) = operations_replay(actor=world.actor("ops"), ids=[failed.pk])
        connections.close_all()
        return one.outcome

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(replay, range(4))) == ["refused"] * 3 + ["replayed"]
    assert Operation.across_tenants.filter(retry_of_id=failed.pk).count() == 1


def test_purge_forgets_what_ended_before_the_retention(enqueue, row):
    old, kept = enqueue("test.noop"), enqueue("test.noop")
    open_ = enqueue("test.noop", scheduled_at=clock.now() + timedelta(days=400))
    run_until_idle()
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE portal_operation DISABLE TRIGGER operation_ended")
    with connections["dispatch"].cursor() as cursor:
        cursor.execute(
            "UPDATE portal_operation SET completed_at = now() - interval '91 days' WHERE id = %s",
            [old.pk],
        )
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE portal_operation ENABLE TRIGGER operation_ended")
    assert operations_purge() == 1
    assert not Operation.across_tenants.filter(pk=old.pk).exists()
    assert (row(kept).status, row(open_).status) == ("completed", "pending")


def client_of(user):
    client = Client()
    client.force_login(user)
    return client


def post(client, path, body):
    return client.post(f"/api/{path}", data=body, content_type=JSON, headers={"accept": JSON})


def test_replay_over_http_needs_a_role_and_one_way_to_name_them(enqueue, world):
    failed = enqueue("test.hopeless", tenant_id=world.north.pk)
    run_until_idle()
    ops, viewer = client_of(world.people["ops"]), client_of(world.people["viewer"])
    body = {"ids": [str(failed.pk)]}
    assert post(viewer, "operations/replay", body).status_code == 403
    assert post(ops, "operations/replay", {}).status_code == 400
    assert post(ops, "operations/replay", body | {"filter": {}}).status_code == 400
    assert post(ops, "operations/replay", {"filter": {"status": "completed"}}).status_code == 400
    (one,) = post(ops, "operations/replay", body).json()["results"]
    assert (one["id"], one["outcome"]) == (str(failed.pk), "replayed")
    assert Entry.objects.using("platform").filter(tag="operation.retried").count() == 1


def test_replay_on_the_page_takes_what_is_ticked(enqueue, world):
    failed = [enqueue("test.hopeless", tenant_id=world.north.pk) for _ in range(2)]
    run_until_idle()
    ops = client_of(world.people["ops"])
    assert f'value="{failed[0].pk}"' in ops.get("/operations").content.decode()
    assert ops.post("/operations/replay", {"ids": [str(failed[0].pk)]}).status_code == 303
    assert ops.post("/operations/replay", {"all": "1"}).status_code == 303
    replays = Operation.across_tenants.exclude(retry_of=None)
    assert set(replays.values_list("retry_of_id", flat=True)) == {one.pk for one in failed}


def staff(world):
    user = world.people["admin"]
    user.is_platform_admin = True
    user.save(using="platform")
    return client_of(user)


def test_worker_that_is_asked_drains_and_goes(enqueue, row, world, tmp_path):
    gate, notes = tmp_path / "gate", tmp_path / "notes"
    operation = enqueue("test.gate", file=notes, gate=gate)
    client = staff(world)
    options = ("-c", "4", "--without-gossip", "--without-mingle", "-I", "tests.kinds")
    with celery_worker(*options) as worker:
        wait_until(lambda: noted(notes) == ["begin"])
        known = Worker.objects.get()
        answer = post(client, f"workers/{known.pk}/drain", {})
        assert (answer.status_code, answer.json()["drain_requested"]) == (202, True)
        wait_until(lambda: Worker.objects.filter(status="draining").exists())
        gate.touch()
        assert worker.wait(timeout=60) == 0
    assert Worker.objects.get().status == "offline"
    assert (row(operation).status, row(operation).attempts) == ("pending", 1)
    for verb in ("drain", "resume"):
        answer = post(client, f"workers/{known.pk}/{verb}", {})
        assert answer.json()["errors"][0]["code"] == "worker_offline"
    assert post(client_of(world.people["ops"]), f"workers/{known.pk}/drain", {}).status_code == 403
    assert Entry.objects.using("platform").filter(tag="worker.drained").count() == 1


def test_kills_and_drains_under_load_lose_and_double_nothing(enqueue, world, tmp_path):
    notes = tmp_path / "notes"
    kinds = ("test.noop", "test.three", "test.short")
    for number in range(150):
        enqueue(kinds[number % 3], file=notes)
    client = staff(world)
    with worker_process() as killed, worker_process() as drained:
        wait_until(lambda: Worker.objects.count() == 2 and len(noted(notes)) > 10)
        killed.kill()
        known = Worker.objects.get(pid=drained.pid)
        assert post(client, f"workers/{known.pk}/drain", {}).status_code == 202
        assert drained.wait(timeout=60) == 0
    leases_end()
    with worker_process():
        unended = Operation.across_tenants.exclude(status="completed")
        wait_until(lambda: not unended.exists())
    ended = Operation.across_tenants.filter(tries__outcome="completed")
    assert ended.count() == ended.distinct().count() == 150


def test_a_draining_worker_is_taken_back_into_work(enqueue, row, world, tmp_path):
    gate, notes = tmp_path / "gate", tmp_path / "notes"
    operation = enqueue("test.gate", file=notes, gate=gate)
    client = staff(world)
    with worker_process() as worker:
        wait_until(lambda: noted(notes) == ["begin"])
        known = Worker.objects.get()
        assert post(client, f"workers/{known.pk}/drain", {}).status_code == 202
        wait_until(lambda: Worker.objects.filter(status="draining").exists())
        assert "Back to work" in client.get("/workers").content.decode()
        ops = client_of(world.people["ops"])
        assert post(ops, f"workers/{known.pk}/resume", {}).status_code == 403
        assert Worker.objects.get().drain_requested is True
        answer = post(client, f"workers/{known.pk}/resume", {})
        assert (answer.status_code, answer.json()["drain_requested"]) == (202, False)
        wait_until(lambda: Worker.objects.filter(status="online").exists())
        gate.touch()
        wait_until(lambda: row(operation).status == "completed")
        assert worker.poll() is None
    assert Entry.objects.using("platform").filter(tag="worker.resumed").count() == 1


def test_what_a_drained_worker_leaves_is_done_by_another(enqueue, row, world, tmp_path):
    gate, notes = tmp_path / "gate", tmp_path / "notes"
    held = enqueue("test.gate", file=notes, gate=gate)
    client = staff(world)
    with worker_process() as drained:
        wait_until(lambda: noted(notes) == ["begin"])
        known = Worker.objects.get(pid=drained.pid)
        assert post(client, f"workers/{known.pk}/drain", {}).status_code == 202
        wait_until(lambda: Worker.objects.filter(status="draining").exists())
        later = enqueue("test.noop", file=notes)
        with worker_process():
            wait_until(lambda: row(later).status == "completed")
            assert row(later).worker != row(held).worker
            gate.touch()
            assert drained.wait(timeout=60) == 0
            wait_until(lambda: row(held).status == "completed")
