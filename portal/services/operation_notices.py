"""What people are told of their operations."""

from __future__ import annotations

from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.events import OperationEnded
from portal.kernel.notices import Words, register_notice_kind
from portal.kernel.ui import Tone, target_links
from portal.selectors.operations import operation_label
from portal.services.notifications import Notice, notify
from portal.states import OperationStatus

FAILED: Final = "operation.failed"
ATTENTION: Final = "operation.attention"
FINISHED: Final = "operation.finished"
_UNSEEN_QUEUES: Final = frozenset({"metrics", "health"})


def notice_kinds_register() -> None:
    """Makes the kinds known."""
    register_notice_kind(
        FAILED, gettext_lazy("Your operation failed"), "circle-x", Tone.DANGER, text=_failed_text
    )
    register_notice_kind(
        ATTENTION,
        gettext_lazy("Your operation needs a person"),
        "hand",
        Tone.WARN,
        text=_attention_text,
    )
    register_notice_kind(
        FINISHED,
        gettext_lazy("Your operation finished after more than a minute"),
        "circle-check",
        Tone.OK,
        text=_finished_text,
    )


def operation_ended(event: OperationEnded) -> None:
    """Tells who asked for it, if the end is news."""
    kind = _kind_of(event)
    if kind is None or event.actor_id is None or event.queue in _UNSEEN_QUEUES:
        return
    ids = {event.target_id} if event.target_id else set()
    target = next(iter(target_links(event.target_type, ids).values()), None)
    notice = Notice(
        kind=kind,
        cause=f"operation:{event.operation_id}:{event.status}",
        path=reverse("portal:operation_detail", args=[event.operation_id]),
        words={
            "operation": event.type,
            "target": target.label if target else "",
            "detail": event.message,
        },
    )
    notify(notice, tenant_id=event.tenant_id, user_ids=[event.actor_id])


def _kind_of(event: OperationEnded) -> str | None:
    if event.needs_operator:
        return ATTENTION
    if event.status in {OperationStatus.FAILED, OperationStatus.DEAD}:
        return FAILED
    return FINISHED if event.status == OperationStatus.COMPLETED else None


def _named(words: Words) -> dict[str, str]:
    return {"operation": operation_label(words["operation"]), "target": words.get("target", "")}


def _failed_text(words: Words) -> str:
    text = _("%(target)s: “%(operation)s” failed") if words.get("target") else None
    return (text or _("“%(operation)s” failed")) % _named(words)


def _attention_text(words: Words) -> str:
    text = _("%(target)s: “%(operation)s” needs a person") if words.get("target") else None
    return (text or _("“%(operation)s” needs a person")) % _named(words)


def _finished_text(words: Words) -> str:
    text = _("%(target)s: “%(operation)s” is done") if words.get("target") else None
    return (text or _("“%(operation)s” is done")) % _named(words)
