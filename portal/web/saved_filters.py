"""Saved filters: kept from a list, looked after on a page of their own."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.kernel import context
from portal.kernel.authz import SIGNED_IN
from portal.kernel.errors import NotFound
from portal.kernel.tenancy import current_tenant_id
from portal.kernel.web.table_views import SavedView
from portal.kernel.web.tables import tables
from portal.kernel.web.views import ActionView
from portal.models import SavedFilter
from portal.selectors.saved_filters import saved_filter_list
from portal.services import saved_filters

SHOWN = 20


def saved_views(table: str) -> list[SavedView]:
    """The tabs above a list: one's own and the shared ones, by name."""
    actor = context.current().actor
    if actor is None or actor.user_id is None or current_tenant_id() is None:
        return []
    rows = saved_filter_list(actor=actor, table=table).select_related(None)[:SHOWN]
    return [
        SavedView(
            id=str(row.pk),
            name=row.name,
            query=row.query,
            is_mine=row.owner_id == actor.user_id,
            is_shared=row.is_shared,
            is_default=row.is_default,
        )
        for row in rows
    ]


class SavedFilters(ActionView):
    """`/saved-filters`: all of them; a POST keeps another one and opens its list with it."""

    permission = SIGNED_IN
    http_method_names = ["get", "post"]
    template_name = "portal/table/saved.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        rows = saved_filter_list(actor=self.actor) if current_tenant_id() else []
        groups = [
            {"table": tables()[key], "filters": [self._shown(row) for row in found]}
            for key, found in groupby(rows, key=lambda row: row.table)
        ]
        back = tables().get(request.GET.get("table", ""))
        return self.page({"groups": groups, "back": back})

    def _shown(self, row: SavedFilter) -> dict[str, Any]:
        return {
            "row": row,
            "is_mine": row.owner_id == self.actor.user_id,
            "may_change": saved_filters.saved_filter_is_editable(self.actor, row),
        }

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        tenant_id = current_tenant_id()
        if tenant_id is None:
            raise NotFound
        table = request.POST.get("table", "")
        self.kept = saved_filters.saved_filter_create(
            actor=self.actor,
            tenant_id=tenant_id,
            table=table,
            query=request.POST.get("query", ""),
            **_typed(request),
        )
        return _("%(name)s is saved.") % {"name": self.kept.name}

    def target(self, **kwargs: Any) -> str:
        kept = getattr(self, "kept", None)
        if kept is not None:
            return f"{tables()[kept.table].url}?{kept.query or 'view=all'}"
        table = tables().get(self.request.POST.get("table", ""))
        return table.url if table else reverse("portal:saved_filters")


class SavedFilterAction(ActionView):
    """`/saved-filters/{id}/{change|delete}`."""

    permission = SIGNED_IN

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        key: dict[str, Any] = {"actor": self.actor, "filter_id": kwargs["filter_id"]}
        match kwargs["action"]:
            case "change":
                row = saved_filters.saved_filter_change(**key, changes=_typed(request))
                return _("%(name)s is saved.") % {"name": row.name}
            case "delete":
                saved_filters.saved_filter_delete(**key)
                return _("The filter is deleted.")
            case _:
                raise NotFound

    def target(self, **kwargs: Any) -> str:
        return reverse("portal:saved_filters")


def _typed(request: HttpRequest) -> dict[str, Any]:
    """What the service will judge; a box that is not ticked is not sent."""
    return {
        "name": request.POST.get("name", "").replace("\x00", ""),
        "is_shared": "is_shared" in request.POST,
        "is_default": "is_default" in request.POST,
    }
