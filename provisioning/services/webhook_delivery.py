"""Sending messages: one operation per webhook sends what is due, in order, and waits for nobody.

A receiver that does not answer is asked again with growing distance, whatever waits for it; so a dead
one costs one slot for one time limit now and then. A message counts as delivered when the receiver
said 2xx, and carries the same id over all tries.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import transaction

from integrations.base.addresses import AddressRefused
from integrations.base.errors import ProviderError
from integrations.base.http import HttpAnswer, HttpPolicy, TooLarge, http_send
from integrations.base.retry import Backoff
from portal.kernel import clock
from portal.kernel.fsm import transition
from portal.kernel.queue import Complete, Poll, StepContext, StepResult, StepRetry
from portal.kernel.stored_text import stored_text
from portal.selectors.memberships import members_permitted
from portal.services.live_events import live_publish
from portal.services.settings import setting_get
from provisioning.logic.excerpts import excerpt
from provisioning.logic.hook_states import DELIVERY_TRANSITIONS, DeliveryStatus, WebhookState
from provisioning.logic.webhook_events import webhook_event
from provisioning.models import Webhook, WebhookDelivery
from provisioning.permissions import Permission
from provisioning.services.outbound import outbound_policy
from provisioning.services.webhook_keys import Keys, keys_read
from provisioning.services.webhook_outbox import delivery_ring
from provisioning.services.webhook_pauses import webhook_pause_by_itself

EXCERPT_BYTES: Final = 1024
_BUDGET_S: Final = 5.0
_MOST_AT_ONCE: Final = 50
_GONE: Final = 410
_BUSY: Final = frozenset({429, 502, 503, 504})
_WAIT_MOST: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class _Sending:
    """One message on its way out."""

    webhook: Webhook
    delivery: WebhookDelivery


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of it; without a `status` nobody answered."""

    reason: str = ""
    status: int | None = None
    excerpt: str = ""
    latency_ms: int | None = None
    wait: timedelta = field(default_factory=timedelta)

    @property
    def is_delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_receivers_fault(self) -> bool:
        """Whether the next message would fare the same."""
        return self.status is None or self.status in _BUSY


def webhook_deliver(ctx: StepContext) -> StepResult:
    """Sends what is due to one webhook."""
    webhook_id = UUID(str(ctx.payload["webhook_id"]))
    ends_s = time.monotonic() + _BUDGET_S
    keys: Keys | None = None
    for _turn in range(_MOST_AT_ONCE):
        ctx.save()  # whoever lost the lease sends nothing more
        sending = _next(webhook_id)
        if sending is None:
            return _rest(webhook_id)
        keys = keys or _keys(sending.webhook)
        outcome = _send(sending, keys)
        with transaction.atomic():
            _settle(sending.delivery.pk, outcome)
        if time.monotonic() > ends_s:
            break
    return Poll(0.0)


@transaction.atomic
def _next(webhook_id: UUID) -> _Sending | None:
    """The oldest message that is due, its try counted before it is made."""
    now = clock.now()
    webhook = Webhook.objects.select_for_update().filter(pk=webhook_id).first()
    if webhook is None or not _is_open(webhook, now):
        return None
    while True:
        delivery = _pending(webhook).filter(next_try_at__lte=now).order_by("id").first()
        if delivery is None:
            return None
        if obstacle := _obstacle(webhook, delivery):
            if webhook.state == WebhookState.PAUSED:
                return None
            _end(delivery, DeliveryStatus.CANCELED, obstacle)
            continue
        if delivery.attempts >= _attempts_most():
            _end(
                delivery,
                DeliveryStatus.DEAD,
                delivery.reason or stored_text("No try of it came to an end."),
            )
            continue
        delivery.attempts += 1
        delivery.last_try_at = now
        delivery.save(update_fields=["attempts", "last_try_at", "updated_at"])
        return _Sending(webhook, delivery)


def _is_open(webhook: Webhook, now: datetime) -> bool:
    is_slow = webhook.next_try_at is not None and webhook.next_try_at > now
    return webhook.is_active and webhook.state == WebhookState.ACTIVE and not is_slow


def _obstacle(webhook: Webhook, delivery: WebhookDelivery) -> str:
    """Why the owner may not be told of this any more; without rights at all the webhook is paused."""

    def may(permission: str) -> bool:
        people = members_permitted(tenant_id=webhook.tenant_id, permission=permission)
        return webhook.owner_id in people

    if not may(Permission.WEBHOOKS_VIEW):
        reason = stored_text("Its owner may not see webhooks of this organisation any more.")
        webhook_pause_by_itself(webhook, reason)
        return reason
    event = webhook_event(delivery.event)
    if event is not None and may(event.permission):
        return ""
    return stored_text("The webhook's owner may not see this any more.")


def _keys(webhook: Webhook) -> Keys:
    try:
        return keys_read(webhook.secret_ref)
    except ProviderError as error:
        raise StepRetry(stored_text("The keys cannot be read now."), code="secrets") from error


def _send(sending: _Sending, keys: Keys) -> _Outcome:
    """Makes one try, outside of any transaction."""
    webhook, delivery = sending.webhook, sending.delivery
    body = orjson.dumps(delivery.payload, option=orjson.OPT_SORT_KEYS)
    now = clock.now()
    headers = {
        **keys.headers,
        "content-type": "application/json",
        "user-agent": "uHub-Webhooks/1",
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": keys.signatures(delivery.message_id, now, body.decode()),
    }
    try:
        answer = http_send("POST", webhook.url, headers=headers, body=body, policy=_policy())
    except TooLarge as error:
        answer = error.answer
    except AddressRefused:
        return _Outcome(stored_text("The address is not public and not on the list of exceptions."))
    except ProviderError as error:
        return _Outcome(excerpt(error.message, limit=280, secrets=keys.secrets))
    return _answered(answer, keys)


