"""Trying hooks and messages once more: a run that has ended stays so, and a message is sent while one waits."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _

from portal.kernel.authz import Actor
from portal.kernel.queue import Payload
from provisioning.errors import WrongState
from provisioning.logic.hook_states import DeliveryStatus, WebhookState
from provisioning.models import Webhook, WebhookDelivery


def hook_again(_actor: Actor, _payload: Payload) -> None:
    """A run belongs to its occasion and ended with its operation. Raises WrongState."""
    raise WrongState(
        _(
            "A hook runs once for its occasion. Where it holds up a deletion, try the deletion again "
            "or skip the hook; else it runs at the next occasion."
        )
    )


def deliver_again(_actor: Actor, payload: Payload) -> None:
    """What waits is sent again. Raises WrongState when nothing does, or nothing may be sent."""
    webhook = Webhook.objects.filter(pk=UUID(str(payload["webhook_id"]))).first()
    if webhook is None:
        raise WrongState(_("The webhook is gone: nothing is sent to it any more."))
    if not webhook.is_active or webhook.state != WebhookState.ACTIVE:
        raise WrongState(_("The webhook sends nothing now. Resume it: what waits is sent then."))
    waiting = WebhookDelivery.objects.filter(webhook=webhook, status=DeliveryStatus.PENDING)
    if not waiting.exists():
        raise WrongState(
            _("Nothing waits to be sent. Send messages that were given up again on its page.")
        )
