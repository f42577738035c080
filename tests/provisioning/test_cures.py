"""Stuck work of the hypervisor's side: half clones and messages that were given up, and what is done about them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from audit.models import Entry
from portal.kernel import clock
from portal.kernel.tenancy import PLATFORM_TENANT_ID, tenant_scope
from portal.models import Operation
from provisioning.models import Deployment, Finding, Webhook, WebhookDelivery
from tests.conftest import World
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.provisioning import ClusterFactory, DeploymentFactory, TemplateFactory
from tests.provisioning.webhook_scenes import messages, webhook_to

COMMAND = "qm unlock 20600 && qm destroy 20600 --purge 1"
ADDRESS = "https://receiver.example/in"


@pytest.fixture
def staff(world: World) -> Client:
    client = Client()
    client.force_login(UserFactory(username="root", is_platform_admin=True))
    return client


@pytest.fixture
def ops(world: World) -> Client:
    client = Client()
    client.force_login(world.people["ops"])
    return client


def half_clone(world: World, *, is_ours: bool = True, **more: Any) -> Finding:
    """A lock that is left: of a machine of `north`, or of nobody's."""
    cluster = ClusterFactory()
    tenant_id = world.north.pk if is_ours else PLATFORM_TENANT_ID
    with tenant_scope(tenant_id), transaction.atomic():
        machine = None
        if is_ours:
            machine = DeploymentFactory(
                tenant=world.north,
                owner=world.people["support"],
                template=TemplateFactory(cluster=cluster),
                name="web-9",
                vmid=20_600,
                **({"status": "error"} | more),
            )
        return Finding.objects.create(
            tenant_id=tenant_id,
            cluster=cluster,
            vmid=20_600,
            kind="half_clone",
            status="open",
            deployment=machine,
            found={"lock": "clone", "name": "left-over", "command": COMMAND},
            first_seen_at=clock.now(),
            last_seen_at=clock.now(),
        )


@pytest.fixture
def given_up(world: World) -> Webhook:
    """A receiver with two messages that were given up."""
    with tenant_scope(world.north.pk):
        webhook, _key = webhook_to(world, ADDRESS)
        messages(webhook, 2)
        with transaction.atomic():
            WebhookDelivery.objects.update(
                status="dead", ended_at=clock.now(), next_try_at=None, reason="It answered 500."
            )
    return webhook


def listed(client: Client) -> list[dict[str, Any]]:
    return client.get("/api/stuck-work").json()["results"]


def cure(client: Client, subject: str, remedy: str, **body: str) -> Any:
    return client.post(
        f"/api/stuck-work/{subject}/{remedy}", json.dumps(body), content_type="application/json"
    )


def statuses(webhook: Webhook) -> list[str]:
    rows = WebhookDelivery.across_tenants.filter(webhook_id=webhook.pk).order_by("id")
    return list(rows.values_list("status", flat=True))


def test_messages_that_were_given_up_are_one_item_of_their_receiver(
    given_up: Webhook, ops: Client
) -> None:
    (item,) = listed(ops)
    assert (item["id"], item["kind"], item["title"]) == (
        f"webhook:{given_up.pk}",
        "undelivered",
        "to us",
    )
    assert item["reason"] == "2 messages were given up. It answered 500."
    assert item["remedies"] == ["retry", "dismiss"]


def test_a_test_that_was_given_up_is_nobodys_work(given_up: Webhook, ops: Client) -> None:
    WebhookDelivery.across_tenants.using("platform").update(event="webhook.test")
    assert listed(ops) == []


def test_a_retry_sends_all_of_them_again(given_up: Webhook, staff: Client) -> None:
    answer = cure(staff, f"webhook:{given_up.pk}", "retry")

    assert (answer.status_code, answer.json()["operation_id"]) == (202, None)
    assert statuses(given_up) == ["dead", "dead", "pending", "pending"]
    assert listed(staff) == []
    tags = Entry.across_tenants.filter(target_id=str(given_up.pk)).values_list("tag", flat=True)
    assert {"webhook.replayed", "stuck.retried"} <= set(tags)


def test_messages_are_left_for_a_reason(given_up: Webhook, ops: Client) -> None:
    subject = f"webhook:{given_up.pk}"
    assert cure(ops, subject, "dismiss").status_code == 400
    assert statuses(given_up) == ["dead", "dead"]

    answer = cure(ops, subject, "dismiss", reason="the receiver is gone")

    assert answer.status_code == 202
    assert statuses(given_up) == ["canceled", "canceled"]
    assert listed(ops) == []
    left = WebhookDelivery.across_tenants.first()
    assert left is not None
    assert left.reason == "Left unsent by ops-north: the receiver is gone"
    entry = Entry.across_tenants.get(tag="stuck.dismissed")
    assert (entry.actor_label, entry.detail["reason"]) == ("ops-north", "the receiver is gone")