def _answered(answer: HttpAnswer, keys: Keys) -> _Outcome:
    return _Outcome(
        reason=_reason(answer.status),
        status=answer.status,
        excerpt=excerpt(answer.body, limit=EXCERPT_BYTES, secrets=keys.secrets),
        latency_ms=answer.elapsed_ms,
        wait=_wait_asked(answer.headers.get("retry-after", "")),
    )


def _reason(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return stored_text(
            "The receiver redirects (%(status)s); give its final address.", status=status
        )
    return stored_text("The receiver answered %(status)s.", status=status)


def _wait_asked(retry_after: str) -> timedelta:
    """What the receiver asks for in seconds; dates are not believed."""
    if not retry_after.isascii() or not retry_after.isdigit():
        return timedelta()
    return min(timedelta(seconds=min(int(retry_after), 10**6)), _WAIT_MOST)


def _settle(delivery_id: UUID, outcome: _Outcome) -> None:
    """Writes down what became of a try, on the message and on its receiver."""
    webhook = Webhook.objects.select_for_update().filter(deliveries=delivery_id).first()
    if webhook is None:
        return  # deleted meanwhile
    delivery = WebhookDelivery.objects.get(pk=delivery_id)
    now = clock.now()
    answer: dict[str, Any] = {
        "response_status": outcome.status,
        "response_excerpt": outcome.excerpt,
        "latency_ms": outcome.latency_ms,
    }
    if delivery.status != DeliveryStatus.PENDING:
        return  # canceled meanwhile, or settled by a worker that took over
    if outcome.is_delivered:
        _end(delivery, DeliveryStatus.DELIVERED, "", **answer)
        _mend(webhook, now)
        return
    webhook.failures += 1
    webhook.failing_since = webhook.failing_since or now
    _backoff(webhook, delivery, outcome, now)
    fields = ["failures", "failing_since", "next_try_at", "updated_at"]
    webhook.save(update_fields=fields)
    if outcome.status == _GONE or delivery.attempts >= _attempts_most():
        _end(delivery, DeliveryStatus.DEAD, outcome.reason, **answer)
    else:
        _update(delivery, reason=outcome.reason, next_try_at=delivery.next_try_at, **answer)
    _pause_if_hopeless(webhook, outcome, now)


def _mend(webhook: Webhook, now: datetime) -> None:
    Webhook.objects.filter(pk=webhook.pk).update(
        failures=0, failing_since=None, next_try_at=None, last_delivered_at=now, updated_at=now
    )


def _backoff(webhook: Webhook, delivery: WebhookDelivery, outcome: _Outcome, now: datetime) -> None:
    """When the next try is: of everything where the receiver is at fault, else of this message."""
    backoff = Backoff(
        first_s=float(setting_get("cloudpods.webhooks.initial_retry_delay_seconds")),
        limit_s=float(setting_get("cloudpods.webhooks.max_retry_delay_seconds")),
    )
    turn = webhook.failures if outcome.is_receivers_fault else delivery.attempts
    wait = max(timedelta(seconds=backoff.delay_s(turn)), outcome.wait)
    delivery.next_try_at = now + wait
    webhook.next_try_at = now + wait if outcome.is_receivers_fault else None


def _pause_if_hopeless(webhook: Webhook, outcome: _Outcome, now: datetime) -> None:
    if outcome.status == _GONE:
        webhook_pause_by_itself(webhook, stored_text("The receiver says that it is gone (410)."))
        return
    patience = timedelta(hours=float(setting_get("cloudpods.webhooks.pause_after_hours")))
    most = int(setting_get("cloudpods.webhooks.pause_after_failures"))
    since = webhook.failing_since or now
    if webhook.failures >= most and now - since >= patience:
        webhook_pause_by_itself(
            webhook,
            stored_text(
                "%(count)s tries in a row failed. The last one: %(reason)s",
                count=webhook.failures,
                reason=outcome.reason,
            ),
        )


@transaction.atomic
def _rest(webhook_id: UUID) -> StepResult:
    """What is left is asked for anew at its time; nothing is held until then."""
    webhook = Webhook.objects.filter(pk=webhook_id).first()
    if webhook is None:
        return Complete()
    due_at = _pending(webhook).order_by("next_try_at").values_list("next_try_at", flat=True).first()
    if due_at is not None:
        delivery_ring(webhook, at=due_at)
    return Complete()


def _pending(webhook: Webhook) -> Any:
    return WebhookDelivery.objects.filter(
        tenant_id=webhook.tenant_id, webhook=webhook, status=DeliveryStatus.PENDING
    )


def _attempts_most() -> int:
    return int(setting_get("cloudpods.webhooks.max_attempts"))


def _policy() -> HttpPolicy:
    return outbound_policy(timeout_s=float(setting_get("cloudpods.webhooks.timeout_seconds")))


def _end(delivery: WebhookDelivery, to: DeliveryStatus, reason: str, **answer: Any) -> None:
    transition(
        delivery,
        table=DELIVERY_TRANSITIONS,
        to=to,
        reason=reason[:300],
        next_try_at=None,
        ended_at=clock.now(),
        **answer,
    )
    live_publish(f"webhook:{delivery.webhook_id}", tenant_id=delivery.tenant_id)


def _update(delivery: WebhookDelivery, **values: Any) -> None:
    WebhookDelivery.objects.filter(pk=delivery.pk).update(updated_at=clock.now(), **values)
    live_publish(f"webhook:{delivery.webhook_id}", tenant_id=delivery.tenant_id)
