"""Hooks run around a machine's life: asked once, bounded, waited for only where that was declared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from audit.models import Entry
from portal.kernel import events
from portal.kernel.errors import InvalidInput, Refused
from portal.kernel.queue import Complete
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from provisioning.errors import WrongState
from provisioning.events import BackupDone, DeploymentChanged
from provisioning.logic.hook_rules import HookConfig
from provisioning.logic.hook_states import HookEvent
from provisioning.models import Deployment, Hook, HookRun, VmidAllocation, WebhookDelivery
from provisioning.services.hook_runs import hook_execute, hooks_run
from provisioning.services.hooks import HookRequest, hook_create, hook_skip
from provisioning.services.lifecycle import deployment_delete
from tests.conftest import Cloud, World
from tests.engine import run_until_idle
from tests.provisioning.scenes import last_operation, quota_is_true, requested, running
from tests.provisioning.webhook_scenes import Run, a_deployment, allow_loopback, setting, webhook_to
from tests.receiver import Receiver, answer


@pytest.fixture
def scripts(tmp_path: Path, settings: Any) -> Path:
    directory = tmp_path / "scripts"
    directory.mkdir(mode=0o755)
    settings.HOOK_SCRIPTS_DIR = str(directory)
    return directory


def script(scripts: Path, text: str, name: str = "tell.sh") -> str:
    path = scripts / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return name


def hook(
    world: World, target: Receiver | str, event: str = HookEvent.POST_CREATE, **more: Any
) -> Hook:
    """A hook of `north`: an address, or a script by its name."""
    is_script = isinstance(target, str)
    secrets = more.pop("secrets", None)
    name = more.pop("name", "ours")
    allow_loopback()
    with tenant_scope(world.north.pk):
        return hook_create(
            actor=world.actor("ops"),
            tenant_id=world.north.pk,
            request=HookRequest(
                name=name,
                event=event,
                type="script" if is_script else "http",
                target=target if isinstance(target, str) else target.url,
                config=HookConfig(**more),
                secrets=secrets,
            ),
        )


def run_of(hook: Hook) -> HookRun:
    return HookRun.across_tenants.get(hook_id=hook.pk)


def executed(world: World, hook: Hook, row: Deployment) -> HookRun:
    """One run of a hook, carried out in this process."""
    with tenant_scope(world.north.pk):
        with transaction.atomic():
            [asked] = hooks_run(
                event=HookEvent(hook.event),
                tenant_id=world.north.pk,
                deployment_id=row.pk,
                cause="test",
            )
        hook_execute(Run(world.north.pk, run_id=str(asked.pk)))
    return run_of(hook)


def placed(world: World) -> Deployment:
    with tenant_scope(world.north.pk):
        return a_deployment(world)


def told(tag: str) -> list[Entry]:
    return list(Entry.objects.using("platform").filter(tag=tag))


def test_an_address_is_given_the_event_and_the_machine(world: World, receiver: Receiver) -> None:
    receiver.talk = answer(200, b"noted")
    ours = hook(world, receiver, headers={"X-Team": "web"}, secrets={"X-Key": "hunter2hunter2"})
    row = placed(world)

    run = executed(world, ours, row)

    [request] = receiver.received
    body = json.loads(request.body)
    assert (body["type"], body["data"]["deployment"]["id"]) == ("pod.post_create", str(row.pk))
    assert (request.headers["x-team"], request.headers["x-key"]) == ("web", "hunter2hunter2")
    assert request.headers["webhook-id"] == f"hook_{run.pk.hex}"
    assert (run.status, run.code, run.output) == ("succeeded", 200, "noted")
    assert told("hook.ended")[0].target_id == str(row.pk)


def test_secret_values_are_stored_apart_and_masked(world: World, receiver: Receiver) -> None:
    receiver.talk = answer(200, b"you said hunter2hunter2")
    ours = hook(world, receiver, secrets={"X-Key": "hunter2hunter2"})

    run = executed(world, ours, placed(world))

    assert "hunter2" not in json.dumps(ours.config)
    assert ours.config["secret_headers"] == ["X-Key"]
    assert run.output == "you said ***"
    assert not [entry for entry in Entry.objects.using("platform") if "hunter2" in str(entry.after)]


def test_a_script_gets_its_input_and_its_variables(world: World, scripts: Path) -> None:
    name = script(
        scripts, 'cat >/dev/null; echo "$UHUB_EVENT $HOOK_A $HOOK_KEY $UHUB_DEPLOYMENT_NAME"'
    )
    ours = hook(world, name, env={"HOOK_A": "1"}, secrets={"HOOK_KEY": "hunter2hunter2"})
    row = placed(world)

    run = executed(world, ours, row)

    assert (run.status, run.code) == ("succeeded", 0)
    assert run.output == f"pod.post_create 1 *** {row.name}\n"


def test_a_script_that_fails_is_on_the_machines_timeline(world: World, scripts: Path) -> None:
    ours = hook(world, script(scripts, "echo no; exit 7"))
    row = placed(world)

    run = executed(world, ours, row)

    assert (run.status, run.code, run.reason) == ("failed", 7, "It ended with status 7.")
    [entry] = told("hook.failed")
    assert entry.target_id == str(row.pk)
    assert entry.detail is not None
    assert entry.detail["message"] == "ours (pod.post_create): It ended with status 7."


def test_output_is_kept_to_four_kibibytes(world: World, scripts: Path) -> None:
    ours = hook(world, script(scripts, "head -c 20000 /dev/zero | tr '\\0' x"))

    assert len(executed(world, ours, placed(world)).output.encode()) == 4096


def test_a_private_address_is_not_asked(world: World, receiver: Receiver) -> None:
    ours = hook(world, receiver)
    setting("platform.outbound_allowed_networks", [])

    run = executed(world, ours, placed(world))

    assert receiver.received == []
    assert run.status == "failed"
    assert "not a public address" in run.reason


def test_no_answer_is_an_unknown_end(world: World, receiver: Receiver) -> None:
    receiver.talk = lambda connection: None
    ours = hook(world, receiver)

    assert executed(world, ours, placed(world)).status == "unknown"


@pytest.mark.parametrize(
    ("is_idempotent", "status", "count"), [(False, "unknown", 0), (True, "succeeded", 1)]
)
def test_what_a_lost_worker_left_is_repeated_only_where_that_does_no_harm(
    world: World, receiver: Receiver, is_idempotent: bool, status: str, count: int
) -> None:
    ours = hook(world, receiver, is_idempotent=is_idempotent)
    row = placed(world)
    with tenant_scope(world.north.pk):
        with transaction.atomic():
            [asked] = hooks_run(
                event=HookEvent.POST_CREATE,
                tenant_id=world.north.pk,
                deployment_id=row.pk,
                cause="test",
            )
            HookRun.objects.filter(pk=asked.pk).update(status="running")
        hook_execute(Run(world.north.pk, run_id=str(asked.pk)))

    assert (run_of(ours).status, len(receiver.received)) == (status, count)


def test_one_occasion_is_one_run(world: World, receiver: Receiver) -> None:
    ours = hook(world, receiver)
    row = placed(world)
    with tenant_scope(world.north.pk), transaction.atomic():
        for _ in range(2):
            events.publish(DeploymentChanged(row.pk, row.tenant_id, "running", "pod.created"))
    run_until_idle()

    assert run_of(ours).status == "succeeded"
    assert len(receiver.received) == 1


def test_a_backup_that_ended_runs_its_hook_and_is_told(world: World, receiver: Receiver) -> None:
    ours = hook(world, receiver, HookEvent.POST_BACKUP)
    with tenant_scope(world.north.pk):
        told_of, _key = webhook_to(world, receiver, events=("pod.backup_done",))
    row, backup_id = placed(world), uuid4()
    with tenant_scope(world.north.pk), transaction.atomic():
        events.publish(BackupDone(row.pk, row.tenant_id, backup_id, "complete"))
    run_until_idle(horizon_s=0)

    assert run_of(ours).payload["data"]["backup"] == {"id": str(backup_id), "status": "complete"}
    [delivery] = WebhookDelivery.across_tenants.filter(webhook=told_of)
    assert (delivery.event, delivery.status) == ("pod.backup_done", "delivered")


def test_a_hook_that_fails_does_not_stop_a_creation(cloud: Cloud, receiver: Receiver) -> None:
    receiver.talk = answer(500)
    ours = hook(cloud.world, receiver, HookEvent.PRE_CREATE)

    row = running(cloud, "made")

    assert row.status == "running"
    assert run_of(ours).status == "failed"


def test_a_blocking_hook_is_asked_before_the_first_call(cloud: Cloud, receiver: Receiver) -> None:
    seen: list[int] = []

    def look(connection: Any) -> None:
        seen.append(len(cloud.simulator.mutations()))
        answer(200)(connection)

    receiver.talk = look
    before = len(cloud.simulator.mutations())
    hook(cloud.world, receiver, HookEvent.PRE_CREATE, blocking=True, on_failure="closed")

    assert running(cloud, "made").status == "running"
    assert seen == [before]


def test_a_refused_creation_gives_everything_back(cloud: Cloud, receiver: Receiver) -> None:
    receiver.talk = answer(403, b"not this one")
    hook(cloud.world, receiver, HookEvent.PRE_CREATE, blocking=True, on_failure="closed")
    before = len(cloud.simulator.mutations())

    row = requested(cloud, "refused")
    run_until_idle()

    found = Deployment.across_tenants.get(pk=row.pk)
    assert (found.status, found.attention["code"]) == ("deleted", "hook_failed")
    assert found.attention["message"] == "The hook ours failed: It answered 403."
    assert quota_is_true(cloud.world)
    number = VmidAllocation.objects.using("platform").get(cluster=cloud.cluster, vmid=row.vmid)
    assert number.quarantined_until is not None
    assert len(cloud.simulator.mutations()) == before


def test_a_blocking_hook_that_is_open_lets_the_creation_go_on(
    cloud: Cloud, receiver: Receiver
) -> None:
    receiver.talk = answer(500)
    hook(cloud.world, receiver, HookEvent.PRE_CREATE, blocking=True, on_failure="open")

    assert running(cloud, "made").status == "running"


def test_a_deletion_waits_for_a_person_who_may_skip_the_hook(
    cloud: Cloud, receiver: Receiver
) -> None:
    world = cloud.world
    row = running(cloud, "kept")
    receiver.talk = answer(500)
    ours = hook(world, receiver, HookEvent.PRE_DESTROY, blocking=True, on_failure="closed")
    with tenant_scope(world.north.pk):
        deployment_delete(actor=world.actor("ops"), deployment_id=row.pk, volumes="delete")
    run_until_idle()

    held = Deployment.across_tenants.get(pk=row.pk)
    assert (held.status, held.attention["code"]) == ("deleting", "hook_failed")
    assert cloud.simulator.vm(row.vmid)
    run = run_of(ours)
    with tenant_scope(world.north.pk):
        with pytest.raises(Refused):
            hook_skip(actor=world.actor("support"), run_id=run.pk, reason="it is gone")
        with pytest.raises(InvalidInput):
            hook_skip(actor=world.actor("ops"), run_id=run.pk, reason=" ")
        hook_skip(actor=world.actor("ops"), run_id=run.pk, reason="the receiver is gone")
        with pytest.raises(WrongState):
            hook_skip(actor=world.actor("ops"), run_id=run.pk, reason="once more")
    run_until_idle()

    assert Deployment.across_tenants.get(pk=row.pk).status == "deleted"
    assert not cloud.simulator.vm(row.vmid)
    assert last_operation(row).payload["volumes"] == "delete"
    assert run_of(ours).decided_by == world.actor("ops").label
    assert len(told("hook.skipped")) == 1


def test_a_deleted_hook_ends_its_waiting_run(world: World, receiver: Receiver) -> None:
    ours = hook(world, receiver)
    row = placed(world)
    with tenant_scope(world.north.pk):
        with transaction.atomic():
            [asked] = hooks_run(
                event=HookEvent.POST_CREATE,
                tenant_id=world.north.pk,
                deployment_id=row.pk,
                cause="test",
            )
            Hook.objects.get(pk=ours.pk).delete()
        result = hook_execute(Run(world.north.pk, run_id=str(asked.pk)))

    assert result == Complete()
    ended = HookRun.across_tenants.get(pk=asked.pk)
    assert (ended.status, ended.reason, ended.hook_name) == ("failed", "The hook is gone.", "ours")
    assert receiver.received == []


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"event": "pod.never"}, "event"),
        ({"type": "php"}, "type"),
        ({"target": "ftp://x/"}, "target"),
        ({"target": "https://user:pw@example.com/"}, "target"),
        ({"type": "script", "target": "../../bin/sh"}, "target"),
        ({"type": "script", "target": "unknown.sh"}, "target"),
        ({"name": ""}, "name"),
        ({"config": HookConfig(timeout=301)}, "timeout"),
        ({"config": HookConfig(blocking=True)}, "blocking"),
        ({"config": HookConfig(headers={"Host": "x"})}, "headers"),
        ({"config": HookConfig(headers={"X": "a\r\nb"})}, "headers"),
        ({"config": HookConfig(env={"LD_PRELOAD": "x"})}, "env"),
        ({"secrets": {"webhook-signature": "x"}}, "secret_headers"),
    ],
)
def test_what_cannot_be_a_hook_names_the_field(
    world: World, scripts: Path, wanted: dict[str, Any], field: str
) -> None:
    values = {
        "name": "ours",
        "event": "pod.post_create",
        "type": "http",
        "target": "https://a.test/",
    }

    with tenant_scope(world.north.pk), pytest.raises(InvalidInput) as caught:
        hook_create(
            actor=world.actor("ops"),
            tenant_id=world.north.pk,
            request=HookRequest(**{**values, **wanted}),
        )

    assert field in {fault.field for fault in caught.value.faults}
    assert not Hook.across_tenants.exists()


def test_who_may_not_manage_hooks_makes_none(world: World) -> None:
    request = HookRequest("ours", "pod.post_create", "http", "https://a.test/")

    with tenant_scope(world.north.pk), pytest.raises(Refused):
        hook_create(actor=world.actor("support"), tenant_id=world.north.pk, request=request)

    assert not Hook.across_tenants.exists()
    assert not Operation.objects.using("platform").exists()
