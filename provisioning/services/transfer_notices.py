"""What people are told of machines that change hands."""

from __future__ import annotations

from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.kernel import events
from portal.kernel.notices import Words, register_notice_kind
from portal.kernel.ui import Tone
from portal.services.notifications import Notice, notify
from provisioning.events import OwnershipOffered, OwnershipSettled
from provisioning.states import TransferStatus

OFFERED: Final = "transfer.offered"
SETTLED: Final = "transfer.settled"


def transfer_notices_register() -> None:
    """Makes the kinds known and subscribes to what they tell of."""
    register_notice_kind(
        OFFERED,
        gettext_lazy("A machine is offered to you"),
        "handshake",
        Tone.VIOLET,
        text=_offered_text,
    )
    register_notice_kind(
        SETTLED,
        gettext_lazy("A machine changed hands, or did not"),
        "arrow-right-left",
        Tone.INFO,
        text=_settled_text,
    )
    events.subscribe(OwnershipOffered, _offered)
    events.subscribe(OwnershipSettled, _settled)


def _offered(event: OwnershipOffered) -> None:
    path = reverse("provisioning:transfer_list")
    words = {"name": event.name, "requester": event.requester}
    notify(
        Notice(OFFERED, f"transfer:{event.transfer_id}:offered", path, words),
        tenant_id=event.tenant_id,
        user_ids=[event.receiver_id],
    )


def _settled(event: OwnershipSettled) -> None:
    path = reverse("provisioning:deployment_detail", args=[event.deployment_id])
    words = {"name": event.name, "owner": event.owner, "status": event.status}
    notify(
        Notice(SETTLED, event.cause, path, words),
        tenant_id=event.tenant_id,
        user_ids=list(event.told),
    )


def _offered_text(words: Words) -> str:
    return _("%(requester)s offers you %(name)s") % words


def _settled_text(words: Words) -> str:
    texts = {
        TransferStatus.ACCEPTED: _("%(name)s belongs to %(owner)s now"),
        TransferStatus.DECLINED: _("%(owner)s declined %(name)s"),
        TransferStatus.WITHDRAWN: _("The offer of %(name)s was withdrawn"),
        TransferStatus.EXPIRED: _("Nobody took %(name)s in time"),
    }
    return texts[TransferStatus(words["status"])] % words
