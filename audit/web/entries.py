"""The audit pages: the list, and one entry with what it changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from audit.models import Entry
from audit.permissions import Permission
from audit.selectors.entries import changes, entries
from audit.selectors.filters import EntryFilter
from audit.web.entry_table import ENTRIES, tag_label
from portal.kernel.audit_tags import Category
from portal.kernel.errors import NotFound
from portal.kernel.web.table_views import TableView
from portal.kernel.web.views import PortalView


class EntryList(TableView):
    """`/audit`: who did what, newest first; its files come from the API."""

    permission = Permission.AUDIT_VIEW
    table = ENTRIES
    template_name = "audit/entry/list.html"
    empty_name = "audit/entry/_empty.html"
    is_exported = False

    def rows(self, wanted: Mapping[str, Any]) -> QuerySet[Entry]:
        rows: QuerySet[Entry] = EntryFilter(self.request.GET, queryset=entries(self.actor)).qs
        return rows

    def values(self) -> dict[str, Any]:
        return {"may_export": self.actor.may(Permission.AUDIT_EXPORT)}


class EntryDetail(PortalView):
    """`/audit/{id}`."""

    permission = Permission.AUDIT_VIEW
    template_name = "audit/entry/detail.html"

    def get(self, request: HttpRequest, entry_id: str) -> HttpResponse:
        entry = entries(self.actor).filter(pk=_key(entry_id)).first()
        if entry is None:
            raise NotFound
        rows = [
            {"label": one["field"], "before": one["before"], "after": one["after"]}
            for one in changes(entry)
        ]
        values = {
            "entry": entry,
            "label": tag_label(entry),
            "category": Category(entry.category).label,
            "rows": rows,
            "facts": (entry.detail or {}).items(),
        }
        return self.page(values)


def _key(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError as error:
        raise NotFound from error
