"""Whom an organisation wants to be told, and every message to them."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from portal.kernel.models import TenantForeignKey, TenantModel
from provisioning.logic.hook_states import DeliveryStatus, WebhookState


class Webhook(TenantModel):
    """A receiver of signed messages.

    The keys and the values of `headers` (names alone stand here) are behind `secret_ref`. `failures` in
    a row since `failing_since` slow the sending down to `next_try_at` and, in the end, pause it. `owner`
    is whose rights decide what may be told.
    """

    name = models.CharField(max_length=100)
    url = models.CharField(max_length=2048)
    events = models.JSONField(default=list)
    headers = models.JSONField(default=list)
    is_active = models.BooleanField(default=True)
    state = models.CharField(max_length=6, choices=WebhookState, default=WebhookState.ACTIVE)
    pause_reason = models.CharField(max_length=300, blank=True, default="")
    paused_at = models.DateTimeField(null=True)
    secret_ref = models.CharField(max_length=200)
    previous_secret_until = models.DateTimeField(null=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField(null=True)
    last_delivered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "webhook"
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="webhook_name_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=WebhookState.values), name="webhook_state_known"
            ),
        ]
        indexes = [models.Index(fields=["tenant", "-created_at", "-id"], name="webhook_newest")]

    def __str__(self) -> str:
        return self.name


class WebhookDelivery(TenantModel):
    """One message to one receiver, written in the transaction of what it tells.

    `message_id` stays the same over every try and every replay. `next_try_at` is empty once it ended.
    """

    webhook = TenantForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    message_id = models.CharField(max_length=40)
    event = models.CharField(max_length=40)
    subject_type = models.CharField(max_length=40, blank=True, default="")
    subject_id = models.UUIDField(null=True)
    payload = models.JSONField(default=dict)
    occurred_at = models.DateTimeField()
    status = models.CharField(max_length=9, choices=DeliveryStatus, default=DeliveryStatus.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    last_try_at = models.DateTimeField(null=True)
    response_status = models.PositiveIntegerField(null=True)
    response_excerpt = models.TextField(blank=True, default="")
    latency_ms = models.PositiveIntegerField(null=True)
    reason = models.CharField(max_length=300, blank=True, default="")
    ended_at = models.DateTimeField(null=True)
    replay_of = TenantForeignKey(
        "self", on_delete=models.SET_NULL, related_name="replays", null=True
    )

    class Meta:
        verbose_name = "delivery"
        verbose_name_plural = "deliveries"
        ordering = ("-created_at", "-id")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=DeliveryStatus.values),
                name="webhookdelivery_status_known",
            ),
            models.UniqueConstraint(
                fields=["tenant", "replay_of"],
                name="webhookdelivery_one_replay_under_way",
                condition=models.Q(status="pending"),
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "webhook", "-created_at", "-id"], name="webhookdelivery_newest"
            ),
            models.Index(
                fields=["webhook", "next_try_at", "id"],
                name="webhookdelivery_due",
                condition=models.Q(status="pending"),
            ),
        ]

    def __str__(self) -> str:
        return self.message_id