def test_a_paused_receiver_is_resumed_before_anything_is_sent(
    given_up: Webhook, ops: Client
) -> None:
    Webhook.across_tenants.using("platform").update(state="paused", paused_at=clock.now())

    (item,) = listed(ops)

    assert item["remedies"] == ["dismiss"]
    assert "resumed" in item["reason"]
    assert cure(ops, f"webhook:{given_up.pk}", "retry").status_code == 409
    assert statuses(given_up) == ["dead", "dead"]


def test_another_organisation_s_messages_are_absent(given_up: Webhook, world: World) -> None:
    other = Client()
    person = UserFactory(username="ops-south")
    MembershipFactory(user=person, tenant=world.south, role="ops")
    other.force_login(person)
    assert cure(other, f"webhook:{given_up.pk}", "dismiss", reason="mine").status_code == 404
    assert statuses(given_up) == ["dead", "dead"]


def test_half_a_clone_says_what_to_type_and_what_can_be_done(world: World, staff: Client) -> None:
    ours = half_clone(world)

    (item,) = listed(staff)

    assert (item["id"], item["kind"], item["title"]) == (
        f"finding:{ours.pk}",
        "half_clone",
        "web-9",
    )
    assert (item["log"], item["remedies"]) == (COMMAND, ["rollback", "dismiss", "force"])


def test_half_a_clone_of_nobody_can_only_be_left(world: World, staff: Client, ops: Client) -> None:
    half_clone(world, is_ours=False)
    assert [(one["title"], one["remedies"]) for one in listed(staff)] == [
        ("left-over", ["dismiss"])
    ]
    assert listed(ops) == []


def test_half_a_clone_is_rolled_back_by_the_deletions_saga(world: World, ops: Client) -> None:
    found = half_clone(world)

    answer = cure(
        ops, f"finding:{found.pk}", "rollback", reason="left over", confirmation=str(found.pk)[-8:]
    )

    assert answer.status_code == 202
    begun = Operation.across_tenants.get(pk=answer.json()["operation_id"])
    assert (begun.type, begun.target_id) == ("pod.destroy", found.deployment_id)
    assert Deployment.across_tenants.get(pk=found.deployment_id).status == "deleting"


def test_force_forgets_half_a_clone_and_sends_nothing(world: World, staff: Client) -> None:
    found = half_clone(world)

    answer = cure(
        staff, f"finding:{found.pk}", "force", reason="node burnt", confirmation=str(found.pk)[-8:]
    )

    assert answer.status_code == 202
    assert Deployment.across_tenants.get(pk=found.deployment_id).status == "deleted"
    found.refresh_from_db(using="platform")
    assert (found.status, found.resolution) == ("resolved", "forgotten")
    assert not Operation.across_tenants.exists()
    assert Entry.across_tenants.get(tag="stuck.forced").actor_label == "root"


@pytest.mark.parametrize("more", [{"hold": True}, {"status": "starting"}])
def test_a_machine_on_hold_or_under_way_is_not_ended(
    world: World, staff: Client, more: dict[str, Any]
) -> None:
    found = half_clone(world, **more)

    answer = cure(
        staff, f"finding:{found.pk}", "force", reason="because", confirmation=str(found.pk)[-8:]
    )

    assert answer.status_code == 409
    kept = Deployment.across_tenants.get(pk=found.deployment_id)
    assert kept.status == more.get("status", "error")


def test_force_is_for_the_platforms_staff(world: World, ops: Client) -> None:
    found = half_clone(world)

    answer = cure(
        ops, f"finding:{found.pk}", "force", reason="because", confirmation=str(found.pk)[-8:]
    )

    found.refresh_from_db(using="platform")
    assert (answer.status_code, found.status) == (403, "open")


def test_half_a_clone_is_left_for_a_reason(world: World, ops: Client) -> None:
    found = half_clone(world)

    assert cure(ops, f"finding:{found.pk}", "dismiss", reason="kept for a look").status_code == 202

    found.refresh_from_db(using="platform")
    assert (found.status, found.resolution) == ("closed", "dismissed")
    assert [one["kind"] for one in listed(ops)] == ["attention"]


def test_the_page_asks_before_it_leaves_something(given_up: Webhook, ops: Client) -> None:
    page = ops.get("/stuck-work").content.decode()
    assert "Leave to us as it is?" in page
    assert "The receiver never gets these messages." in page


@pytest.mark.usefixtures("lasting_memory")
def test_the_number_of_statements_does_not_grow(
    world: World, given_up: Webhook, ops: Client, django_assert_max_num_queries: Any
) -> None:
    with tenant_scope(world.north.pk):
        for number in range(8):
            webhook_to(world, f"{ADDRESS}/{number}", name=f"to {number}")
        with transaction.atomic():
            for webhook in Webhook.objects.exclude(pk=given_up.pk):
                messages(webhook)
            WebhookDelivery.objects.update(status="dead", ended_at=clock.now(), next_try_at=None)
    ops.get("/api/stuck-work")
    with django_assert_max_num_queries(10):
        assert len(listed(ops)) == 9
