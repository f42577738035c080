"""Webhooks of the tenant in scope and their messages."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext

from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import NotFound
from provisioning.logic.hook_states import DeliveryStatus
from provisioning.models import Webhook, WebhookDelivery
from provisioning.permissions import Permission


def webhook_list(*, actor: Actor) -> QuerySet[Webhook]:
    """All, newest first. Raises Refused."""
    authorize(actor, Permission.WEBHOOKS_VIEW)
    return Webhook.objects.select_related("owner").order_by("-created_at", "-id")


def webhook_get(*, actor: Actor, webhook_id: UUID | str) -> Webhook:
    """One. Raises Refused, NotFound (also for another tenant's)."""
    try:
        return webhook_list(actor=actor).get(pk=UUID(str(webhook_id)))
    except (ValueError, Webhook.DoesNotExist):
        raise NotFound(gettext("There is no such webhook.")) from None


def webhook_lock(*, actor: Actor, webhook_id: UUID | str) -> Webhook:
    """One, locked, for somebody who may change it. Raises Refused, NotFound."""
    authorize(actor, Permission.WEBHOOKS_MANAGE)
    try:
        return Webhook.objects.select_for_update().get(pk=UUID(str(webhook_id)))
    except (ValueError, Webhook.DoesNotExist):
        raise NotFound(gettext("There is no such webhook.")) from None


def delivery_list(*, actor: Actor, webhook_id: UUID | str) -> QuerySet[WebhookDelivery]:
    """A webhook's messages, newest first. Raises Refused, NotFound."""
    webhook = webhook_get(actor=actor, webhook_id=webhook_id)
    return WebhookDelivery.objects.filter(webhook=webhook).order_by("-created_at", "-id")


def delivery_get(
    *, actor: Actor, webhook_id: UUID | str, delivery_id: UUID | str
) -> WebhookDelivery:
    """One message. Raises Refused, NotFound."""
    rows = delivery_list(actor=actor, webhook_id=webhook_id)
    try:
        return rows.select_related("webhook", "replay_of").get(pk=UUID(str(delivery_id)))
    except (ValueError, WebhookDelivery.DoesNotExist):
        raise NotFound(gettext("There is no such message.")) from None


def delivery_counts(webhook: Webhook) -> dict[str, int]:
    """How many messages stand where."""
    counted = WebhookDelivery.objects.filter(webhook=webhook).aggregate(
        **{str(status): Count("id", filter=Q(status=status)) for status in DeliveryStatus.values}
    )
    return {name: int(count) for name, count in counted.items()}


def webhooks_named(ids: Collection[UUID]) -> dict[UUID, str]:
    """The names of those that the tenant in scope has."""
    return dict(Webhook.objects.filter(pk__in=ids).values_list("pk", "name"))
