"""`/system-health`: how the platform's parts are, and what its processes reported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.logic.event_words import event_words
from audit.models import SystemEvent
from audit.permissions import Permission
from audit.selectors.system_events import SystemEventFilter, system_events
from audit.web.event_table import SYSTEM_EVENTS
from portal.kernel.errors import NotFound
from portal.kernel.web.table_views import TableView
from portal.kernel.web.views import PortalView
from portal.services.readiness import platform_checks

TAIL: Final = "tail"
_TAIL_S: Final = 5
_PARTS: Final[Mapping[str, tuple[str | Promise, str, str]]] = {
    "database": (_("Database"), "database", ""),
    "migrations": (_("Schema"), "layers", ""),
    "broker": (_("Broker"), "radio-tower", ""),
    "storage": (_("Files"), "hard-drive", ""),
    "workers": (_("Workers"), "cpu", "/workers"),
    "scheduler": (_("Scheduler"), "timer", "/workers"),
}
_WORDS: Final[Mapping[str, str | Promise]] = {
    "ok": _("OK"),
    "unreachable": _("Unreachable"),
    "missing": _("Migrations are missing"),
    "read_only": _("Cannot be written"),
    "silent": _("Silent"),
    "unknown": _("Unknown"),
}


class SystemHealth(TableView):
    """The parts above, the events below; while the newest are shown they follow by themselves."""

    permission = Permission.SYSTEM_EVENTS_VIEW
    table = SYSTEM_EVENTS
    template_name = "portal/health/page.html"
    empty_name = "portal/health/_empty.html"

    @property
    def poll_s(self) -> int:  # type: ignore[override]
        """Whoever reads an older page, or stopped the tail, is left in peace."""
        asked = self.request.GET
        is_still = asked.get(TAIL) == "off" or "after" in asked or "before" in asked
        return 0 if is_still else _TAIL_S

    def rows(self, wanted: Mapping[str, Any]) -> QuerySet[SystemEvent]:
        rows: QuerySet[SystemEvent] = SystemEventFilter(
            self.request.GET, queryset=system_events(self.actor)
        ).qs
        return rows

    def values(self) -> dict[str, Any]:
        if self.request.htmx:  # type: ignore[attr-defined]
            return {}
        return {
            "parts": [_part(name, word) for name, word in platform_checks().items()],
            "is_tailing": self.poll_s > 0,
        }


class SystemEventDetail(PortalView):
    """`/system-health/events/{id}`."""

    permission = Permission.SYSTEM_EVENTS_VIEW
    template_name = "portal/health/event.html"

    def get(self, request: HttpRequest, event_id: str) -> HttpResponse:
        event = system_events(self.actor).filter(pk=_key(event_id)).first()
        if event is None:
            raise NotFound
        context = dict(event.context)
        trace = context.pop("exception", "")
        values = {
            "event": event,
            "words": event_words(event.message),
            "facts": context.items(),
            "trace": str(trace).splitlines(),
        }
        return self.page(values)


def _part(name: str, word: str) -> dict[str, Any]:
    label, icon, url = _PARTS[name]
    is_ok = word == "ok"
    return {
        "label": label,
        "icon": icon,
        "word": _WORDS.get(word, word),
        "tone": "" if is_ok else "danger",
        "url": url,
    }


def _key(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError as error:
        raise NotFound from error
