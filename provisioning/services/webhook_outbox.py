"""Writing messages: in the transaction of what they tell, one row for each webhook that wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from billing.events import QuotaNearlyFull
from portal.kernel import clock, events
from portal.kernel.authz import Actor
from portal.models import Operation
from portal.services.operations import operation_enqueue
from portal.states import OperationStatus
from provisioning.events import (
    BackupDone,
    DeploymentChanged,
    HealthChanged,
    LeaseEnded,
    LeaseWarned,
)
from provisioning.logic.hook_states import WebhookState
from provisioning.logic.webhook_events import POD_EVENTS, envelope
from provisioning.models import Deployment, Webhook, WebhookDelivery

WEBHOOK_DELIVER: Final = "webhook.deliver"
Data = Mapping[str, Any]


def outbox_register() -> None:
    """Subscribes to what webhooks can tell of."""
    events.subscribe(DeploymentChanged, _deployment_changed)
    events.subscribe(LeaseWarned, _lease_warned)
    events.subscribe(LeaseEnded, _lease_ended)
    events.subscribe(BackupDone, _backup_done)
    events.subscribe(HealthChanged, _health_changed)
    events.subscribe(QuotaNearlyFull, _quota_nearly_full)


def webhook_tell(
    *,
    event: str,
    tenant_id: UUID,
    data: Callable[[], Data],
    subject_type: str = "",
    subject_id: UUID | None = None,
) -> int:
    """Writes a message to everybody who wants this event; answers to how many.

    `data` is asked for only when somebody wants it. It holds no secret and no name of a node.
    """
    wanting = list(
        Webhook.objects.filter(
            tenant_id=tenant_id, is_active=True, events__contains=[event]
        ).order_by("id")
    )
    if wanting:
        message = message_new(event, data(), subject_type=subject_type, subject_id=subject_id)
        deliveries_add([(webhook, message) for webhook in wanting])
    return len(wanting)


def message_new(
    event: str, data: Data, *, subject_type: str = "", subject_id: UUID | None = None
) -> dict[str, Any]:
    """The fields that a message has for all of its receivers."""
    now = clock.now()
    return {
        "event": event,
        "occurred_at": now,
        "payload": envelope(event, data, at=moment(now)),
        "subject_type": subject_type,
        "subject_id": subject_id,
    }


def deliveries_add(messages: Iterable[tuple[Webhook, Mapping[str, Any]]]) -> list[WebhookDelivery]:
    """Writes messages and has them sent; a paused webhook collects them."""
    now = clock.now()
    rows, webhooks = [], {}
    for webhook, message in messages:
        values = {"message_id": f"msg_{uuid4().hex}", **message}
        rows.append(
            WebhookDelivery(tenant_id=webhook.tenant_id, webhook=webhook, next_try_at=now, **values)
        )
        webhooks[webhook.pk] = webhook
    WebhookDelivery.objects.bulk_create(rows)
    for webhook in webhooks.values():
        delivery_ring(webhook, at=now)
    return rows


def delivery_ring(webhook: Webhook, *, at: datetime) -> None:
    """Has a webhook's messages sent at a moment, unless that is asked for already.

    What is skipped here because of an operation that ends at this very moment, the sweep finds.
    """
    if not webhook.is_active or webhook.state == WebhookState.PAUSED:
        return
    wanted = max(at, webhook.next_try_at) if webhook.next_try_at else at
    is_asked = Operation.objects.filter(
        tenant_id=webhook.tenant_id,
        type=WEBHOOK_DELIVER,
        target_id=webhook.pk,
        status=OperationStatus.PENDING,
        started_at__isnull=True,
        scheduled_at__lte=wanted,
    ).exists()
    if is_asked:
        return
    operation_enqueue(
        actor=Actor.system("webhooks", tenant_id=webhook.tenant_id),
        type=WEBHOOK_DELIVER,
        tenant_id=webhook.tenant_id,
        target_type="webhook",
        target_id=webhook.pk,
        payload={"webhook_id": str(webhook.pk)},
        concurrency_key=f"webhook:{webhook.pk}",
        scheduled_at=wanted if wanted > clock.now() else None,
    )


def deployment_told(deployment_id: UUID) -> dict[str, Any]:
    """What a message tells of a deployment: nothing of where it runs."""
    row = Deployment.objects.select_related("template", "owner").get(pk=deployment_id)
    return {
        "id": str(row.pk),
        "name": row.name,
        "hostname": row.hostname,
        "status": str(row.status),
        "template": row.template.code,
        "owner": row.owner.username,
        "cpu_cores": row.cpu_cores,
        "memory_mb": row.memory_mb,
        "disk_gb": row.disk_gb,
        "ip_addresses": list(row.ip_addresses),
        "tags": list(row.tags),
        "expires_at": moment(row.expires_at),
    }


def moment(at: datetime) -> str:
    """A time as the API writes it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _deployment_changed(event: DeploymentChanged) -> None:
    name = POD_EVENTS.get(event.tag)
    if name is None:
        return

    def data() -> Data:
        told: dict[str, Any] = {"deployment": deployment_told(event.deployment_id)}
        if name == "pod.failed":
            row = Deployment.objects.only("attention").get(pk=event.deployment_id)
            attention = row.attention or {}
            told["problem"] = {key: attention.get(key, "") for key in ("code", "message")}
        return told

    _about_pod(event.deployment_id, event.tenant_id, name, data)


def _lease_warned(event: LeaseWarned) -> None:
    lease = {
        "end": event.end,
        "ends_at": moment(event.ends_at),
        "hours_left": event.offset_hours,
    }
    _about_pod(
        event.deployment_id,
        event.tenant_id,
        "pod.lease_warning",
        lambda: {"deployment": deployment_told(event.deployment_id), "lease": lease},
    )


def _lease_ended(event: LeaseEnded) -> None:
    _about_pod(
        event.deployment_id,
        event.tenant_id,
        "pod.lease_ended",
        lambda: {
            "deployment": deployment_told(event.deployment_id),
            "lease": {"end": event.end},
        },
    )


def _backup_done(event: BackupDone) -> None:
    if event.deployment_id is None:
        return
    deployment_id = event.deployment_id
    backup = {"id": str(event.backup_id), "status": event.status}
    _about_pod(
        deployment_id,
        event.tenant_id,
        "pod.backup_done",
        lambda: {"deployment": deployment_told(deployment_id), "backup": backup},
    )


def _health_changed(event: HealthChanged) -> None:
    health = {"before": event.before, "health": event.health, "reason": event.reason}
    _about_pod(
        event.deployment_id,
        event.tenant_id,
        "pod.health_changed",
        lambda: {"deployment": deployment_told(event.deployment_id), "health": health},
    )


def _quota_nearly_full(event: QuotaNearlyFull) -> None:
    quota = {"dimension": event.dimension, "used": event.used, "limit": event.limit}
    webhook_tell(
        event="quota.nearly_full", tenant_id=event.tenant_id, data=lambda: {"quota": quota}
    )


def _about_pod(deployment_id: UUID, tenant_id: UUID, event: str, data: Callable[[], Data]) -> None:
    webhook_tell(
        event=event,
        tenant_id=tenant_id,
        data=data,
        subject_type="deployment",
        subject_id=deployment_id,
    )
