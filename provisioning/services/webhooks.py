"""What people do with webhooks: set up, change, test, renew the key, pause, resume, send again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from audit.services import trail
from portal.kernel import clock
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Conflict, Fault, InvalidInput, Refused
from portal.kernel.fsm import transition
from portal.kernel.models import uuid7
from portal.kernel.stored_text import stored_text
from portal.services.settings import setting_get
from provisioning.logic.hook_rules import event_faults, header_faults, name_faults, url_faults
from provisioning.logic.hook_states import (
    DELIVERY_TRANSITIONS,
    WEBHOOK_TRANSITIONS,
    DeliveryStatus,
    WebhookState,
)
from provisioning.logic.webhook_events import TEST
from provisioning.models import Webhook, WebhookDelivery
from provisioning.permissions import Permission
from provisioning.selectors.webhooks import webhook_lock
from provisioning.services.webhook_keys import (
    Keys,
    key_make,
    keys_read,
    keys_reference,
    keys_rotated,
    keys_write,
)
from provisioning.services.webhook_outbox import deliveries_add, delivery_ring, message_new
from provisioning.tags import Tag

REPLAYED_MOST: Final = 1000
_NAME_ONCE: Final = "webhook_name_once"
_SHOWN: Final = ("name", "url", "events", "headers", "is_active")


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """What somebody wants a webhook to be; `headers` None leaves them as they are."""

    name: str
    url: str
    events: tuple[str, ...] = ()
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    is_active: bool = True

    def faults(self) -> list[Fault]:
        """Everything that is wrong with it."""
        return [
            *name_faults(self.name),
            *url_faults(self.url, at="url"),
            *event_faults(list(self.events)),
            *header_faults(self.headers or {}, at="headers"),
        ]


@transaction.atomic
def webhook_create(
    *, actor: Actor, tenant_id: UUID, request: WebhookRequest
) -> tuple[Webhook, str]:
    """Sets up a webhook; answers it with its key, which is shown this once.

    Raises: Refused, InvalidInput, Conflict.
    """
    owner_id = _person(actor)
    _demand(request)
    most = int(setting_get("cloudpods.webhooks.per_organisation"))
    if Webhook.objects.count() >= most:
        text = _("Your organisation has %(most)s webhooks already. Delete one first.")
        raise Conflict(text % {"most": most}, code="too_many_webhooks", limit=most)
    webhook_id, keys = uuid7(), Keys(key_make(), headers=request.headers or {})
    webhook = Webhook(
        id=webhook_id,
        tenant_id=tenant_id,
        owner_id=owner_id,
        secret_ref=keys_reference(tenant_id, webhook_id),
        **_fields(request),
    )
    _save(webhook, force_insert=True)
    keys_write(webhook.secret_ref, keys)
    trail.record(tag=Tag.WEBHOOK_CREATED, target=webhook, actor=actor, after=_looks(webhook))
    return webhook, keys.current


@transaction.atomic
def webhook_change(*, actor: Actor, webhook_id: UUID | str, request: WebhookRequest) -> Webhook:
    """Changes a webhook. Another address keeps the key; switched off, what waits is canceled.

    Raises: NotFound, Refused, InvalidInput, Conflict.
    """
    webhook = webhook_lock(actor=actor, webhook_id=webhook_id)
    _demand(request)
    before = _looks(webhook)
    for name, value in _fields(request).items():
        setattr(webhook, name, value)
    webhook.owner_id = _person(actor)
    webhook.next_try_at = None
    _save(webhook)
    if request.headers is not None:
        keys = keys_read(webhook.secret_ref)
        renewed = Keys(keys.current, keys.previous, keys.previous_until, request.headers)
        if renewed != keys:
            keys_write(webhook.secret_ref, renewed)
    if not webhook.is_active:
        _cancel_waiting(webhook)
    trail.record(
        tag=Tag.WEBHOOK_CHANGED, target=webhook, actor=actor, before=before, after=_looks(webhook)
    )
    return webhook


@transaction.atomic
def webhook_delete(*, actor: Actor, webhook_id: UUID | str) -> None:
    """Ends a webhook; its messages go with it. Raises: NotFound, Refused."""
    webhook = webhook_lock(actor=actor, webhook_id=webhook_id)
    trail.record(tag=Tag.WEBHOOK_DELETED, target=webhook, actor=actor, before=_looks(webhook))
    WebhookDelivery.objects.filter(webhook=webhook).delete()
    webhook.delete()


@transaction.atomic
def webhook_rotate(*, actor: Actor, webhook_id: UUID | str) -> tuple[Webhook, str]:
    """Makes a new key and answers it, this once; for a while messages carry both signatures.

    Raises: NotFound, Refused.
    """
    webhook = webhook_lock(actor=actor, webhook_id=webhook_id)
    overlap = timedelta(hours=float(setting_get("cloudpods.webhooks.rotation_hours")))
    keys = keys_rotated(keys_read(webhook.secret_ref), at=clock.now(), overlap=overlap)
    keys_write(webhook.secret_ref, keys)
    webhook.previous_secret_until = keys.previous_until
    webhook.save(update_fields=["previous_secret_until", "updated_at"])
    trail.record(tag=Tag.WEBHOOK_ROTATED, target=webhook, actor=actor)
    return webhook, keys.current


@transaction.atomic
def webhook_pause(*, actor: Actor, webhook_id: UUID | str) -> Webhook:
    """Stops sending; what happens meanwhile is collected. Raises: NotFound, Refused, Conflict."""
    webhook = webhook_lock(actor=actor, webhook_id=webhook_id)
    transition(
        webhook,
        table=WEBHOOK_TRANSITIONS,
        to=WebhookState.PAUSED,
        field="state",
        pause_reason="",
        paused_at=clock.now(),
    )
    trail.record(tag=Tag.WEBHOOK_PAUSED, target=webhook, actor=actor)
    return webhook


@transaction.atomic
def webhook_resume(*, actor: Actor, webhook_id: UUID | str) -> Webhook:
    """Sends again, first what was collected; whoever resumes it answers for it from now on.

    Raises: NotFound, Refused, Conflict.
    """
    webhook = webhook_lock(actor=actor, webhook_id=webhook_id)
    if webhook.state == WebhookState.ACTIVE:
        raise Conflict(_("It is not paused."), code="wrong_state", status=webhook.state)
    transition(
        webhook,
        table=WEBHOOK_TRANSITIONS,
        to=WebhookState.ACTIVE,
        field="state",
        pause_reason="",
        paused_at=None,
        failures=0,
        failing_since=None,
        next_try_at=None,
        owner_id=_person(actor),
    )
    trail.record(tag=Tag.WEBHOOK_RESUMED, target=webhook, actor=actor)
    _due_now(webhook)
    return webhook


@transaction.atomic
def webhook_test(*, actor: Actor, webhook_id: UUID | str) -> WebhookDelivery:
    """Sends a message that says no more than that it is a test, at once.

    Raises: NotFound, Refused, Conflict.
    """
    webhook = webhook_lock(actor=actor, webhook_id=webhook_id)
    _demand_sending(webhook)
    message = message_new(TEST, {"message": "It works.", "sent_by": actor.label})
    _at_once(webhook)
    delivery = deliveries_add([(webhook, message)])[0]
    trail.record(tag=Tag.WEBHOOK_TESTED, target=webhook, actor=actor)
    return delivery


@transaction.atomic
def webhook_replay(
    *,
    actor: Actor,
    webhook_id: UUID | str,
    delivery_id: UUID | str | None = None,
    since: datetime | None = None,
) -> list[WebhookDelivery]:
    """Sends one ended message again, or all that were given up since a moment, each with its own id.

    What is being sent again already is left out.

    Raises: NotFound, Refused, InvalidInput, Conflict.
    """
    webhook = webhook_lock(actor=actor, webhook_id=webhook_id)
    _demand_sending(webhook)
    ended = _replayable(webhook, delivery_id, since)
    if delivery_id is not None and not ended:
        text = _("There is no such message, or it is on its way already.")
        raise Conflict(text, code="not_replayable")
    _at_once(webhook)
    copies = [
        {
            "message_id": row.message_id,
            "event": row.event,
            "occurred_at": row.occurred_at,
            "payload": row.payload,
            "subject_type": row.subject_type,
            "subject_id": row.subject_id,
            "replay_of": row,
        }
        for row in ended
    ]
    deliveries = deliveries_add([(webhook, copy) for copy in copies])
    trail.record(
        tag=Tag.WEBHOOK_REPLAYED,
        target=webhook,
        actor=actor,
        detail={"count": len(deliveries), "since": since.isoformat() if since else None},
    )
    return deliveries


@transaction.atomic
def webhook_dismiss(*, actor: Actor, webhook_id: UUID | str, reason: str) -> int:
    """Leaves all messages that were given up unsent for good; answers how many.

    Raises: NotFound, Refused.
    """
    webhook = webhook_lock(actor=actor, webhook_id=webhook_id)
    dead = WebhookDelivery.objects.filter(webhook=webhook, status=DeliveryStatus.DEAD)
    why = stored_text("Left unsent by %(who)s: %(reason)s", who=actor.label, reason=reason)
    left = dead.filter(replays__isnull=True).select_for_update(of=("self",))
    rows = list(left.order_by("id"))
    for row in rows:
        transition(row, table=DELIVERY_TRANSITIONS, to=DeliveryStatus.CANCELED, reason=why[:300])
    trail.record(
        tag=Tag.WEBHOOK_LEFT,
        target=webhook,
        actor=actor,
        detail={"count": len(rows), "reason": reason},
    )
    return len(rows)


def _replayable(
    webhook: Webhook, delivery_id: UUID | str | None, since: datetime | None
) -> list[WebhookDelivery]:
    """Oldest first. A message that was sent again is replaced by that, whatever became of it."""
    rows = WebhookDelivery.objects.filter(webhook=webhook, replays__isnull=True).order_by("id")
    if delivery_id is not None:
        try:
            key = UUID(str(delivery_id))
        except ValueError:
            return []
        return list(rows.filter(pk=key).exclude(status=DeliveryStatus.PENDING))
    if since is None:
        text = _("Name a message, or the moment since which messages are sent again.")
        raise InvalidInput(faults=(Fault("since", "required", text),))
    dead = rows.filter(status=DeliveryStatus.DEAD, ended_at__gte=since)
    return list(dead[:REPLAYED_MOST])


def _fields(request: WebhookRequest) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "name": request.name.strip(),
        "url": request.url,
        "events": list(dict.fromkeys(request.events)),
        "is_active": request.is_active,
    }
    if request.headers is not None:
        fields["headers"] = sorted(request.headers)
    return fields


def _demand(request: WebhookRequest) -> None:
    faults = request.faults()
    if faults:
        raise InvalidInput(faults=tuple(faults))


def _demand_sending(webhook: Webhook) -> None:
    if not webhook.is_active:
        raise Conflict(_("The webhook is switched off. Switch it on first."), code="inactive")
    if webhook.state == WebhookState.PAUSED:
        raise Conflict(_("The webhook is paused. Resume it first."), code="paused")


def _person(actor: Actor) -> UUID:
    authorize(actor, Permission.WEBHOOKS_MANAGE)
    if actor.user_id is None:
        raise Refused(_("Only a person can answer for a webhook."))
    return actor.user_id


def _save(webhook: Webhook, *, force_insert: bool = False) -> None:
    try:
        with transaction.atomic():
            webhook.save(force_insert=force_insert)
    except IntegrityError as error:
        if _NAME_ONCE not in str(error):
            raise
        text = _("There is a webhook of this name already.")
        raise InvalidInput(faults=(Fault("name", "unique", text),)) from error


def _at_once(webhook: Webhook) -> None:
    """Somebody waits for it: the receiver is asked now, however often it failed before."""
    if webhook.next_try_at is not None:
        webhook.next_try_at = None
        webhook.save(update_fields=["next_try_at", "updated_at"])


def _due_now(webhook: Webhook) -> None:
    now = clock.now()
    waiting = WebhookDelivery.objects.filter(webhook=webhook, status=DeliveryStatus.PENDING)
    if waiting.update(next_try_at=now, updated_at=now):
        delivery_ring(webhook, at=now)


def _cancel_waiting(webhook: Webhook) -> None:
    waiting = WebhookDelivery.objects.filter(webhook=webhook, status=DeliveryStatus.PENDING)
    for delivery in waiting.order_by("id"):
        transition(
            delivery,
            table=DELIVERY_TRANSITIONS,
            to=DeliveryStatus.CANCELED,
            next_try_at=None,
            ended_at=clock.now(),
        )


def _looks(webhook: Webhook) -> dict[str, Any]:
    return {name: getattr(webhook, name) for name in _SHOWN}
