"""The first page: cards that the apps register, shown by permission."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from portal.kernel import ui
from portal.kernel.authz import SIGNED_IN
from portal.kernel.tenancy import current_tenant_id
from portal.kernel.web.views import PortalView


class Dashboard(PortalView):
    """`/`."""

    permission = SIGNED_IN
    template_name = "portal/dashboard.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page(
            {
                "cards": [self._shown(card, request) for card in self._allowed()],
                "may_create_deployment": bool(current_tenant_id())
                and self.actor.may("cloudpods.create"),
            }
        )

    def _allowed(self) -> list[ui.DashboardCard]:
        if current_tenant_id() is None:
            return []
        return [card for card in ui.cards() if self.actor.may(card.permission)]

    def _shown(self, card: ui.DashboardCard, request: HttpRequest) -> dict[str, Any]:
        return {
            "template": card.template,
            "width": card.width,
            "context": dict(card.context(request)),
        }
