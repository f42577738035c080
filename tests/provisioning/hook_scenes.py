"""Hooks and webhooks with something to see: runs that went well and badly, messages in every state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction

from portal.kernel import clock
from portal.kernel.tenancy import tenant_scope
from provisioning.logic.hook_rules import HookConfig
from provisioning.logic.hook_states import HookEvent
from provisioning.models import Deployment, Hook, HookRun, Webhook, WebhookDelivery
from provisioning.services.hook_runs import hooks_run
from provisioning.services.hooks import HookRequest, hook_create
from provisioning.services.webhook_outbox import deliveries_add, deployment_told, message_new
from provisioning.services.webhooks import WebhookRequest, webhook_create
from tests.conftest import World


@dataclass(frozen=True)
class HookSights:
    """One of each."""

    hook: Hook
    run: HookRun
    webhook: Webhook
    delivery: WebhookDelivery

    def ids(self, path: str) -> dict[tuple[str, str], Any]:
        """What the parameters of our addresses are."""
        return {
            ("hooks", "pk"): self.hook.pk,
            ("hooks", "hook_id"): self.hook.pk,
            ("hook-runs", "pk"): self.run.pk,
            ("hook-runs", "run_id"): self.run.pk,
            ("webhooks", "pk"): self.delivery.pk if "deliveries" in path else self.webhook.pk,
            ("webhooks", "webhook_id"): self.webhook.pk,
            ("webhooks", "delivery_id"): self.delivery.pk,
            ("webhooks", "action"): "pause",
        }


def hooks_made(world: World, deployment: Deployment) -> HookSights:
    """A hook with two runs and a webhook with a message in each state, of `north`."""
    ops, tenant_id = world.actor("ops"), world.north.pk
    with tenant_scope(tenant_id), transaction.atomic():
        hook = hook_create(
            actor=ops,
            tenant_id=tenant_id,
            request=HookRequest(
                "Register in the inventory",
                HookEvent.POST_CREATE,
                "http",
                "https://inventory.example.org/machines",
                config=HookConfig(headers={"X-Team": "web"}),
            ),
        )
        hook_create(
            actor=ops,
            tenant_id=tenant_id,
            request=HookRequest(
                "Ask for a licence",
                HookEvent.PRE_CREATE,
                "http",
                "https://licences.example.org/seats",
                config=HookConfig(blocking=True, on_failure="closed"),
            ),
        )
        runs = [
            hooks_run(
                event=HookEvent.POST_CREATE,
                tenant_id=tenant_id,
                deployment_id=deployment.pk,
                cause=cause,
            )[0]
            for cause in ("one", "two")
        ]
        good = {"status": "succeeded", "code": 201, "output": '{"id": 4711}\n', "duration_ms": 84}
        bad = {"status": "failed", "code": 503, "reason": "It answered 503.", "duration_ms": 12}
        for run, ended in zip(runs, (good, bad), strict=True):
            HookRun.objects.filter(pk=run.pk).update(attempts=1, ended_at=clock.now(), **ended)
        webhook = _webhook(world)
        deliveries = _messages(webhook, deployment)
    return HookSights(hook, HookRun.across_tenants.get(pk=runs[0].pk), webhook, deliveries[0])


def hook_spare(world: World, name: str) -> Hook:
    """One more, to be deleted."""
    event, url = HookEvent.POST_CREATE, "https://inventory.example.org/machines"
    with tenant_scope(world.north.pk), transaction.atomic():
        request = HookRequest(name, event, "http", url)
        return hook_create(actor=world.actor("ops"), tenant_id=world.north.pk, request=request)


def webhook_spare(world: World) -> Webhook:
    """One more, to be deleted."""
    with tenant_scope(world.north.pk), transaction.atomic():
        return _webhook(world, "Chat of yesterday")


def _webhook(world: World, name: str = "Operations chat") -> Webhook:
    webhook, _key = webhook_create(
        actor=world.actor("ops"),
        tenant_id=world.north.pk,
        request=WebhookRequest(
            name,
            "https://chat.example.org/hooks/uhub",
            ("pod.created", "pod.deleted", "pod.failed", "quota.nearly_full"),
            {"Authorization": "Bearer not-a-real-one"},
        ),
    )
    return webhook


def _messages(webhook: Webhook, deployment: Deployment) -> list[WebhookDelivery]:
    data = {"deployment": deployment_told(deployment.pk)}
    rows = deliveries_add(
        [
            (webhook, message_new(event, data, subject_type="deployment"))
            for event in ("pod.created", "pod.deleted", "pod.failed")
        ]
    )
    now = clock.now()
    ended = {"next_try_at": None, "ended_at": now, "last_try_at": now}
    good = {"status": "delivered", "attempts": 1, "response_status": 200, "latency_ms": 73}
    dead = {"status": "dead", "attempts": 8, "reason": "The receiver answered 500."}
    tried = {"attempts": 2, "reason": "chat.example.org did not answer within 15 s"}
    later = {"next_try_at": now + timedelta(minutes=4), "last_try_at": now}
    answer = {"response_excerpt": '{"ok": true}'}
    changes = [
        good | ended | answer,
        dead | ended | {"response_status": 500, "latency_ms": 12},
        tried | later,
    ]
    for row, change in zip(rows, changes, strict=True):
        WebhookDelivery.objects.filter(pk=row.pk).update(**change)
    return list(WebhookDelivery.objects.filter(webhook=webhook).order_by("id"))
