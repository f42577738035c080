"""Trying again never pretends: whatever the kind, it does what was asked for or says why not."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.db import connections, transaction
from django.test import Client

from audit.models import Entry
from billing.errors import QuotaExceeded
from billing.models import Quota
from billing.selectors.quotas import quota_used
from integrations.powerdns.fake import FakeNameServer
from integrations.services import hypervisors
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.errors import DomainError, Refused
from portal.kernel.queue import operation_kinds
from portal.kernel.stuck import StuckItem
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from portal.services import remedies
from portal.services.operations import operation_retry, operation_retry_refusal
from provisioning.errors import DeploymentBusy, OnHold, VolumeBusy, WrongState
from provisioning.models import Bootstrap, Deployment, DnsRecord, Volume, Webhook
from provisioning.services import volume_retries, volumes
from provisioning.services.copies import restores
from provisioning.services.dns import steps
from tests.conftest import World
from tests.engine import run_until_idle
from tests.factories.accounts import UserFactory, actor_of
from tests.provisioning.copies import scenes
from tests.provisioning.retry_scenes import ONLY_LOOK, SCENES
from tests.provisioning.retry_stage import Stage, failed
from tests.provisioning.webhook_scenes import messages

FOR_TESTS = ("test.", "bench.")


@pytest.fixture
def stage(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    names = FakeNameServer()
    monkeypatch.setattr(steps, "name_server_of", lambda _zone: names)
    hypervisors.hypervisors_forget()
    yield Stage(world, names)
    hypervisors.hypervisors_forget()


@pytest.fixture
def staff(stage: Stage) -> Actor:
    return actor_of(UserFactory(is_platform_admin=True), stage.world.north, "admin")


def in_short(always: list[str], soaked: list[str]) -> list[Any]:
    """The names as parameters, some of them for the soak alone."""
    return [*always, *(pytest.param(name, marks=pytest.mark.soak) for name in soaked)]


def retried(operation: Operation, actor: Actor) -> Operation:
    """The operation tried again, to its end."""
    with tenant_scope(operation.tenant_id):
        again = operation_retry(actor=actor, operation_id=operation.pk)
    run_until_idle()
    row: Operation = Operation.across_tenants.get(pk=again.pk)
    return row


def refused(stage: Stage, operation: Operation, actor: Actor) -> DomainError:
    """Why it is not tried again; nothing was sent and no operation was made."""
    stage.fake.calls.clear()
    with tenant_scope(operation.tenant_id), pytest.raises(DomainError) as raised:
        operation_retry(actor=actor, operation_id=operation.pk)
    run_until_idle()
    assert stage.fake.writes == ()
    assert not Operation.across_tenants.filter(retry_of_id=operation.pk).exists()
    return raised.value


def put(row: Deployment | Volume, **values: Any) -> None:
    """What somebody else changed meanwhile."""
    type(row).across_tenants.filter(pk=row.pk).update(**values)


def test_every_kind_has_its_scene() -> None:
    known = {kind.type for kind in operation_kinds() if not kind.type.startswith(FOR_TESTS)}
    assert known == set(SCENES) | set(ONLY_LOOK)


@pytest.mark.parametrize("type_", sorted(SCENES))
def test_a_retry_does_the_work_or_says_why_not(stage: Stage, staff: Actor, type_: str) -> None:
    asked, is_done = SCENES[type_](stage)
    operation = failed(asked)
    with tenant_scope(operation.tenant_id):
        refusal = operation_retry_refusal(actor=staff, operation=operation)
    if is_done is None:
        assert refused(stage, operation, staff).message == refusal
        return
    stage.fake.calls.clear()
    assert (refusal, is_done()) == ("", False)
    assert retried(operation, staff).status == "completed"
    assert is_done()


def test_a_machine_is_shown_as_starting_again(stage: Stage) -> None:
    asked, _done = SCENES["pod.start"](stage)
    operation = failed(asked)
    with tenant_scope(operation.tenant_id):
        operation_retry(actor=stage.world.actor("support"), operation_id=operation.pk)
    row = Deployment.across_tenants.get()
    assert (row.status, row.desired_power, row.attention) == ("starting", "running", None)


@pytest.mark.parametrize("type_", in_short(["pod.start"], ["pod.restart", "pod.provision"]))
def test_nothing_is_started_after_the_end_of_its_lease(
    stage: Stage, staff: Actor, type_: str
) -> None:
    operation = failed(SCENES[type_](stage)[0])
    put(Deployment.across_tenants.get(), expires_at=clock.now())
    assert "Extend it" in refused(stage, operation, staff).message
    assert Deployment.across_tenants.get().status == "error"


@pytest.mark.soak
def test_a_machine_that_is_busy_is_left_to_that(stage: Stage, staff: Actor) -> None:
    operation = failed(SCENES["pod.stop"](stage)[0])
    put(Deployment.across_tenants.get(), status="starting")
    assert isinstance(refused(stage, operation, staff), DeploymentBusy)


@pytest.mark.parametrize(
    "type_", in_short(["pod.start"], ["pod.resize", "pod.protect", "pod.bootstrap"])
)
def test_nothing_is_tried_again_on_a_machine_that_is_gone(
    stage: Stage, staff: Actor, type_: str
) -> None:
    operation = failed(SCENES[type_](stage)[0])
    put(Deployment.across_tenants.get(), status="deleted", deleted_at=clock.now())
    assert "is gone" in refused(stage, operation, staff).message


def test_a_deletion_is_not_tried_again_on_a_machine_that_is_held(
    stage: Stage, staff: Actor
) -> None:
    operation = failed(SCENES["pod.destroy"](stage)[0])
    put(Deployment.across_tenants.get(), hold=True)
    assert isinstance(refused(stage, operation, staff), OnHold)


@pytest.mark.soak
def test_a_resize_keeps_the_power_of_now_for_its_failure(stage: Stage, staff: Actor) -> None:
    operation = failed(SCENES["pod.resize"](stage)[0])
    row = Deployment.across_tenants.get()
    put(row, status="stopped")
    with tenant_scope(operation.tenant_id):
        again = operation_retry(actor=staff, operation_id=operation.pk)
    failed(again)
    assert Deployment.across_tenants.get().status == "stopped"


@pytest.mark.soak
def test_an_installation_gets_its_next_run(stage: Stage, staff: Actor) -> None:
    operation = failed(SCENES["pod.bootstrap"](stage)[0])
    again = retried(operation, staff)
    assert (operation.payload["run"], again.payload["run"]) == (2, 3)
    assert Bootstrap.across_tenants.get().run == 3


@pytest.mark.soak
def test_a_machine_out_of_a_backup_is_being_made_again(stage: Stage, staff: Actor) -> None:
    backup = scenes.backed_up(stage, stage.deployment())  # type: ignore[arg-type]
    asked = stage.asked(
        restores.restore_as_new,
        tenant_id=stage.world.north.pk,
        owner_id=stage.world.people["support"].pk,
        backup_id=backup.pk,
        name="drill",
    )
    operation = failed(asked)
    with tenant_scope(operation.tenant_id):
        operation_retry(actor=staff, operation_id=operation.pk)
    row = Deployment.across_tenants.get(name="drill")
    assert row.status == "provisioning"
    run_until_idle()
    assert Deployment.across_tenants.get(pk=row.pk).status == "running"


def test_who_owns_the_machine_no_more_tries_nothing_on_it(stage: Stage) -> None:
    operation = failed(SCENES["pod.start"](stage)[0])
    put(Deployment.across_tenants.get(), owner=stage.world.people["admin"])
    assert isinstance(refused(stage, operation, stage.world.actor("support")), Refused)


def test_a_volume_that_is_on_its_way_in_again_is_nobody_elses(stage: Stage) -> None:
    operation = failed(SCENES["volume.attach"](stage)[0])
    other = stage.deployment("web-2")
    support = stage.world.actor("support")
    with tenant_scope(operation.tenant_id):
        operation_retry(actor=support, operation_id=operation.pk)
        with pytest.raises(VolumeBusy):
            volumes.volume_attach(
                actor=support, volume_id=str(operation.target_id), deployment_id=other.pk
            )
    assert Volume.across_tenants.get().action == "attach"


@pytest.mark.parametrize(
    "type_", in_short(["volume.detach", "volume.delete"], ["volume.attach", "volume.resize"])
)
def test_a_volume_that_was_moved_is_not_touched(stage: Stage, staff: Actor, type_: str) -> None:
    operation = failed(SCENES[type_](stage)[0])
    volume = Volume.across_tenants.get()
    put(volume, deployment=stage.deployment("web-2"))
    assert "was moved" in refused(stage, operation, staff).message
    assert Volume.across_tenants.get().status == volume.status


def test_a_growth_that_is_tried_again_reserves_its_quota(stage: Stage, staff: Actor) -> None:
    operation = failed(SCENES["volume.resize"](stage)[0])
    held = used(stage)
    with tenant_scope(operation.tenant_id):
        operation_retry(actor=staff, operation_id=operation.pk)
    assert (held, used(stage)) == (25, 70)


@pytest.mark.soak
def test_a_growth_beyond_the_quota_is_not_tried_again(stage: Stage, staff: Actor) -> None:
    operation = failed(SCENES["volume.resize"](stage)[0])
    Quota.objects.using("platform").create(tenant=stage.world.north, disk_gb=60)
    assert isinstance(refused(stage, operation, staff), QuotaExceeded)
    assert Volume.across_tenants.get().wanted_gb is None


@pytest.mark.soak
def test_a_growth_without_its_size_on_record_is_asked_for_anew(stage: Stage, staff: Actor) -> None:
    operation = failed(SCENES["volume.resize"](stage)[0])
    payload = {key: operation.payload[key] for key in ("volume_id", "deployment_id")}
    with (
        pytest.raises(WrongState, match="Let the volume grow anew"),
        tenant_scope(operation.tenant_id),
        transaction.atomic(),
    ):
        volume_retries.resize_again(staff, payload)


def test_a_volume_that_was_freed_half_way_is_deleted_by_a_retry(stage: Stage, staff: Actor) -> None:
    operation = failed(SCENES["volume.delete"](stage)[0])
    volume = Volume.across_tenants.get()
    put(volume, status="deleting", slot="", deployment=None)
    stage.fake._stored.clear()
    assert retried(operation, staff).status == "completed"
    assert Volume.across_tenants.get().status == "deleted"
    assert used(stage) == 20


def test_a_volume_without_rights_over_it_is_not_deleted_by_a_retry(stage: Stage) -> None:
    operation = failed(SCENES["volume.delete"](stage)[0])
    support = stage.world.actor("support")
    weak = replace(support, permissions=support.permissions - {"cloudpods.volumes.manage"})
    assert isinstance(refused(stage, operation, weak), Refused)
    assert Volume.across_tenants.get().status == "attached"


@pytest.mark.soak
def test_a_name_that_was_given_up_is_not_set_by_a_retry(stage: Stage, staff: Actor) -> None:
    operation = failed(SCENES["dns.create"](stage)[0])
    DnsRecord.across_tenants.update(status="removing")
    assert "given up" in refused(stage, operation, staff).message
    assert stage.names.zones["demo.test"] == {}


@pytest.mark.soak
def test_messages_that_wait_are_sent_by_a_retry_while_the_webhook_may(
    stage: Stage, staff: Actor
) -> None:
    operation = failed(SCENES["webhook.deliver"](stage)[0])
    with tenant_scope(operation.tenant_id), transaction.atomic():
        messages(Webhook.objects.get())
        refusal = operation_retry_refusal(actor=staff, operation=operation)
        Webhook.objects.update(is_active=False)
    assert (refusal, "Resume it" in refused(stage, operation, staff).message) == ("", True)


def test_who_cures_stuck_work_tries_it_again_without_owning_it(stage: Stage) -> None:
    operation = failed(SCENES["pod.start"](stage)[0])
    ops = stage.world.actor("ops")
    curer = replace(ops, permissions=frozenset({"stuck.view", "stuck.manage"}))
    row = Deployment.across_tenants.get()
    item = StuckItem("attention", f"operation:{operation.pk}", row.tenant_id, "", "", clock.now())
    with tenant_scope(row.tenant_id), transaction.atomic():
        assert remedies._retry(curer, item, "") is not None
    assert Deployment.across_tenants.get().status == "starting"


def test_to_ask_whether_it_would_be_refused_leaves_nothing_behind(
    stage: Stage, staff: Actor
) -> None:
    operation = failed(SCENES["volume.resize"](stage)[0])
    before = traces(stage)
    with tenant_scope(operation.tenant_id):
        assert operation_retry_refusal(actor=staff, operation=operation) == ""
    assert traces(stage) == before


def test_a_question_does_not_wait_for_a_lock(stage: Stage, staff: Actor) -> None:
    operation = failed(SCENES["pod.start"](stage)[0])

    def look() -> str:
        with tenant_scope(operation.tenant_id):
            return operation_retry_refusal(actor=staff, operation=operation)

    with (
        ThreadPoolExecutor(1) as pool,
        tenant_scope(operation.tenant_id),
        transaction.atomic(),
    ):
        Deployment.objects.select_for_update().get()
        assert pool.submit(look).result(timeout=60) == ""
        pool.submit(connections.close_all).result()


def test_a_retry_that_would_be_refused_is_disabled_with_the_reason(stage: Stage) -> None:
    operation = failed(SCENES["pod.start"](stage)[0])
    put(Deployment.across_tenants.get(), expires_at=clock.now())
    client = Client()
    client.force_login(stage.world.people["support"])
    why = "The lease has ended. Extend it, then start the deployment."
    page = client.get(f"/operations/{operation.pk}").content.decode()
    assert f'<span class="reason">{why}</span>' in page
    assert client.get(f"/api/operations/{operation.pk}").json()["retry_refusal"] == why


@pytest.mark.soak
def test_a_retry_that_would_go_through_is_offered(stage: Stage) -> None:
    operation = failed(SCENES["pod.start"](stage)[0])
    client = Client()
    client.force_login(stage.world.people["support"])
    page = client.get(f"/operations/{operation.pk}").content.decode()
    assert 'aria-disabled="true"' not in page
    assert client.get(f"/api/operations/{operation.pk}").json()["retry_refusal"] is None


def used(stage: Stage) -> int:
    """The GiB that `north` holds of its quota."""
    with tenant_scope(stage.world.north.pk), transaction.atomic():
        return quota_used(stage.world.north.pk).disk_gb


def traces(stage: Stage) -> tuple[object, ...]:
    """What a retry would leave."""
    volume = Volume.across_tenants.get()
    return (
        volume.action,
        volume.wanted_gb,
        used(stage),
        Operation.across_tenants.count(),
        Entry.objects.using("platform").count(),
    )
