"""`/stuck-work`: what does not go on by itself, why, and what can be done about it."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.kernel.errors import NotFound
from portal.kernel.stuck import Remedy, StuckItem
from portal.kernel.ui import StatusStyle, Tone
from portal.kernel.web.views import ActionView, PortalView
from portal.permissions import Permission
from portal.services.remedies import TYPED, confirmation_of, stuck_cure, stuck_list

STUCK_STYLES: Final = {
    "attention": StatusStyle(gettext_lazy("Needs a person"), "hand", Tone.DANGER),
    "dead": StatusStyle(gettext_lazy("Given up"), "skull", Tone.DANGER),
    "lease_lost": StatusStyle(gettext_lazy("Worker lost"), "unplug", Tone.DANGER),
    "limbo": StatusStyle(gettext_lazy("Nobody works on it"), "circle-question-mark", Tone.WARN),
    "half_clone": StatusStyle(gettext_lazy("Half a clone"), "copy-x", Tone.DANGER),
    "not_taken": StatusStyle(gettext_lazy("Not taken"), "inbox", Tone.WARN),
    "schedule": StatusStyle(gettext_lazy("Not started"), "timer-off", Tone.WARN),
    "slot": StatusStyle(gettext_lazy("Idle slot"), "lock", Tone.IDLE),
    "slow": StatusStyle(gettext_lazy("Slow"), "hourglass", Tone.WARN),
    "undelivered": StatusStyle(gettext_lazy("Not delivered"), "mail-x", Tone.DANGER),
}
_ICONS: Final = {
    Remedy.RETRY: "rotate-cw",
    Remedy.ROLLBACK: "undo-2",
    Remedy.DISMISS: "circle-slash",
    Remedy.FORCE: "zap",
}


class StuckWork(PortalView):
    """The list; each line has its remedies, and the dialogs they open."""

    permission = Permission.STUCK_VIEW
    template_name = "portal/stuck/page.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        items = stuck_list(actor=self.actor)
        return self.page(
            {
                "items": [self._shown(number, item) for number, item in enumerate(items)],
                "is_everywhere": self.actor.is_platform_admin,
            }
        )

    def _shown(self, number: int, item: StuckItem) -> dict[str, Any]:
        return {
            "item": item,
            "number": number,
            "word": confirmation_of(item),
            "remedies": [
                {
                    "key": remedy.value,
                    "icon": _ICONS[remedy],
                    "is_typed": remedy in TYPED,
                    "url": reverse("portal:stuck_cure", args=[item.subject, remedy.value]),
                }
                for remedy in item.remedies
                if self.actor.may(_permission(remedy))
            ],
        }


class StuckCure(ActionView):
    """`/stuck-work/{subject}/{remedy}`."""

    permission = Permission.STUCK_MANAGE

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        try:
            remedy = Remedy(kwargs["remedy"])
        except ValueError as error:
            raise NotFound from error
        stuck_cure(
            actor=self.actor,
            subject=kwargs["subject"],
            remedy=remedy,
            reason=request.POST.get("reason", ""),
            typed=request.POST.get("confirmation", ""),
        )
        return {
            Remedy.RETRY: _("It is tried again."),
            Remedy.ROLLBACK: _("It is being rolled back."),
            Remedy.DISMISS: _("It is left as it is; the reason stands in the audit."),
            Remedy.FORCE: _("It is ended; what its failure asks for is done first."),
        }[remedy]

    def target(self, **kwargs: Any) -> str:
        return reverse("portal:stuck_work")


def _permission(remedy: Remedy) -> str:
    return Permission.FORCE if remedy is Remedy.FORCE else Permission.STUCK_MANAGE
