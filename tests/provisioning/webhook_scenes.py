"""A receiver, a webhook to it, and a worker's step without a worker."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.queue import StepResult
from portal.kernel.tenancy import tenant_scope
from portal.services.settings import setting_change
from provisioning.models import Deployment, Webhook, WebhookDelivery
from provisioning.services.webhook_delivery import webhook_deliver
from provisioning.services.webhook_outbox import deliveries_add, message_new
from provisioning.services.webhooks import WebhookRequest, webhook_create
from tests.conftest import World
from tests.factories.provisioning import DeploymentFactory, TemplateFactory
from tests.receiver import Receiver

LOOPBACK = ["127.0.0.1/32"]


class Run:
    """What a step sees of its operation (`StepContext`)."""

    is_cancel_requested = False
    attempt = 1
    payload_schema = 1
    target_id: UUID | None = None

    def __init__(self, tenant_id: UUID, **payload: Any) -> None:
        self.operation_id = uuid4()
        self.tenant_id = tenant_id
        self.payload: dict[str, Any] = payload
        self.state: dict[str, Any] = {}
        self.actor = Actor.system("test", tenant_id=tenant_id)

    def save(self) -> None:
        """Nobody else works on it."""

    def log(self, lines: Iterable[str]) -> None:
        """Nobody reads it."""

    def progress(self, percent: int) -> None:
        """Nobody looks."""


def allow_loopback() -> None:
    """Lets hooks and webhooks reach this machine, as an operator would."""
    setting("platform.outbound_allowed_networks", LOOPBACK)


def setting(name: str, value: Any) -> None:
    setting_change(actor=Actor.system("test"), name=name, value=value)


def webhook_to(
    world: World, receiver: Receiver | str, *, role: str = "ops", **more: Any
) -> tuple[Webhook, str]:
    """A webhook of `north`, and its key."""
    url = receiver if isinstance(receiver, str) else receiver.url
    wanted = {"name": "to us", "url": url, "events": ("pod.created",)} | more
    return webhook_create(
        actor=world.actor(role), tenant_id=world.north.pk, request=WebhookRequest(**wanted)
    )


def messages(webhook: Webhook, count: int = 1) -> list[WebhookDelivery]:
    """Messages that wait; their operation is asked for as in life."""
    with transaction.atomic():
        new = [(webhook, message_new("pod.created", {"n": n})) for n in range(count)]
        return deliveries_add(new)


def send(webhook: Webhook, *, after: timedelta = timedelta()) -> StepResult:
    """One run of the sending step, some time from now."""
    with clock.travelled(after), tenant_scope(webhook.tenant_id):
        return webhook_deliver(Run(webhook.tenant_id, webhook_id=str(webhook.pk)))


def a_deployment(world: World, **more: Any) -> Deployment:
    """A row without a machine, of `north`'s support agent."""
    template = TemplateFactory()
    with transaction.atomic():
        return DeploymentFactory(
            tenant=world.north, owner=world.people["support"], template=template, **more
        )


def fresh(row: WebhookDelivery) -> WebhookDelivery:
    """The message as it stands now."""
    return WebhookDelivery.across_tenants.get(pk=row.pk)
