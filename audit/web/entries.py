"""The audit page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from audit.models import Entry
from audit.permissions import Permission
from audit.selectors.entries import changes, entries
from audit.selectors.filters import EntryFilter
from portal.kernel.audit_tags import tag_specs
from portal.kernel.web.paging import page_of
from portal.kernel.web.views import PortalView


class EntryList(PortalView):
    """Who did what, newest first; filters live in the address."""

    permission = Permission.AUDIT_VIEW
    template_name = "audit/entry/list.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        filters = EntryFilter(request.GET, queryset=entries(self.actor))
        page = page_of(request, filters.qs)
        return self.page(
            {
                "filters": filters.form,
                "entries": [_row(entry) for entry in page.rows],
                "previous": page.previous,
                "next": page.next,
                "may_export": self.actor.may(Permission.AUDIT_EXPORT),
            }
        )


def _row(entry: Entry) -> dict[str, Any]:
    spec = tag_specs().get(entry.tag)
    return {
        "id": entry.id,
        "seq": entry.seq,
        "created_at": entry.created_at,
        "category": entry.category,
        "tag": entry.tag,
        "tag_label": spec.label if spec else entry.tag,
        "outcome": entry.outcome,
        "actor_label": entry.actor_label,
        "target_label": entry.target_label or entry.target_id,
        "target_type": entry.target_type,
        "channel": entry.channel,
        "address": entry.address,
        "request_id": entry.request_id,
        "changes": changes(entry),
    }
