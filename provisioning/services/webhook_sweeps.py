"""Periodic work on webhooks: messages that nobody sends, that waited too long, or ended long ago."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from portal.kernel import clock
from portal.kernel.fsm import transition
from portal.kernel.stored_text import stored_text
from portal.kernel.tenancy import PLATFORM, tenant_scope
from portal.models import Operation
from portal.services.purges import purge_in_rounds
from portal.services.settings import setting_get
from portal.states import OPEN_STATUSES
from provisioning.logic.hook_states import DELIVERY_TRANSITIONS, DeliveryStatus, WebhookState
from provisioning.models import Webhook, WebhookDelivery
from provisioning.services.webhook_outbox import WEBHOOK_DELIVER, delivery_ring

_AT_ONCE: Final = 500
# A message that was sent again stays as long as what was sent.
_PURGE: Final = """
  DELETE FROM provisioning_webhookdelivery WHERE id IN (
    SELECT d.id FROM provisioning_webhookdelivery d
    WHERE d.status <> 'pending' AND d.ended_at < now() - make_interval(days => %(days)s)
      AND NOT EXISTS (SELECT 1 FROM provisioning_webhookdelivery r
        WHERE r.tenant_id = d.tenant_id AND r.replay_of_id = d.id)
    ORDER BY d.id LIMIT %(most)s)"""
_PURGE_RUNS: Final = """
  DELETE FROM provisioning_hookrun WHERE id IN (
    SELECT id FROM provisioning_hookrun
    WHERE ended_at < now() - make_interval(days => %(days)s)
    ORDER BY id LIMIT %(most)s)"""


def webhooks_sweep() -> None:
    """Rings for due messages that no operation is under way for, and gives up what waited too long."""
    for tenant_id, webhook_id in _forgotten():
        with tenant_scope(tenant_id), transaction.atomic():
            webhook = Webhook.objects.filter(pk=webhook_id).first()
            if webhook is not None:
                delivery_ring(webhook, at=clock.now())
    for tenant_id, delivery_ids in _overdue().items():
        with tenant_scope(tenant_id), transaction.atomic():
            _give_up(delivery_ids)


def hooks_purge() -> None:
    """Deletes messages and runs that ended before their retention."""
    purge_in_rounds(_PURGE, {"days": int(setting_get("cloudpods.webhooks.retention_days"))})
    purge_in_rounds(_PURGE_RUNS, {"days": int(setting_get("cloudpods.hooks.retention_days"))})


def _forgotten() -> list[tuple[UUID, UUID]]:
    now = clock.now()
    with transaction.atomic(using=PLATFORM):
        due = WebhookDelivery.across_tenants.filter(
            webhook=OuterRef("pk"), status=DeliveryStatus.PENDING, next_try_at__lte=now
        )
        asked = Operation.objects.using(PLATFORM).filter(
            tenant_id=OuterRef("tenant_id"),
            type=WEBHOOK_DELIVER,
            target_id=OuterRef("pk"),
            status__in=OPEN_STATUSES,
        )
        rows = (
            Webhook.across_tenants.filter(is_active=True, state=WebhookState.ACTIVE)
            .filter(Exists(due), ~Exists(asked))
            .exclude(next_try_at__gt=now)
        )
        return list(rows.order_by("id").values_list("tenant_id", "pk"))


def _overdue() -> dict[UUID, list[UUID]]:
    kept = timedelta(hours=float(setting_get("cloudpods.webhooks.keep_hours")))
    found: dict[UUID, list[UUID]] = {}
    with transaction.atomic(using=PLATFORM):
        rows = WebhookDelivery.across_tenants.filter(
            status=DeliveryStatus.PENDING, created_at__lt=clock.now() - kept
        ).order_by("id")
        for tenant_id, delivery_id in rows.values_list("tenant_id", "pk")[:_AT_ONCE]:
            found.setdefault(tenant_id, []).append(delivery_id)
    return found


def _give_up(delivery_ids: list[UUID]) -> None:
    hours = int(setting_get("cloudpods.webhooks.keep_hours"))
    rows = WebhookDelivery.objects.select_for_update(skip_locked=True).filter(
        pk__in=delivery_ids, status=DeliveryStatus.PENDING
    )
    for delivery in rows:
        reason = stored_text("It could not be delivered within %(hours)s hours.", hours=hours)
        if delivery.reason:
            reason = stored_text(
                "It could not be delivered within %(hours)s hours; at last: %(reason)s",
                hours=hours,
                reason=delivery.reason,
            )
        transition(
            delivery,
            table=DELIVERY_TRANSITIONS,
            to=DeliveryStatus.DEAD,
            reason=reason[:300],
            next_try_at=None,
            ended_at=clock.now(),
        )
