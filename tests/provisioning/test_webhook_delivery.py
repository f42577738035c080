"""Messages reach their receivers at least once with one id, or say why not; nothing private is asked."""

from __future__ import annotations

import json
import socket
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from audit.models import Entry
from integrations.base import addresses
from portal.kernel import clock, events
from portal.kernel.queue import Complete, Poll
from portal.kernel.tenancy import tenant_scope
from portal.models import Notification, Operation
from provisioning.events import DeploymentChanged
from provisioning.logic.hook_states import DeliveryStatus, WebhookState
from provisioning.models import WebhookDelivery
from provisioning.services.webhooks import WebhookRequest, webhook_create, webhook_rotate
from tests.conftest import World
from tests.engine import run_until_idle, worker_process
from tests.factories.accounts import MembershipFactory, actor_of
from tests.provisioning.scenes import leases_expire
from tests.provisioning.webhook_scenes import (
    a_deployment,
    fresh,
    messages,
    send,
    setting,
    webhook_to,
)
from tests.receiver import Receiver, answer

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def test_a_message_is_written_with_the_change_it_tells(north: World, receiver: Receiver) -> None:
    webhook_to(north, receiver)
    row = a_deployment(north)

    with transaction.atomic():
        events.publish(DeploymentChanged(row.pk, row.tenant_id, "running", "pod.created"))
        transaction.set_rollback(True)
    assert not WebhookDelivery.across_tenants.exists()

    with transaction.atomic():
        events.publish(DeploymentChanged(row.pk, row.tenant_id, "running", "pod.created"))
        events.publish(DeploymentChanged(row.pk, row.tenant_id, "stopped", "pod.stopped"))
    run_until_idle(horizon_s=0)

    [request] = receiver.received
    delivery = WebhookDelivery.across_tenants.get()
    body = json.loads(request.body)
    assert (body["type"], body["version"]) == ("pod.created", 1)
    assert body["data"]["deployment"]["name"] == row.name
    assert {"vmid", "node", "cluster", "marker"}.isdisjoint(body["data"]["deployment"])
    assert request.headers["webhook-id"] == delivery.message_id
    assert (delivery.status, delivery.attempts, delivery.response_status) == ("delivered", 1, 200)


def test_the_signature_is_what_the_standards_verifier_expects(
    north: World, receiver: Receiver
) -> None:
    webhook, key = webhook_to(north, receiver)
    messages(webhook)

    send(webhook)

    [request] = receiver.received
    assert Verifier(key).verify(request.body, request.headers)["type"] == "pod.created"
    with pytest.raises(WebhookVerificationError):
        Verifier(key).verify(request.body.replace(b"created", b"deleted"), request.headers)


def test_after_a_rotation_both_keys_sign_until_the_old_one_ends(
    north: World, receiver: Receiver
) -> None:
    webhook, old = webhook_to(north, receiver)
    messages(webhook, 2)
    _webhook, new = webhook_rotate(actor=north.actor("ops"), webhook_id=webhook.pk)

    send(webhook)

    request = receiver.received[0]
    assert len(request.headers["webhook-signature"].split()) == 2
    for key in (old, new):
        assert Verifier(key).verify(request.body, request.headers)
    messages(webhook)
    send(webhook, after=25 * HOUR)
    later = receiver.received[-1]
    assert len(later.headers["webhook-signature"].split()) == 1


def test_what_cannot_be_reached_is_tried_again_with_the_same_id(
    north: World, receiver: Receiver
) -> None:
    webhook, _key = webhook_to(north, receiver)
    [row] = messages(webhook)
    receiver.talk = answer(500, b"oh no")

    assert send(webhook) == Complete()
    assert (fresh(row).status, fresh(row).reason) == ("pending", "The receiver answered 500.")
    assert send(webhook) == Complete()
    assert len(receiver.received) == 1

    receiver.talk = answer(204)
    send(webhook, after=MINUTE)

    ids = [request.headers["webhook-id"] for request in receiver.received]
    assert ids == [row.message_id, row.message_id]
    assert (fresh(row).status, fresh(row).attempts) == ("delivered", 2)


