"""Webhooks and hooks over HTTP: keys shown once, messages sent again, strangers see nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from audit.models import Entry
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from portal.services.tokens import tokens_issue
from provisioning.models import Hook, Webhook, WebhookDelivery
from tests.conftest import World
from tests.engine import run_until_idle
from tests.provisioning.hook_scenes import HookSights, hooks_made
from tests.provisioning.webhook_scenes import a_deployment, allow_loopback
from tests.receiver import Receiver

HOOK = {"name": "ours", "event": "pod.post_create", "type": "http", "target": "https://a.test/"}
WEBHOOK = {"name": "theirs", "url": "https://a.test/", "events": ["pod.created"]}


@pytest.fixture
def seen(world: World) -> HookSights:
    with tenant_scope(world.north.pk):
        row = a_deployment(world)
    return hooks_made(world, row)


def ask(
    client: Any, world: World, method: str, path: str, body: Any = None, *, role: str = "ops"
) -> Any:
    person = world.stranger if role == "outsider" else world.people[role]
    assert person is not None
    token = tokens_issue(user=person).access_token
    return client.generic(
        method,
        path,
        data=b"" if body is None else json.dumps(body),
        content_type="application/json",
        headers={"authorization": f"Bearer {token}"},
    )


def test_a_key_is_shown_once_and_signs_the_test_message(client: Any, world: World) -> None:
    allow_loopback()
    with Receiver().serving() as receiver:
        made = ask(client, world, "POST", "/api/webhooks", {**WEBHOOK, "url": receiver.url})
        path = f"/api/webhooks/{made.json()['id']}"
        sent = ask(client, world, "POST", f"{path}/test")
        run_until_idle(horizon_s=0)

    assert (made.status_code, sent.status_code) == (201, 202)
    assert made.headers["Cache-Control"] == "no-store"
    [request] = receiver.received
    told = Verifier(made.json()["secret"]).verify(request.body, request.headers)
    assert (told["type"], told["data"]["message"]) == ("webhook.test", "It works.")
    assert "secret" not in ask(client, world, "GET", path).json()
    log = ask(client, world, "GET", f"{path}/deliveries?status=delivered").json()["results"]
    assert [row["message_id"] for row in log] == [request.headers["webhook-id"]]


def test_a_new_key_is_answered_once_and_the_old_one_still_signs(
    client: Any, world: World, seen: HookSights
) -> None:
    path = f"/api/webhooks/{seen.webhook.pk}"

    renewed = ask(client, world, "POST", f"{path}/rotate-secret")

    assert renewed.status_code == 200
    assert renewed.json()["secret"].startswith("whsec_")
    assert renewed.json()["previous_secret_until"] is not None


def test_what_was_given_up_is_sent_again_with_the_same_id(
    client: Any, world: World, seen: HookSights
) -> None:
    path = f"/api/webhooks/{seen.webhook.pk}"
    dead = WebhookDelivery.across_tenants.get(status="dead")

    first = ask(client, world, "POST", f"{path}/replay", {"since": "2020-01-01T00:00:00Z"})
    again = ask(client, world, "POST", f"{path}/replay", {"since": "2020-01-01T00:00:00Z"})

    assert first.status_code == 202
    [copy] = first.json()["deliveries"]
    assert (copy["message_id"], copy["replay_of_id"]) == (dead.message_id, str(dead.pk))
    assert again.json()["deliveries"] == []


def test_one_message_is_sent_again_once(client: Any, world: World, seen: HookSights) -> None:
    path = f"/api/webhooks/{seen.webhook.pk}/replay"

    answers = [
        ask(client, world, "POST", path, {"delivery_id": str(seen.delivery.pk)}) for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [202, 409]
    assert answers[1].json()["errors"][0]["code"] == "not_replayable"


def test_a_paused_webhook_sends_no_test_until_it_is_resumed(
    client: Any, world: World, seen: HookSights
) -> None:
    path = f"/api/webhooks/{seen.webhook.pk}"
    assert ask(client, world, "POST", f"{path}/pause").json()["state"] == "paused"
    refused = ask(client, world, "POST", f"{path}/test")
    resumed = ask(client, world, "POST", f"{path}/resume", role="admin").json()

    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "paused")
    assert resumed["state"] == "active"
    assert resumed["owner_id"] == str(world.people["admin"].pk)


def test_what_is_not_paused_is_not_resumed(client: Any, world: World, seen: HookSights) -> None:
    answer = ask(client, world, "POST", f"/api/webhooks/{seen.webhook.pk}/resume")
    error = answer.json()["errors"][0]
    assert (answer.status_code, error["code"]) == (409, "wrong_state")
    assert error["detail"] == "It is not paused."


def test_a_change_keeps_the_headers_that_nobody_is_shown(
    client: Any, world: World, seen: HookSights
) -> None:
    path = f"/api/webhooks/{seen.webhook.pk}"

    changed = ask(client, world, "PATCH", path, {"name": "chat"}).json()

    assert (changed["name"], changed["headers"]) == ("chat", ["Authorization"])
    assert "not-a-real-one" not in str(changed)


def test_a_switched_off_webhook_cancels_what_waits(
    client: Any, world: World, seen: HookSights
) -> None:
    ask(client, world, "PATCH", f"/api/webhooks/{seen.webhook.pk}", {"is_active": False})

    assert set(WebhookDelivery.across_tenants.values_list("status", flat=True)) == {
        "delivered",
        "dead",
        "canceled",
    }


def test_a_hook_is_made_changed_and_deleted(client: Any, world: World) -> None:
    made = ask(client, world, "POST", "/api/hooks", {**HOOK, "secrets": {"X-Key": "hunter2222"}})
    path = f"/api/hooks/{made.json()['id']}"
    changed = ask(client, world, "PATCH", path, {"is_active": False})
    gone = ask(client, world, "DELETE", path)

    assert (made.status_code, changed.status_code, gone.status_code) == (201, 200, 204)
    assert changed.json()["config"]["secret_headers"] == ["X-Key"]
    assert "hunter2222" not in made.content.decode() + changed.content.decode()
    tags = Entry.objects.using("platform").filter(tag__startswith="hook.").order_by("seq")
    assert list(tags.values_list("tag", flat=True)) == [
        "hook.created",
        "hook.changed",
        "hook.deleted",
    ]


@pytest.mark.parametrize(
    ("path", "body", "attr"),
    [
        ("/api/hooks", {**HOOK, "target": "http://user:pw@a.test"}, "target"),
        ("/api/hooks", {**HOOK, "config": {"blocking": True}}, "blocking"),
        ("/api/hooks", {**HOOK, "surprise": 1}, "surprise"),
        ("/api/webhooks", {**WEBHOOK, "url": "javascript:alert(1)"}, "url"),
        ("/api/webhooks", {**WEBHOOK, "events": ["pod.nothing"]}, "events"),
        ("/api/webhooks", {**WEBHOOK, "events": []}, "events"),
        ("/api/webhooks", {**WEBHOOK, "headers": {"webhook-id": "1"}}, "headers"),
    ],
)
def test_bad_input_names_its_field(
    client: Any, world: World, path: str, body: Any, attr: str
) -> None:
    answer = ask(client, world, "POST", path, body)

    assert answer.status_code == 400
    assert attr in [error["attr"] for error in answer.json()["errors"]]
    assert not Hook.across_tenants.exists()
    assert not Webhook.across_tenants.exists()


@pytest.mark.parametrize(("role", "status"), [("support", 403), ("viewer", 403), ("outsider", 403)])
def test_others_do_nothing_with_webhooks(
    client: Any, world: World, seen: HookSights, role: str, status: int
) -> None:
    operations = Operation.objects.using("platform").count()
    path = f"/api/webhooks/{seen.webhook.pk}"

    answers = [
        ask(client, world, "GET", path, role=role),
        ask(client, world, "POST", f"{path}/test", role=role),
        ask(client, world, "POST", f"{path}/rotate-secret", role=role),
        ask(client, world, "DELETE", path, role=role),
        ask(client, world, "DELETE", f"/api/hooks/{seen.hook.pk}", role=role),
    ]

    assert {answer.status_code for answer in answers} == {status}
    assert Webhook.across_tenants.get().state == "active"
    assert WebhookDelivery.across_tenants.count() == 3
    assert Operation.objects.using("platform").count() == operations


def test_the_events_name_what_may_be_asked_for(client: Any, world: World) -> None:
    told = ask(client, world, "GET", "/api/webhooks/events").json()

    assert [event["name"] for event in told][:3] == ["pod.created", "pod.started", "pod.restarted"]
    assert all(event["title"] and event["sample"] for event in told)
