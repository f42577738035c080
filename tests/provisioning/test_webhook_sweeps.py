"""What nobody sends is rung for, what waited too long is given up, what is old is forgotten."""

from __future__ import annotations

from datetime import timedelta

from portal.kernel import clock
from portal.kernel.queue import Complete
from portal.models import Operation
from provisioning.logic.hook_states import DeliveryStatus
from provisioning.models import Webhook, WebhookDelivery
from provisioning.services.webhook_sweeps import hooks_purge, webhooks_sweep
from tests.conftest import World
from tests.provisioning.webhook_scenes import fresh, messages, send, webhook_to
from tests.receiver import Receiver, answer

HOUR = timedelta(hours=1)


def test_what_waited_too_long_is_given_up_with_its_reason(north: World, receiver: Receiver) -> None:
    webhook, _key = webhook_to(north, receiver)
    [row] = messages(webhook)
    receiver.talk = answer(500)
    send(webhook)

    with clock.travelled(80 * HOUR):
        webhooks_sweep()

    assert fresh(row).status == DeliveryStatus.DEAD
    assert fresh(row).reason == (
        "It could not be delivered within 72 hours; at last: The receiver answered 500."
    )


def test_the_sweep_rings_for_what_was_forgotten_once(north: World, receiver: Receiver) -> None:
    webhook, _key = webhook_to(north, receiver)
    messages(webhook)
    Operation.objects.using("platform").update(status="canceled")

    webhooks_sweep()
    webhooks_sweep()

    waiting = Operation.objects.using("platform").filter(status="pending")
    assert [operation.target_id for operation in waiting] == [webhook.pk]


def test_old_messages_are_forgotten_but_for_what_a_newer_one_repeats(
    north: World, receiver: Receiver
) -> None:
    webhook, _key = webhook_to(north, receiver)
    old, kept, waiting = messages(webhook, 3)
    long_ago = clock.now() - timedelta(days=40)
    ended = {"status": "delivered", "next_try_at": None, "ended_at": long_ago}
    WebhookDelivery.across_tenants.filter(pk__in=[old.pk, kept.pk]).update(**ended)
    WebhookDelivery.across_tenants.filter(pk=waiting.pk).update(replay_of=kept)

    hooks_purge()

    assert set(WebhookDelivery.across_tenants.values_list("pk", flat=True)) == {kept.pk, waiting.pk}


def test_a_deleted_webhook_sends_nothing(north: World, receiver: Receiver) -> None:
    webhook, _key = webhook_to(north, receiver)
    messages(webhook)
    Webhook.across_tenants.all().delete()

    assert send(webhook) == Complete()
    assert receiver.received == []