def test_a_receiver_down_for_a_day_gets_everything_or_the_log_says_why(
    north: World, receiver: Receiver
) -> None:
    webhook, _key = webhook_to(north, receiver)
    setting("cloudpods.webhooks.pause_after_hours", 48)
    rows = messages(webhook, 30)
    receiver.talk = lambda connection: None
    for minutes in range(0, 24 * 60, 20):
        send(webhook, after=minutes * MINUTE)
    tried = len(receiver.received)
    receiver.talk = answer(200)
    while isinstance(send(webhook, after=26 * HOUR), Poll):
        pass

    assert tried < 60
    found = [fresh(row) for row in rows]
    delivered = [row for row in found if row.status == DeliveryStatus.DELIVERED]
    dead = [row for row in found if row.status == DeliveryStatus.DEAD]
    assert len(delivered) + len(dead) == 30
    assert len(dead) <= 5
    assert all(row.attempts == 8 and row.reason for row in dead)
    reached = {request.headers["webhook-id"] for request in receiver.received[tried:]}
    assert reached == {row.message_id for row in delivered}


def test_a_webhook_whose_receiver_fails_too_long_pauses_and_its_people_are_told(
    north: World, receiver: Receiver
) -> None:
    webhook, _key = webhook_to(north, receiver)
    setting("cloudpods.webhooks.pause_after_failures", 3)
    setting("cloudpods.webhooks.pause_after_hours", 2)
    setting("cloudpods.webhooks.max_attempts", 50)
    [row] = messages(webhook)
    receiver.talk = answer(503)

    for hours in (0, 1, 3):
        send(webhook, after=hours * HOUR)

    webhook.refresh_from_db(using="platform")
    assert webhook.state == WebhookState.PAUSED
    assert webhook.pause_reason == (
        "3 tries in a row failed. The last one: The receiver answered 503."
    )
    assert fresh(row).status == DeliveryStatus.PENDING
    told = (
        Notification.objects.using("platform")
        .filter(kind="webhook.paused")
        .values_list("user_id", flat=True)
    )
    assert set(told) == {north.people["admin"].pk, north.people["ops"].pk}
    assert Entry.objects.using("platform").filter(tag="webhook.paused").count() == 1
    assert send(webhook, after=9 * HOUR) == Complete()
    assert len(receiver.received) == 3


def test_the_receiver_may_ask_for_time(north: World, receiver: Receiver) -> None:
    webhook, _key = webhook_to(north, receiver)
    [row] = messages(webhook)
    receiver.talk = answer(429, Retry_After="7200")

    send(webhook)
    send(webhook, after=HOUR)

    assert len(receiver.received) == 1
    due_at = fresh(row).next_try_at
    assert due_at is not None
    assert timedelta(minutes=119) < due_at - clock.now() <= timedelta(minutes=120)


def test_gone_ends_the_message_and_pauses_the_webhook(north: World, receiver: Receiver) -> None:
    webhook, _key = webhook_to(north, receiver)
    [row] = messages(webhook)
    receiver.talk = answer(410)

    send(webhook)

    webhook.refresh_from_db(using="platform")
    assert (fresh(row).status, webhook.state) == ("dead", "paused")


def test_a_message_that_one_receiver_dislikes_does_not_hold_up_the_next(
    north: World, receiver: Receiver
) -> None:
    webhook, _key = webhook_to(north, receiver)
    first, second = messages(webhook, 2)

    def picky(connection: socket.socket) -> None:
        is_first = receiver.received[-1].headers["webhook-id"] == first.message_id
        answer(422 if is_first else 200)(connection)

    receiver.talk = picky
    send(webhook)

    assert (fresh(first).status, fresh(second).status) == ("pending", "delivered")


def test_a_slow_receiver_is_given_up_in_time(north: World, receiver: Receiver) -> None:
    webhook, _key = webhook_to(north, receiver)
    setting("cloudpods.webhooks.timeout_seconds", 1)
    [row] = messages(webhook)
    receiver.talk = lambda connection: threading.Event().wait(5)

    send(webhook)

    assert fresh(row).reason == "127.0.0.1 did not answer within 1 s"
    assert fresh(row).status == DeliveryStatus.PENDING


