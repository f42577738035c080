"""What of the platform itself waits for a person: silent workers, operations that failed and were left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.kernel import clock, context
from portal.kernel.authz import ANONYMOUS, Actor
from portal.kernel.dashboard import NEEDS_PER_SOURCE, Need, Source, Urgency
from portal.kernel.queue import operation_kind
from portal.kernel.stored_text import translated
from portal.kernel.ui import Tone
from portal.models import Operation
from portal.permissions import Permission
from portal.selectors.engagements import operations_left
from portal.selectors.workers import worker_list
from portal.services.schedules import is_sweep_silent
from portal.states import WorkerStatus
from portal.web.operations import OperationCard, operation_cards


def _silence(_request: HttpRequest) -> Iterator[Need]:
    """No worker serves, or nothing starts the periodic work."""
    actor = context.current().actor or ANONYMOUS
    shown = [getattr(row, "shown", row.status) for row in worker_list(actor=actor)]
    if all(status == WorkerStatus.OFFLINE for status in shown):
        text = _("Nothing that is asked for begins until a worker is started.")
        yield _silent("workers", _("No worker is running"), text)
    elif is_sweep_silent():
        text = _("Periodic work stands still: leases, listings, sweeps.")
        yield _silent("scheduler", _("The scheduler is silent"), text)


def _silent(subject: str, title: str, text: str) -> Need:
    return Need(
        urgency=Urgency.CRITICAL,
        icon="plug-zap",
        tone=Tone.DANGER,
        title=title,
        text=text,
        url=reverse("portal:worker_list"),
        action=_("Show workers"),
        at=clock.now(),
        subject=subject,
    )


def _left(_request: HttpRequest) -> Iterator[Need]:
    """What failed and the actor could try again."""
    actor = context.current().actor or ANONYMOUS
    rows = [
        row for row in operations_left(actor=actor)[:NEEDS_PER_SOURCE] if _may_retry(actor, row)
    ]
    for card in operation_cards(rows):
        yield _failed(card)


def _may_retry(actor: Actor, row: Operation) -> bool:
    """As `operation_may_retry` says of one, for rows of which none was retried."""
    try:
        permission = operation_kind(row.type).retry_permission
    except KeyError:
        return False
    is_own = row.actor_id is not None and row.actor_id == actor.user_id
    return is_own or (actor.may(permission) and actor.may(Permission.OPERATIONS_MANAGE))


def _failed(card: OperationCard) -> Need:
    subject = f"{card.row.target_type}:{card.row.target_id}" if card.row.target_id else ""
    return Need(
        urgency=Urgency.FAILED,
        icon="octagon-x",
        tone=Tone.DANGER,
        title=card.target_label or card.label,
        text=" · ".join(part for part in (card.label, translated(card.row.last_error)) if part),
        url=reverse("portal:operation_detail", args=[card.row.pk]),
        action=_("Try again"),
        at=card.row.completed_at or card.row.created_at,
        subject=subject,
        post_to=reverse("portal:operation_retry", args=[card.row.pk]),
    )


NEEDS: Final = (
    Source("silence", Permission.WORKERS_VIEW, _silence, is_for_all=True),
    Source("left", Permission.OPERATIONS_VIEW, _left),
)
