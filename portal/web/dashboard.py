"""The first page: what matters now, and cards that the apps register, each shown by permission."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.kernel import ui
from portal.kernel.authz import SIGNED_IN, Actor
from portal.kernel.dashboard import facts
from portal.kernel.errors import NotFound
from portal.kernel.live import topics_permitted
from portal.kernel.tenancy import current_tenant_id
from portal.kernel.web.views import PortalView
from portal.logic.periods import PeriodKey
from portal.web.periods import COOKIE, period_of_request

_REMEMBERED_S: Final = 365 * 86_400
_UNCHANGED: Final = 204
_NAMES: Final = {
    PeriodKey.DAY: gettext_lazy("24 h"),
    PeriodKey.WEEK: gettext_lazy("7 d"),
    PeriodKey.MONTH: gettext_lazy("30 d"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A card as it stands on the page; `version` names what it says, `url` where it asks for itself."""

    key: str
    width: str
    order: int
    topics: str
    url: str
    html: SafeString
    version: str


class Dashboard(PortalView):
    """`/`; with `?card=<key>` the one card alone, and 204 when it says what the browser has already."""

    permission = SIGNED_IN
    template_name = "portal/dashboard.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        key = request.GET.get("card")
        return self._page(request) if key is None else self._fragment(request, key)

    def _page(self, request: HttpRequest) -> HttpResponse:
        period = period_of_request(request)
        shown = [self._shown(card, request) for card in self._allowed()]
        response = self.page(
            {
                "rows": _rows(shown),
                "name": _given_name(request),
                "sentence": _sentence(request, self.actor),
                "periods": _tabs(period.key),
                "may_create_deployment": bool(current_tenant_id())
                and self.actor.may("cloudpods.create"),
            }
        )
        if request.GET.get("period"):
            response.set_cookie(
                COOKIE,
                period.key,
                max_age=_REMEMBERED_S,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response

    def _fragment(self, request: HttpRequest, key: str) -> HttpResponse:
        card = next((card for card in self._allowed() if card.key == key), None)
        if card is None:
            raise NotFound(_("There is no such card."))
        shown = self._shown(card, request)
        if request.GET.get("version") == shown.version:
            response = HttpResponse(status=_UNCHANGED)
        else:
            html = render_to_string("portal/dashboard/_card.html", {"card": shown})
            response = HttpResponse(html)
        response["Cache-Control"] = "no-store"
        return response

    def _allowed(self) -> Iterable[ui.DashboardCard]:
        here = ui.Place.PLATFORM if current_tenant_id() is None else ui.Place.TENANT
        for card in ui.cards():
            is_allowed = card.permission == SIGNED_IN or self.actor.may(card.permission)
            if is_allowed and card.place in (here, ui.Place.ANYWHERE):
                yield card

    def _shown(self, card: ui.DashboardCard, request: HttpRequest) -> Shown:
        context = card.context(request)
        html = SafeString("")
        if context is not None:
            drawn = render_to_string(card.template, {"card": context})
            html = mark_safe(drawn.strip())  # noqa: S308 - what a template made
        query = urlencode({"card": card.key, "period": period_of_request(request).key})
        return Shown(
            key=card.key,
            width=card.width,
            order=card.order,
            topics=self._topics(card),
            url=f"/?{query}",
            html=html,
            version=blake2b(html.encode(), digest_size=8).hexdigest(),
        )

    def _topics(self, card: ui.DashboardCard) -> str:
        """What the card may listen to; there is nothing to hear outside an organisation."""
        if current_tenant_id() is None:
            return ""
        held = self.actor.permissions
        return " ".join(
            t for t in card.topics.split() if topics_permitted([t], held, self.actor.user_id)
        )


def _rows(cards: Iterable[Shown]) -> list[dict[str, list[Shown]]]:
    """Cards in their rows, each with what spans it and its two columns."""
    rows = []
    for _tens, group in groupby(cards, key=lambda card: card.order // 10):
        members = list(group)
        rows.append(
            {
                "full": [card for card in members if card.width == "full"],
                "wide": [card for card in members if card.width == "two-thirds"],
                "side": [card for card in members if card.width == "third"],
            }
        )
    return rows


def _given_name(request: HttpRequest) -> str:
    """The first word of the person's name."""
    words = str(request.user).split()
    return words[0] if words else ""


def _sentence(request: HttpRequest, actor: Actor) -> str:
    """What matters now, in one sentence; empty where no app has anything to say."""
    parts = [fact.text for fact in facts(request, actor)]
    return f"{capfirst(', '.join(parts))}." if parts else ""


def _tabs(current: PeriodKey) -> list[dict[str, Any]]:
    return [
        {"label": label, "url": f"?period={key}", "is_current": key is current}
        for key, label in _NAMES.items()
    ]