def test_a_redirect_to_the_metadata_address_is_not_followed(
    north: World, receiver: Receiver
) -> None:
    webhook, _key = webhook_to(north, receiver)
    [row] = messages(webhook)
    receiver.talk = answer(307, Location="http://169.254.169.254/latest/meta-data/")

    send(webhook)

    assert fresh(row).reason == "The receiver redirects (307); give its final address."
    assert len(receiver.received) == 1


def test_a_name_that_turns_inward_reaches_nothing(
    north: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = iter(["127.0.0.1", "169.254.169.254", "10.0.0.1"])
    monkeypatch.setattr(addresses, "lookup", lambda host, port: [next(turns)])
    webhook, _key = webhook_to(north, f"http://rebind.test:{receiver.port}/")
    messages(webhook)
    send(webhook)
    [row] = messages(webhook)

    send(webhook)

    assert len(receiver.received) == 1
    assert fresh(row).reason == ("The address is not public and not on the list of exceptions.")


def test_without_an_exception_this_machine_is_not_asked(world: World, receiver: Receiver) -> None:
    with tenant_scope(world.north.pk):
        webhook, _key = webhook_to(world, receiver)
        messages(webhook)
        send(webhook)

    assert receiver.received == []


def test_a_worker_killed_while_sending_sends_again_with_the_same_id(
    north: World, receiver: Receiver
) -> None:
    webhook, _key = webhook_to(north, receiver)
    release = threading.Event()

    def silent(connection: socket.socket) -> None:
        release.wait(20)

    receiver.talk = silent
    [row] = messages(webhook)
    with worker_process() as worker:
        receiver.wait_for(1, timeout_s=60)
        worker.kill()
        worker.wait()
    release.set()
    receiver.talk = answer(200)
    leases_expire()
    run_until_idle(horizon_s=30)

    ids = {request.headers["webhook-id"] for request in receiver.received}
    assert ids == {row.message_id}
    assert (fresh(row).status, fresh(row).attempts) == ("delivered", 2)


def test_secrets_do_not_stand_in_the_log(north: World, receiver: Receiver) -> None:
    webhook, key = webhook_to(north, receiver, headers={"Authorization": "Bearer hunter2hunter2"})
    [row] = messages(webhook)
    receiver.talk = answer(200, f"got {key} and Bearer hunter2hunter2".encode() + b"\x00" * 3000)

    send(webhook)

    assert receiver.received[0].headers["authorization"] == "Bearer hunter2hunter2"
    assert fresh(row).response_excerpt == "got *** and ***"


def test_an_excerpt_is_no_longer_than_a_kibibyte(north: World, receiver: Receiver) -> None:
    webhook, _key = webhook_to(north, receiver)
    [row] = messages(webhook)
    receiver.talk = answer(200, "é".encode() * 4000)

    send(webhook)

    assert len(fresh(row).response_excerpt.encode()) <= 1024


def test_who_lost_the_right_to_see_is_told_no_more(north: World, receiver: Receiver) -> None:
    webhook, _key = webhook_to(north, receiver)
    [row] = messages(webhook)
    north.people["ops"].is_active = False
    north.people["ops"].save(using="platform")

    send(webhook)

    webhook.refresh_from_db(using="platform")
    assert receiver.received == []
    assert (webhook.state, fresh(row).status) == ("paused", "pending")


@pytest.mark.parametrize("count", [1000, pytest.param(10_000, marks=pytest.mark.soak)])
def test_messages_to_the_dead_do_not_hold_up_another_organisation(
    north: World, receiver: Receiver, count: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        setting("cloudpods.webhooks.timeout_seconds", 1)
        dead, _key = webhook_to(north, url)
        messages(dead, count)
        south = actor_of(north.people["admin"], north.south, "admin")
        with tenant_scope(north.south.pk):
            MembershipFactory(user=north.people["admin"], tenant=north.south, role="admin")
            other, _key = webhook_create(
                actor=south,
                tenant_id=north.south.pk,
                request=WebhookRequest("other", receiver.url, ("pod.created",)),
            )
            messages(other)
        started_at = datetime.now(UTC)
        run_until_idle(horizon_s=0)

    assert len(receiver.received) == 1
    assert datetime.now(UTC) - started_at < timedelta(seconds=60)
    assert Operation.objects.using("platform").filter(target_id=dead.pk).count() == 2
    assert WebhookDelivery.across_tenants.filter(webhook=dead, attempts__gt=0).count() == 1
