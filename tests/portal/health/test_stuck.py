"""Stuck work: what is found, for whom, and that every remedy goes through its saga and onto the record."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connections, transaction
from django.test import Client

from audit.models import Entry
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation, Schedule
from portal.services.operations import operation_enqueue
from portal.services.schedules import tick
from provisioning.models import Deployment
from tests import kinds
from tests.conftest import World
from tests.engine import run_until_idle
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.provisioning import ClusterFactory, DeploymentFactory, TemplateFactory


@pytest.fixture
def staff(world: World, client: Client) -> Client:
    """A platform administrator who works for `south`."""
    person = UserFactory(username="root", is_platform_admin=True)
    MembershipFactory(user=person, tenant=world.south, role="viewer")
    client.force_login(person)
    return client


@pytest.fixture
def ops(world: World) -> Client:
    found = Client()
    found.force_login(world.people["ops"])
    return found


def asked(world: World, type_: str, **more) -> Operation:
    with tenant_scope(world.north.pk), transaction.atomic():
        return operation_enqueue(actor=Actor.system("test"), type=type_, **more)


def moved(operation_id: UUID, **values: object) -> None:
    """Makes an operation look as it would after hours."""
    sets = ", ".join(f"{name} = %({name})s" for name in values)
    with connections["dispatch"].cursor() as cursor:
        cursor.execute(
            f"UPDATE portal_operation SET {sets} WHERE id = %(id)s",
            {**values, "id": operation_id},
        )


def machine(world: World, name: str = "web-1", **more) -> Deployment:
    template = TemplateFactory(cluster=ClusterFactory())
    with tenant_scope(world.north.pk), transaction.atomic():
        return DeploymentFactory(
            tenant=world.north, owner=world.people["support"], template=template, name=name, **more
        )


def listed(client: Client) -> list[dict]:
    answer = client.get("/api/stuck-work")
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def kinds_of(client: Client) -> list[tuple[str, list[str]]]:
    return [(one["kind"], one["remedies"]) for one in listed(client)]


def cure(client: Client, subject: str, remedy: str, **body: str):
    return client.post(
        f"/api/stuck-work/{subject}/{remedy}", json.dumps(body), content_type="application/json"
    )


def test_what_needs_a_person_and_what_was_given_up_is_stuck(world: World, ops: Client) -> None:
    asked(world, kinds.OPERATOR.type)
    asked(world, kinds.EXPLODE.type)
    asked(world, kinds.NOOP.type)
    run_until_idle()

    assert sorted(kinds_of(ops)) == [("attention", ["retry"]), ("dead", ["retry"])]


def test_what_was_tried_again_is_not_stuck_any_more(world: World, ops: Client) -> None:
    failed = asked(world, kinds.OPERATOR.type)
    run_until_idle()
    subject = f"operation:{failed.pk}"

    answer = cure(ops, subject, "retry")

    retried = Operation.across_tenants.get(retry_of_id=failed.pk)
    assert answer.status_code == 202
    assert answer.json() == {
        "remedy": "retry",
        "operation_id": str(retried.pk),
        "href": f"/api/operations/{retried.pk}",
    }
    assert listed(ops) == []
    entry = Entry.across_tenants.get(tag="stuck.retried")
    assert (entry.actor_label, entry.target_id) == ("ops-north", str(failed.pk))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"scheduled_at": timedelta(minutes=-31)}, "not_taken"),
        ({"started_at": timedelta(minutes=-31)}, "slow"),
        ({"started_at": timedelta(minutes=-29)}, None),
        ({"scheduled_at": timedelta(minutes=-29)}, None),
    ],
)
def test_what_does_not_move_is_stuck_beyond_the_setting(
    world: World, ops: Client, values: dict[str, timedelta], kind: str | None
) -> None:
    waiting = asked(world, kinds.NOOP.type)
    moved(waiting.pk, **{name: clock.now() + span for name, span in values.items()})

    assert [one["kind"] for one in listed(ops)] == ([kind] if kind else [])


def test_a_machine_in_limbo_and_one_in_error_are_stuck(world: World, staff: Client) -> None:
    limbo = machine(world, "limbo", status="starting")
    Deployment.across_tenants.filter(pk=limbo.pk).update(
        updated_at=clock.now() - timedelta(minutes=6)
    )
    machine(world, "broken", status="error")
    machine(world, "young", status="starting")
    machine(world, "well", status="running")

    found = {one["title"]: (one["kind"], one["remedies"]) for one in listed(staff)}

    assert found == {"limbo": ("limbo", ["rollback"]), "broken": ("attention", ["rollback"])}


def test_a_schedule_that_was_not_started_is_stuck(world: World, staff: Client) -> None:
    tick(worker="w")
    Schedule.objects.using("dispatch").filter(name="audit.seal").update(
        last_due_at=clock.now() - timedelta(minutes=4)
    )

    assert [one["id"] for one in listed(staff)] == ["schedule:audit.seal"]


def test_a_rollback_is_the_deletions_own_saga(world: World, staff: Client) -> None:
    broken = machine(world, status="error")
    subject = f"deployment:{broken.pk}"

    answer = cure(
        staff, subject, "rollback", reason="half a clone", confirmation=str(broken.pk)[-8:]
    )

    assert answer.status_code == 202
    begun = Operation.across_tenants.get(pk=answer.json()["operation_id"])
    broken.refresh_from_db(using="platform")
    assert (begun.type, begun.status, broken.status) == ("pod.destroy", "pending", "deleting")
    entry = Entry.across_tenants.get(tag="stuck.rolled_back")
    assert (entry.actor_label, entry.tenant_id) == ("root", world.north.pk)
    assert entry.detail["reason"] == "half a clone"
    assert Entry.across_tenants.filter(tag="pod.delete_requested").count() == 1


@pytest.mark.parametrize(
    "body",
    [{}, {"reason": "why"}, {"reason": "xx", "confirmation": "right"}, {"confirmation": "right"}],
)
def test_a_rollback_wants_a_reason_and_the_typed_word(
    world: World, staff: Client, body: dict[str, str]
) -> None:
    broken = machine(world, status="error")
    if body.get("confirmation") == "right":
        body = body | {"confirmation": str(broken.pk)[-8:]}

    answer = cure(staff, f"deployment:{broken.pk}", "rollback", **body)

    broken.refresh_from_db(using="platform")
    assert answer.status_code == 400
    assert broken.status == "error"
    assert not Operation.across_tenants.exists()


def test_force_ends_it_through_the_engine(world: World, staff: Client, tmp_path) -> None:
    file = tmp_path / "notes"
    slow = asked(world, kinds.POLL.type, payload={"file": str(file), "polls": 10_000})
    moved(slow.pk, started_at=clock.now() - timedelta(minutes=31))
    subject = f"operation:{slow.pk}"

    answer = cure(staff, subject, "force", reason="node is gone", confirmation=str(slow.pk)[-8:])
    run_until_idle()

    slow = Operation.across_tenants.get(pk=slow.pk)
    assert answer.status_code == 202
    assert slow.status == "failed"
    assert "node is gone" in (slow.last_error or "")
    assert "unwind:failed:forced" in kinds.noted(file)
    assert Entry.across_tenants.get(tag="stuck.forced").actor_label == "root"


def test_a_worker_that_still_runs_it_writes_nothing_after_force(
    world: World, staff: Client
) -> None:
    slow = asked(world, kinds.NOOP.type)
    moved(
        slow.pk,
        status="running",
        started_at=clock.now() - timedelta(minutes=31),
        try_started_at=clock.now(),
        lease_expires_at=clock.now() + timedelta(minutes=1),
        fence=7,
    )

    cure(staff, f"operation:{slow.pk}", "force", reason="stuck", confirmation=str(slow.pk)[-8:])

    row = Operation.across_tenants.get(pk=slow.pk)
    assert row.fence != 7
    assert (row.status, row.ending["code"], row.lease_expires_at) == ("pending", "forced", None)


def test_force_is_for_platform_administrators(world: World, ops: Client) -> None:
    slow = asked(world, kinds.NOOP.type)
    moved(slow.pk, started_at=clock.now() - timedelta(minutes=31))

    answer = cure(
        ops, f"operation:{slow.pk}", "force", reason="please", confirmation=str(slow.pk)[-8:]
    )

    row = Operation.across_tenants.get(pk=slow.pk)
    assert (answer.status_code, row.ending, row.status) == (403, None, "pending")


def test_another_organisations_stuck_work_is_absent(world: World, client: Client) -> None:
    broken = machine(world, status="error")
    other = UserFactory(username="ops-south")
    MembershipFactory(user=other, tenant=world.south, role="ops")
    client.force_login(other)

    answer = cure(client, f"deployment:{broken.pk}", "rollback", reason="mine", confirmation="x")

    broken.refresh_from_db(using="platform")
    assert listed(client) == []
    assert (answer.status_code, broken.status) == (404, "error")


def test_what_is_not_stuck_has_no_remedy(world: World, ops: Client) -> None:
    fresh = asked(world, kinds.NOOP.type)

    assert cure(ops, f"operation:{fresh.pk}", "retry").status_code == 404
    assert cure(ops, "nonsense", "retry").status_code == 404


@pytest.mark.parametrize("role", ["support", "dev", "projets", "viewer"])
def test_roles_without_the_right_see_nothing(world: World, client: Client, role: str) -> None:
    client.force_login(world.people[role])

    assert client.get("/api/stuck-work").status_code == 403
    assert client.get("/stuck-work").status_code == 403


def test_the_page_lists_reasons_and_remedies(world: World, staff: Client) -> None:
    machine(world, "web-7", status="error")

    page = staff.get("/stuck-work").content.decode()

    assert "web-7" in page
    assert "Roll back web-7?" in page
    assert "in all organisations" in page


def test_the_page_says_when_nothing_is_stuck(world: World, ops: Client) -> None:
    assert "Nothing is stuck" in ops.get("/stuck-work").content.decode()


def test_a_button_of_the_page_retries(world: World, ops: Client) -> None:
    failed = asked(world, kinds.OPERATOR.type)
    run_until_idle()

    answer = ops.post(f"/stuck-work/operation:{failed.pk}/retry")

    assert (answer.status_code, answer["Location"]) == (303, "/stuck-work")
    assert Operation.across_tenants.filter(retry_of_id=failed.pk).count() == 1


@pytest.mark.usefixtures("lasting_memory")
def test_the_number_of_statements_does_not_grow(
    world: World, ops: Client, django_assert_max_num_queries
) -> None:
    for _ in range(12):
        asked(world, kinds.OPERATOR.type)
    run_until_idle()
    ops.get("/api/stuck-work")

    with django_assert_max_num_queries(10):
        assert len(listed(ops)) == 12
